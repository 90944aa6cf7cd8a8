"""The application without a window: a connection, a listing, a download queue, and what is loaded.

``Browser.step`` does what can be done without waiting; the window calls it from Qt's event loop.
The calls that wait (``list_images``, ``load_image``, ``load_trajectories``) are for scripts, and
do the same steps in a loop of their own. What happens is told to observers as ``BrowserEvent``s.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any

from .. import codec, net
from ..scene.image_nodes import ImageNodes
from ..scene.overlay_nodes import AnnotationNodes
from ..scene.trajectory_updates import TrajectoryNodes
from .blocking_calls import WaitingCalls
from .connection_properties import ConnectionView
from .downloads import Downloads
from .errors import BrowserError
from .events import (
    Asked,
    Connected,
    Connecting,
    ConnectionState,
    Disconnected,
    Failed,
    ImageState,
    Listed,
    LiveImageState,
    Observer,
    Reconnecting,
    Transfer,
)
from .image_metadata import ImageKnowledge
from .image_notes import image_notes
from .listing import Listing
from .live_images import LiveImages
from .observers import Observers
from .overlays import Annotations
from .reconnection import PAUSES, ConnectionKeeper

_logger = logging.getLogger(__name__)


class Browser(ConnectionView, Annotations, ImageKnowledge, WaitingCalls):
    """Browses one server at a time and fills ``scene``, a vtkMRMLScene.

    There may be several browsers, each with its own server, that fill one scene. ``metadata`` are
    the providers that are asked what is known of an image.
    """

    def __init__(self, scene: Any) -> None:
        ImageKnowledge.__init__(self)
        self._images = ImageNodes(scene, self._known, self.patients)
        self._observers = Observers()
        self._tell = self._observers.tell
        self._keeper: ConnectionKeeper | None = None
        self._listing = Listing()
        self._trajectories = TrajectoryNodes(scene, self._images.node)
        self._annotations = AnnotationNodes(scene, self._images.node)
        self._downloads = Downloads(self._tell, self._show_image, self.is_label_map)
        self._live = LiveImages(self._tell, self.node, self._show_live_image)

    def add_observer(self, observer: Observer) -> None:
        """Call ``observer`` with every ``BrowserEvent`` from now on."""
        self._observers.add(observer)

    def remove_observer(self, observer: Observer) -> None:
        """Call ``observer`` no longer."""
        self._observers.remove(observer)

    # The connection

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        of_server = None if self._keeper is None else self._keeper.next_deadline
        moments = (of_server, self._trajectories.next_turn)
        return min((moment for moment in moments if moment is not None), default=None)

    def connect(
        self,
        host: str,
        port: int = net.DEFAULT_PORT,
        *,
        pauses: Sequence[float] = PAUSES,
        **options: Any,
    ) -> None:
        """Begin to connect to a server, leaving the one before.

        ``pauses`` are the seconds before each attempt to make a lost connection again, the last
        for all that follow. ``options``, with the time-outs among them: see ``net.Client``.
        """
        self.disconnect()
        self._keeper = ConnectionKeeper(net.Client(host, port, **options), pauses)
        self._turn_to_server(self.address)
        self._downloads.states.begin(self.address, self._is_in_scene)
        self.reconnect_now()

    def reconnect_now(self) -> None:
        """Connect without waiting for the next attempt, where there is no connection."""
        self._server().connect()
        self._tell_attempt()

    def disconnect(self) -> None:
        """Leave the server: what waits is cancelled, what was loaded stays."""
        if self._keeper is None:
            return
        self.cancel()
        address = self.address
        self._client.close()
        self._keeper = None
        self._listing = Listing()
        self._turn_to_server("")
        self._live.forget_all()
        self._downloads.states.end()
        self._trajectories.rest()
        self._tell(Disconnected(address, None))

    # What the server offers, and how far it has come

    @property
    def entries(self) -> Sequence[codec.ImageMetaItem]:
        """The last list of images as it came; ``entries.records`` has its columns."""
        return self._listing.entries

    @property
    def listed_at(self) -> datetime | None:
        """When that list came, with its time zone, or None where none has come."""
        return self._listing.listed_at

    def entry(self, image_id: str) -> codec.ImageMetaItem | None:
        """Return what the list says of an image, or None. Of doubled ids the first one counts."""
        return self._listing.entry(image_id)

    @property
    def states(self) -> dict[str, ImageState]:
        """The states of the images of this server that are not NOT_LOADED."""
        return self._downloads.states.states

    def image_state(self, image_id: str) -> ImageState:
        """Return the state of an image."""
        return self._downloads.states.state(image_id)

    @property
    def queue(self) -> list[str]:
        """The ids of the images that wait to be fetched."""
        return self._downloads.waiting

    @property
    def image_in_transfer(self) -> str | None:
        """The id of the image that is being fetched, or None."""
        return self._downloads.current

    @property
    def transfer(self) -> Transfer | None:
        """How far the image that is being fetched and its batch are, or None."""
        return self._downloads.transfer

    @property
    def live(self) -> dict[str, LiveImageState]:
        """The images that the server sends by itself, those that are in its list among them."""
        return self._live.states

    @property
    def coordinates(self) -> codec.Coordinates | None:
        """Overrules what images say of their matrix, for servers that mark RAS as LPS; or None."""
        return self._images.coordinates

    @coordinates.setter
    def coordinates(self, coordinates: codec.Coordinates | None) -> None:
        self._images.coordinates = coordinates

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None where it is not in the scene (any more)."""
        if self.is_label_map(image_id):
            return self._annotations.label_maps(self.address).node(image_id)
        return self._images.node(self.address, image_id)

    def loaded_images(self) -> list[str]:
        """Return the ids of this server's images that are in the scene."""
        return list(filter(self._is_in_scene, self._downloads.states.loaded_ids))

    def nodes_removed(self) -> list[str]:
        """Note that nodes were removed from the scene; return the ids whose state has changed."""
        self._live.remove_nodes()
        return self._downloads.states.remove_all_but(self._is_in_scene)

    def scene_closed(self) -> None:
        """Note that the scene was closed: transfers are cancelled, the connection stays."""
        self.cancel()
        self._trajectories.stop()
        self._live.forget_all()
        self._downloads.states.remove_all_but(self._is_in_scene)

    # What can be asked for without waiting

    def request_list(self) -> net.Query:
        """Ask for the list of images; ``Listed`` or ``Failed`` follows."""
        return self._ask("IMGMETA")

    def request_images(self, image_ids: Iterable[str]) -> None:
        """Put images into the queue; ``ImageLoaded`` or ``ImageFailed`` follows for each."""
        self._server()
        self._downloads.request(image_ids, self._listing)
        if self.connection is ConnectionState.RECONNECTING:
            self.reconnect_now()
        self._fetch_next()

    def cancel(self, image_ids: Iterable[str] | None = None) -> None:
        """Fetch these images no more, or none at all; the connection stays."""
        if self._keeper is None:
            return
        self._downloads.cancel(self._client, None if image_ids is None else set(image_ids))
        self._fetch_next()

    def step(self) -> None:
        """Do what can be done without waiting, and tell the observers what happened."""
        self._show_more_trajectories()
        keeper = self._keeper
        if keeper is None:
            return
        keeper.connect_if_due()
        self._tell_attempt()
        for event in self._live.pass_over_outdated(keeper.client.step()):
            if self._keeper is keeper:  # an observer may have left the server
                self._take(event)
        if self._keeper is keeper:
            self._tell_attempt()
            self._downloads.report_progress(self._client)

    def wait_and_step(self) -> None:
        """Sleep until there is something to do, and do it."""
        if not self.is_showing_trajectories:
            self._server().wait()
        self.step()

    # What happens

    def _server(self) -> ConnectionKeeper:
        if self._keeper is None:
            raise BrowserError("there is no connection; connect to a server first")
        return self._keeper

    @property
    def _client(self) -> net.Client:
        return self._server().client

    def _ask(self, data_type: str, device_name: str = "") -> net.Query:
        query = self._client.ask(data_type, device_name)
        self._tell(Asked())
        self._tell_attempt()
        return query

    def _fetch_next(self) -> None:
        # While the next attempt to connect is not due yet, the queue waits for it.
        if self._keeper is not None and self.connection is not ConnectionState.RECONNECTING:
            self._downloads.fetch_next(self._client)
            self._tell_attempt()

    def _tell_attempt(self) -> None:
        if self._keeper is not None and self._keeper.take_new_attempt():
            self._tell(Connecting(self.address))

    def _take(self, event: net.ClientEvent) -> None:
        if isinstance(event, net.Connected):
            self._server().note_connected()
            self._tell(Connected(self.address))
            self._fetch_next()
        elif isinstance(event, net.Disconnected):
            self._take_disconnected(event.error)
        elif isinstance(event, net.Finished):
            self._take_finished(event.query)
        elif isinstance(event.message, codec.ImageMessage):
            self._live.take(event.message)
        elif isinstance(event.message, codec.Rejected):
            self._tell(Failed(event.message.error))
        elif not self._take_annotation(event.message):
            _logger.info("%s came without being asked for", event.message.type_name)

    def _take_disconnected(self, error: net.NetworkError) -> None:
        keeper = self._server()
        pause = keeper.note_disconnected()
        self._tell(Disconnected(self.address, error))
        if pause is not None and self.connection is ConnectionState.RECONNECTING:
            self._tell(Reconnecting(self.address, error, pause))

    def _take_finished(self, query: net.Query) -> None:
        keeper = self._server()
        if query.answer is not None or isinstance(query.error, net.RefusedError):
            keeper.note_answer()
        if self._downloads.take(query, keeper.has_worked):
            self._fetch_next()
        elif query.error is not None:
            self._tell(Failed(query.error))
        elif isinstance(query.answer, codec.ImageMetaMessage):
            self._take_list(query.answer)
        elif query.answer is not None:
            self._take_annotation(query.answer, query)

    def _take_list(self, message: codec.ImageMetaMessage) -> None:
        before, now = self._listing, Listing(message, datetime.now(timezone.utc))
        self._listing = now
        self._note_list()
        self._downloads.states.list(now)
        self._tell(Listed(now.entries))
        self._downloads.withdraw(before, now)

    def _show_image(self, image_id: str, image: codec.ImageMessage) -> tuple[Any, tuple[str, ...]]:
        if self.is_label_map(image_id):
            return self._show_label_map(image_id, image), ()
        entry = self.entry(image_id)
        scan_time = None if entry is None else entry.scan_time.to_datetime()
        node = self._images.show(self.address, image_id, image, scan_time)
        self._trajectories.of(self.address).image_shown(image_id)
        self._annotations.image_shown(self.address, image_id)
        return node, image_notes(image_id, entry, image)

    def _show_live_image(self, image: codec.ImageMessage, is_first: bool) -> Any:
        if is_first or self.is_label_map(image.device_name):
            node, _ = self._show_image(image.device_name, image)
        else:
            node = self._images.update(self.address, image.device_name, image)
        self._downloads.states.live(image.device_name)
        return node

    def _is_in_scene(self, image_id: str) -> bool:
        return self.node(image_id) is not None
