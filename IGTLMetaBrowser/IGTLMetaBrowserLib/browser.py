"""The application without a window: a connection, a listing, a download queue, and what is loaded.

``Browser.step`` does what can be done without waiting; the window calls it from Qt's event loop.
The calls that wait (``list_images``, ``load_image``, ``load_trajectories``) are for scripts, and
do the same steps in a loop of their own. What happens is told to observers as ``BrowserEvent``s.
"""

from __future__ import annotations

import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vtkmodules.vtkCommonCore import vtkWeakReference

from . import codec, net
from .browser_events import (
    Asked,
    BrowserEvent,
    Connected,
    Connecting,
    Disconnected,
    Failed,
    ImageFailed,
    ImageLoaded,
    ImageProgress,
    ImageWaiting,
    Listed,
    Observer,
    TrajectoriesShown,
)
from .metadata import modules
from .metadata.providers import MetadataProviders
from .scene import hierarchy, trajectories, volumes
from .scene.errors import SceneError

_logger = logging.getLogger(__name__)

IMAGE_ID_ATTRIBUTE = "IGTLMetaBrowser.ImageId"


class BrowserError(Exception):
    """What was asked for cannot be done now; the text says why and what to try."""


class Browser:
    """Browses one server at a time and fills ``scene``, a vtkMRMLScene.

    ``entries`` is the last list of images, ``queue`` the ids of those that wait to be fetched.
    ``coordinates`` overrules what images say of their matrix, for servers that mark RAS as LPS or
    the other way round; None believes them.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self.entries: Sequence[codec.ImageMetaItem] = []
        self._entry_of_id: dict[str, codec.ImageMetaItem] = {}
        self.queue: list[str] = []
        self.coordinates: codec.Coordinates | None = None
        self._client: net.Client | None = None
        self._observers: list[Observer] = []
        self._transfer: net.Query | None = None
        # No ids of nodes: a scene that was closed gives them again, to nodes of the user's.
        self._image_nodes: dict[tuple[str, str], vtkWeakReference] = {}
        self._trajectory_nodes: dict[tuple[str, str, str, str, int], vtkWeakReference] = {}
        self._message_metadata = modules.MessageMetadataProvider()
        self.metadata = MetadataProviders()
        self.metadata.add_provider(modules.ImageMetaProvider(self.entry))
        self.metadata.add_provider(self._message_metadata, priority=10)

    # Observers

    def add_observer(self, observer: Observer) -> None:
        """Call ``observer`` with every ``BrowserEvent`` from now on."""
        self._observers.append(observer)

    def remove_observer(self, observer: Observer) -> None:
        """Call ``observer`` no longer."""
        self._observers.remove(observer)

    def _tell(self, event: BrowserEvent) -> None:
        for observer in [*self._observers]:
            try:
                observer(event)
            except Exception:
                # As Qt does with slots: it is printed, and what else happened is told all the same.
                sys.excepthook(*sys.exc_info())

    # Connection

    @property
    def address(self) -> str:
        """Host and port of the server, or an empty text."""
        return "" if self._client is None else self._client.address

    @property
    def host_and_port(self) -> tuple[str, int] | None:
        """Host and port of the server, or None."""
        return None if self._client is None else (self._client.host, self._client.port)

    @property
    def has_server(self) -> bool:
        """Whether the user has chosen a server and not left it; a lost connection is made anew."""
        return self._client is not None

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait for, another one for each connection; None where there is none."""
        return None if self._client is None else self._client.socket

    @property
    def wants_write(self) -> bool:
        """Whether ``step`` should be called when the socket can be written to."""
        return self._client is not None and self._client.wants_write

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        return None if self._client is None else self._client.next_deadline

    def connect(self, host: str, port: int = net.DEFAULT_PORT, **options: Any) -> None:
        """Begin to connect to a server, leaving the one before. ``options``: see ``net.Client``."""
        self.disconnect()
        self._client = net.Client(host, port, **options)
        self._client.connect()
        self._tell(Connecting(self.address))

    def disconnect(self) -> None:
        """Leave the server: what waits is cancelled, what was loaded stays."""
        if self._client is None:
            return
        self.cancel()
        address = self.address
        self._client.close()
        self._client = None
        self._set_entries([])
        self._tell(Disconnected(address, None))

    # What can be asked for without waiting

    def request_list(self) -> net.Query:
        """Ask for the list of images; ``Listed`` or ``Failed`` follows."""
        return self._ask("IMGMETA")

    def request_trajectories(self) -> net.Query:
        """Ask for the trajectories; ``TrajectoriesShown`` or ``Failed`` follows."""
        return self._ask("TRAJ")

    def request_images(self, image_ids: Iterable[str]) -> None:
        """Put images into the queue; ``ImageLoaded`` or ``ImageFailed`` follows for each."""
        self._server()
        for image_id in image_ids:
            if image_id not in self.queue and image_id != self.image_in_transfer:
                self.queue.append(image_id)
                self._tell(ImageWaiting(image_id))
        self._fetch_next()

    @property
    def image_in_transfer(self) -> str | None:
        """The id of the image that is being fetched, or None."""
        return None if self._transfer is None else self._transfer.device_name

    def cancel(self) -> None:
        """Fetch no more images; the connection stays."""
        error = net.CancelledError("cancelled")
        transfer = self._transfer
        if transfer is not None and self._client is not None:
            self._client.cancel(transfer)
            self._transfer = None
            self._tell(ImageFailed(transfer.device_name, error))
        self._give_up_queue(error)

    def step(self) -> None:
        """Do what can be done without waiting, and tell the observers what happened."""
        if self._client is None:
            return
        client = self._client
        for event in client.step():
            if self._client is client:  # an observer may have left the server
                self._take(event)
        self._report_progress()

    # Calls that wait, for scripts

    def wait_until_connected(self) -> None:
        """Wait for the connection. Raises ``net.NetworkError``."""
        failures: list[Exception] = []

        def note_failure(event: BrowserEvent) -> None:
            if isinstance(event, Disconnected) and event.error is not None:
                failures.append(event.error)

        self.add_observer(note_failure)
        try:
            self._server().connect()  # where an earlier step met the failure, there is no attempt
            self._step_until(lambda: bool(failures) or self._server().is_connected)
        finally:
            self.remove_observer(note_failure)
        if failures:
            raise failures[0]

    def list_images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the images that the server offers. Raises ``net.NetworkError``."""
        self._wait_for(self.request_list())
        return self.entries

    def load_image(self, image_id: str) -> Any:
        """Fetch an image, after those in the queue, and return its volume node.

        Raises ``net.NetworkError`` or ``SceneError``.
        """
        outcome: list[ImageLoaded | ImageFailed] = []

        def note_outcome(event: BrowserEvent) -> None:
            if isinstance(event, ImageLoaded | ImageFailed) and event.image_id == image_id:
                outcome.append(event)

        self.add_observer(note_outcome)
        try:
            self.request_images([image_id])
            self._step_until(lambda: bool(outcome))
        finally:
            self.remove_observer(note_outcome)
        if isinstance(outcome[0], ImageFailed):
            raise outcome[0].error
        return outcome[0].node

    def load_trajectories(self) -> Sequence[Any]:
        """Ask for the trajectories and return their markups nodes. Raises ``net.NetworkError``."""
        shown: list[TrajectoriesShown] = []

        def note_shown(event: BrowserEvent) -> None:
            if isinstance(event, TrajectoriesShown):
                shown.append(event)

        self.add_observer(note_shown)
        try:
            self._wait_for(self.request_trajectories())
        finally:
            self.remove_observer(note_shown)
        return shown[-1].nodes

    def _wait_for(self, query: net.Query) -> None:
        self._step_until(lambda: query.is_done)
        if query.error is not None:
            raise query.error

    def _step_until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._server().wait_for_socket()
            self.step()

    # What is loaded where

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the listing says of an image, or None."""
        return self._entry_of_id.get(image_id)

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None where it is not in the scene (any more)."""
        return self._still_there(self._image_nodes.get((self.address, image_id)))

    def loaded_images(self) -> list[str]:
        """Return the ids of this server's images that are in the scene."""
        ids = [image_id for address, image_id in self._image_nodes if address == self.address]
        return [image_id for image_id in ids if self.node(image_id) is not None]

    def _still_there(self, reference: vtkWeakReference | None) -> Any:
        node = None if reference is None else reference.Get()
        return node if node is not None and node.GetScene() is self._scene else None

    # What happens

    def _server(self) -> net.Client:
        if self._client is None:
            raise BrowserError("there is no connection; connect to a server first")
        return self._client

    def _ask(self, data_type: str) -> net.Query:
        query = self._server().ask(data_type)
        self._tell(Asked())
        return query

    def _set_entries(self, entries: Sequence[codec.ImageMetaItem]) -> None:
        self.entries = entries
        # Of two images with one id, the server means the first.
        self._entry_of_id = {entry.id: entry for entry in reversed(entries)}

    def _take(self, event: net.ClientEvent) -> None:
        if isinstance(event, net.Connected):
            self._tell(Connected(self.address))
        elif isinstance(event, net.Disconnected):
            self._tell(Disconnected(self.address, event.error))
        elif isinstance(event, net.Finished):
            self._take_finished(event.query)
        elif isinstance(event.message, codec.TrajectoryMessage):
            self._show_trajectories(event.message)
        elif isinstance(event.message, codec.Rejected):
            self._tell(Failed(event.message.error))
        else:
            _logger.info("%s came without being asked for", event.message.type_name)

    def _take_finished(self, query: net.Query) -> None:
        if query is self._transfer:
            self._transfer = None
            self._take_image(query)
            self._fetch_next()
        elif query.error is not None:
            self._tell(Failed(query.error))
        elif isinstance(query.answer, codec.ImageMetaMessage):
            self._set_entries(list(query.answer.items))
            self._tell(Listed(self.entries))
        elif isinstance(query.answer, codec.TrajectoryMessage):
            self._show_trajectories(query.answer)

    def _fetch_next(self) -> None:
        while self._transfer is None and self.queue:
            image_id = self.queue.pop(0)
            try:
                self._transfer = self._server().ask("IMAGE", image_id)
            except codec.EncodeError as error:
                self._tell(ImageFailed(image_id, error))
            else:
                self._tell(Asked())

    def _report_progress(self) -> None:
        if self._client is None or self._transfer is None:
            return
        progress = self._client.progress(self._transfer)
        if progress is not None:
            image_id = self._transfer.device_name
            self._tell(ImageProgress(image_id, progress.received, progress.body_size))

    def _take_image(self, query: net.Query) -> None:
        image_id = query.device_name
        if not isinstance(query.answer, codec.ImageMessage):
            error = query.error or BrowserError(f"{query} came as {query.answer}")
            self._tell(ImageFailed(image_id, error))
            if isinstance(error, net.ConnectionFailedError):
                self._give_up_queue(error)
            return
        try:
            node = self._show_image(image_id, query.answer)
        except SceneError as error:
            self._tell(ImageFailed(image_id, error))
            return
        notes = differences(self.entry(image_id), query.answer)
        if query.answer.device_name != image_id:
            notes.append(f"it came under the name {codec.printable(query.answer.device_name)!r}")
        self._tell(ImageLoaded(image_id, node, notes))

    def _give_up_queue(self, error: Exception) -> None:
        """Fail what waits: each image would wait in vain for a server that is not there."""
        waiting = list(self.queue)
        self.queue.clear()
        for image_id in waiting:
            self._tell(ImageFailed(image_id, error))

    def _show_image(self, image_id: str, image: codec.ImageMessage) -> Any:
        self._message_metadata.keep(image_id, image.metadata)
        series = modules.known_fields(self.metadata, modules.GENERAL_SERIES, image_id)
        name = codec.printable(series["SeriesDescription"] or image_id)
        node = volumes.show_image(
            self._scene, image, name, series["Modality"], self.node(image_id), self.coordinates
        )
        self._image_nodes[self.address, image_id] = _reference(node)
        self._describe(node, image_id)
        return node

    def _describe(self, node: Any, image_id: str) -> None:
        """Write what is known of an image onto its node, and put it under its patient."""
        node.SetAttribute(IMAGE_ID_ATTRIBUTE, codec.printable(image_id))
        for type_ in modules.TYPES:
            fields = modules.known_fields(self.metadata, type_, image_id)
            for keyword, value in fields.items():
                # None removes what another image has left under this id.
                node.SetAttribute(f"DICOM.{keyword}", codec.printable(value) or None)
        patient = modules.known_fields(self.metadata, modules.PATIENT, image_id)
        hierarchy.place_under_patient(
            self._scene,
            node,
            codec.printable(patient["PatientName"]),
            codec.printable(patient["PatientID"]),
        )

    def _show_trajectories(self, message: codec.TrajectoryMessage) -> None:
        nodes, problems = [], []
        # Nothing keeps a server from calling two trajectories the same.
        namesakes: Counter[tuple[str, str, str]] = Counter()
        for item in message.items:
            names = (item.owner, item.group, item.name)
            key = (self.address, *names, namesakes[names])
            namesakes[names] += 1
            known = self._still_there(self._trajectory_nodes.get(key))
            try:
                node = trajectories.show_trajectory(self._scene, item, known)
            except SceneError as error:
                problems.append(str(error))
                continue
            self._trajectory_nodes[key] = _reference(node)
            nodes.append(node)
        self._tell(TrajectoriesShown(nodes, problems))


def _reference(node: Any) -> vtkWeakReference:
    reference = vtkWeakReference()
    reference.Set(node)
    return reference


def differences(entry: codec.ImageMetaItem | None, image: codec.ImageMessage) -> list[str]:
    """Return in words where an image differs from its entry in the list."""
    if entry is None:
        return ["it is not in the list of images"]
    notes = []
    if tuple(entry.size) != tuple(image.whole_size):
        notes.append(
            f"the list says {size_text(entry.size)} voxels, {size_text(image.whole_size)} came"
        )
    came = codec.ScalarType.of(image.pixels.dtype)
    if entry.scalar_type != came:
        notes.append(
            f"the list says {scalar_type_text(entry.scalar_type)}, {scalar_type_text(came)} came"
        )
    return notes


def size_text(size: Sequence[int]) -> str:
    """Return a size as a user reads it: ``512 × 512 × 64``."""
    return " × ".join(str(count) for count in size)


def scalar_type_text(scalar_type: codec.ScalarType | int) -> str:
    """Return a scalar type as a user reads it: ``uint16``, or the number of an unknown one."""
    if isinstance(scalar_type, codec.ScalarType):
        return scalar_type.name.lower()
    return f"unknown ({scalar_type})"
