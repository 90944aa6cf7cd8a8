"""The application without a window: a connection, the images, and what belongs to them.

``BaseBrowser.step`` does what can be done without waiting; the window calls it from Qt's event
loop. Observers are notified with ``BrowserEvent``s.
"""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from .. import codec, net
from ..privacy.hidden_patients import HiddenPatients
from ..privacy.redacted_log import redact_log, stop_redacting_log
from ..scene.images import edited_voxels
from ..scene.images.image_nodes import ImageNodes
from ..scene.markups.trajectory_nodes import TrajectoryNodes
from ..scene.overlay_nodes import OverlayNodes
from ..scene.server_nodes.attributes import SERVER_ATTRIBUTE
from ..scene.server_nodes.copied_nodes import CopiedNodes
from ..signal import Signal
from . import open_browsers
from .connection import ServerConnection
from .events import (
    BrowserEvent,
    Disconnected,
    Failed,
    NodeRemoved,
    Observer,
    OffersKnown,
    SceneClosed,
    SceneClosing,
    SceneImported,
)
from .held_messages import HeldMessages
from .images.image_metadata import ImageMetadata
from .images.scene_images import SceneImages
from .overlays import Overlays
from .owned_nodes import OwnedNodes
from .preparation import Preparation, is_large
from .previews.previewed_images import PreviewedImages
from .previews.slice_previews import SlicePreviews
from .previews.thumbnails import Thumbnails
from .pushed_failures import PushedFailures
from .reconnection import RECONNECT_DELAYS
from .scene_events import SceneEvents
from .server_images import ServerImages
from .trajectories import Trajectories

_logger = logging.getLogger(__name__)
# A server can invent type names without end.
_MOST_LOGGED_TYPES = 100
# Then the window answers; a node takes some milliseconds to make.
_SECONDS_A_STEP = 0.02
# Of a message that is prepared in turns; the rest of the step takes time, too.
_SECONDS_A_TURN = 0.005


class BaseBrowser:
    """Browses one server at a time and fills ``scene``, a vtkMRMLScene.

    There may be several browsers that fill one scene, also from one server.

    connection
        The state of the connection to the server.
    images
        The list of images, the downloads, and the volumes.
    trajectories, overlays
        What belongs to images: trajectories; label maps, points and color tables.
    metadata
        What is known of the images, and the user's calibrations.
    thumbnails, previews
        What images look like before they are loaded.
    patients
        Whether the patients are hidden, as by other browsers of the scene at first.
    """

    def __init__(self, scene: Any) -> None:
        self._events: Signal[[BrowserEvent]] = Signal()
        notify = self._events.emit
        self.patients = HiddenPatients()
        self.connection = ServerConnection(notify)
        self.metadata = ImageMetadata(self.patients)
        volumes = ImageNodes(scene, self.metadata.known, self.patients)
        mark = self.metadata.mark_patient
        trajectory_nodes = TrajectoryNodes(scene, volumes.owner, mark)
        overlay_nodes = OverlayNodes(scene, volumes.owner, mark)
        self.trajectories = Trajectories(self.connection, trajectory_nodes, notify)
        self._pushed_failures = PushedFailures(notify)
        self.overlays = Overlays(
            self.connection, self.trajectories, overlay_nodes, notify, self._pushed_failures
        )
        self._unknown_types: set[str] = set()
        # What came and is still to be shown. Until then nothing more is read: the server waits.
        self._unhandled: deque[net.ClientEvent] = deque()
        self._in_scene = SceneImages(self.connection, self.metadata, self.overlays, volumes)
        self._copied_nodes = CopiedNodes(scene)
        self._owned = OwnedNodes(
            self.metadata,
            self._in_scene,
            self.trajectories,
            self.overlays,
            self._copied_nodes,
            self.patients,
            notify,
        )
        self._preparation = Preparation(self.metadata, self._in_scene)
        self.images = ServerImages(
            self.connection, self.metadata, self.overlays, self._in_scene, notify
        )
        self._held = HeldMessages(
            self.connection, self.metadata, self.images, self.trajectories, self.overlays, notify
        )
        previewed = PreviewedImages(
            self.connection, self.metadata, self.patients, self.images, notify
        )
        self.thumbnails = Thumbnails(previewed)
        self.previews = SlicePreviews(previewed)
        self.scene = scene
        self._has_new_nodes = False
        self._scene_events = SceneEvents(scene)
        self._connect_signals()
        open_browsers.add(self)

    def _connect_signals(self) -> None:
        """Let the parts know what happens in the others."""
        shown = self._in_scene.image_shown
        shown.connect(self._owned.on_image_shown)
        shown.connect(self.trajectories.on_image_shown)
        shown.connect(self.overlays.on_image_shown)
        shown.connect(self.thumbnails.on_image_shown)
        shown.connect(self.previews.on_image_shown)
        self.metadata.calibration_changed.connect(self._in_scene.on_calibration_changed)
        patient_changed = self.metadata.patient_changed
        patient_changed.connect(self._owned.on_patient_changed)
        patient_changed.connect(self._in_scene.on_patient_changed)
        patient_changed.connect(self.images.recordings.on_patient_changed)
        self.metadata.listed.connect(self._owned.on_list)
        self.metadata.other_ids = self._owner_ids
        self.patients.hidden_changed.connect(self._in_scene.on_hidden_changed)
        self.patients.hidden_changed.connect(self._on_hidden_changed)
        # The parts first, then the observers: these find the new state of all of them.
        self._scene_events.closing.connect(self._on_scene_closing)
        self._scene_events.closed.connect(self._on_scene_closed)
        self._scene_events.imported.connect(self._on_scene_imported)
        self._scene_events.undone.connect(self.adopt_new_nodes)
        self._scene_events.node_added.connect(self._on_node_added)
        self._scene_events.node_removing.connect(self._copied_nodes.on_removing)
        self._scene_events.node_removed.connect(self._on_node_removed)

    def add_observer(
        self, observer: Observer, event_types: type | tuple[type, ...] = object
    ) -> None:
        """Call ``observer`` with every ``BrowserEvent`` of these types from now on."""
        self._events.connect(observer, lambda event: isinstance(event, event_types))

    def remove_observer(self, observer: Observer) -> None:
        """Call ``observer`` no longer."""
        self._events.disconnect(observer)

    # The server

    def connect(
        self,
        host: str,
        port: int = net.DEFAULT_PORT,
        settings: net.ConnectionSettings | None = None,
        *,
        reconnect_delays: Sequence[float] = RECONNECT_DELAYS,
        name: str = "",
        **changes: Any,
    ) -> None:
        """Begin to connect to a server, leaving the one before.

        ``settings`` are its own, ``changes`` the fields of ``net.ConnectionSettings`` that differ:
        ``browser.connect("localhost", answer_timeout=60)``.
        ``reconnect_delays`` are the seconds before each attempt to make a lost connection again,
        the last for all that follow. ``name`` stands for host and port in texts and saved scenes,
        for a server that has another port each time.
        """
        self.disconnect()
        self.connection.open(host, port, settings, reconnect_delays, name, **changes)
        coordinates = self.connection.client.settings.coordinates
        self._in_scene.coordinates = self.trajectories.markups.coordinates = coordinates
        self._on_server_selected()
        if self.connection.has_server:  # an observer of what is in the scene may have left it
            self.connection.reconnect_now()

    def disconnect(self) -> None:
        """Leave the server: what waits is cancelled, what was loaded stays."""
        if self.connection.has_server:
            self._leave_server(None)

    def close(self) -> None:
        """Leave the server for good, and let go of the scene and of all callbacks.

        What was loaded stays in the scene. A browser that is closed cannot be used again.
        """
        self.disconnect()
        self.images.recordings.close()
        stop_redacting_log(self.patients)
        self._scene_events.close()
        self.metadata.close()
        self.images.sequences.close()
        self._in_scene.close()
        for signal in (self._events, self.patients.hidden_changed):
            signal.disconnect_all()
        open_browsers.remove(self)

    # For scripts: images without waiting

    def request_images(self, image_ids: Iterable[str]) -> None:
        """Put images into the queue; ``ImageLoaded`` or ``ImageFailed`` follows for each."""
        self.images.request(image_ids)

    @property
    def queue(self) -> list[str]:
        """The ids of the images that wait to be fetched."""
        return self.images.downloads.waiting

    def is_handled(self, query: net.Query) -> bool:
        """Whether a query has failed, or what answered it was handled: nothing of it waits."""
        waiting = (event.query for event in self._unhandled if isinstance(event, net.Finished))
        is_held = query.error is None and self._held.is_held(query.data_type)
        return query.is_done and query not in waiting and not is_held

    # For event loops

    @property
    def sockets(self) -> dict[socket.socket, int]:
        """The socket to wait for, with ``EVENT_READ`` and ``EVENT_WRITE`` of ``selectors``."""
        return self.connection.sockets

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        if self._is_busy:
            return 0.0
        turns = (self.connection.next_deadline, self.trajectories.next_turn, self.images.next_turn)
        return min((moment for moment in turns if moment is not None), default=None)

    @property
    def _is_busy(self) -> bool:
        """Whether ``step`` has something to do, whatever the server sends."""
        images = self.images
        is_showing = self.overlays.is_showing or images.recordings.is_working
        has_news = bool(self._unhandled) or images.sequences.is_ready
        is_looking = self.thumbnails.is_busy or self.previews.is_busy
        is_looking |= edited_voxels.is_checking()
        return has_news or is_showing or images.downloads.has_requested or is_looking

    def step(self) -> None:
        """Do what can be done without waiting, and notify the observers of what happened."""
        self.adopt_new_nodes()
        # First what has come already: a server that streams faster than markups can be made would
        # otherwise keep them waiting for ever.
        self.trajectories.work()
        self.overlays.work()
        self.images.recordings.work()
        self.images.work()
        self.images.sequences.work()
        self.images.queue_requested()
        self.previews.work()
        self.thumbnails.work()
        edited_voxels.check(_SECONDS_A_TURN)
        reconnector = self.connection.reconnector
        has_time = True
        if not self._unhandled:
            self._unhandled.extend(self.images.skip_outdated(self.connection.step()))
            has_time = not any(map(is_large, self._unhandled))
        end = time.monotonic() + _SECONDS_A_STEP
        while self._unhandled and has_time:
            if not self._preparation.go_on(self._unhandled[0], _SECONDS_A_TURN):
                break
            self._on_client_event(self._unhandled.popleft())
            self._preparation.forget()
            # An observer may have left the server: what that one said is of no interest then.
            if self.connection.reconnector is not reconnector:
                self._unhandled.clear()
            is_large_next = bool(self._unhandled) and is_large(self._unhandled[0])
            has_time = time.monotonic() < end and not is_large_next
        self._tell_released()
        if self.connection.reconnector is reconnector:
            self.connection.notify_attempt()
            self.images.downloads.report_progress()
            # Not before it is known why: that may be among what waits for the next step.
            if self.connection.has_failed and not self._unhandled:
                self._leave_server(self.connection.last_error)
        self._has_new_nodes &= bool(self._others)  # what has come meanwhile is known

    def wait_and_step(self) -> None:
        """Sleep until there is something to do, and do it."""
        if not self.trajectories.is_showing and not self._is_busy:
            self.connection.wait(self.images.next_turn)
        self.step()

    # What happens

    def _leave_server(self, error: net.NetworkError | None) -> None:
        for one in self._others:
            one.adopt_new_nodes()  # as long as it is known from whom they are
        # In this order: the images are cancelled while they are still those of this server, and the
        # observers find no server any more when they are notified.
        self.images.leave()
        self.trajectories.markups.label(())  # nobody sees a row of theirs any more
        address = self.connection.address
        self.connection.close()
        self._on_server_selected()
        self.trajectories.rest()
        self._events.emit(Disconnected(address, error))

    def _adopt_nodes(self) -> None:
        """Find the server's nodes in a scene that was saved: they are not made twice."""
        if self.connection.has_server:
            self._owned.release_unknown(self.scene, self.connection.address)
            self.images.adopt()
            self.trajectories.adopt()
            self._owned.on_adopted()

    def adopt_new_nodes(self) -> None:
        """Find what another browser, or an undone removal, has brought back of this server."""
        has_new_nodes, self._has_new_nodes = self._has_new_nodes, False
        if has_new_nodes:
            self._adopt_nodes()

    @property
    def _others(self) -> list[BaseBrowser]:
        """The other browsers of this server that fill the scene."""
        address, beside = self.connection.address, open_browsers.browsers_of(self.scene)
        return [one for one in beside if one is not self and one.connection.address == address]

    def _on_scene_closing(self) -> None:
        self.images.cancel()
        self._events.emit(SceneClosing())

    def _on_scene_closed(self) -> None:
        self.images.on_scene_closed()
        self.trajectories.stop()
        self.overlays.stop()
        self._events.emit(SceneClosed())

    def _on_scene_imported(self) -> None:
        self._in_scene.hide_more(is_all=True)
        self._owned.note_copies(self._copied_nodes.release_imported())
        self._adopt_nodes()
        self._events.emit(SceneImported())
        self._tell_released()

    def _on_node_added(self, node: Any) -> None:
        self._has_new_nodes |= bool(node.GetAttribute(SERVER_ATTRIBUTE) or self._others)
        self._copied_nodes.on_added(node)

    def _on_node_removed(self, node: Any) -> None:
        self._events.emit(NodeRemoved(self.images.on_nodes_removed(node)))

    def _on_server_selected(self) -> None:
        self._unhandled.clear()
        self._preparation.forget()
        self._held.forget()
        self._pushed_failures.forget()
        self.metadata.select_server(self.connection.address)
        self.images.on_server_selected()
        self.thumbnails.on_server_selected()
        self.previews.on_server_selected()
        self._adopt_nodes()  # the scene may have been loaded before its server was selected

    def _owner_ids(self) -> set[str]:
        return self.trajectories.owner_ids | self.overlays.owner_ids

    def _on_hidden_changed(self, is_hidden: bool) -> None:
        change_log = redact_log if is_hidden else stop_redacting_log
        change_log(self.patients)

    def _on_client_event(self, event: net.ClientEvent) -> None:
        if isinstance(event, net.Connected):
            self._on_connected()
        elif isinstance(event, net.Disconnected):
            self.connection.on_disconnected(event.error)
            self.images.on_disconnected(event.error)
        elif isinstance(event, net.CapabilityKnown):
            self.images.fetch_next()
            self._events.emit(OffersKnown())
        elif isinstance(event, net.Finished):
            self._on_finished(event.query)
        elif isinstance(event, net.Unsolicited):
            self._on_unsolicited(event)
        self._held.show_due()

    def _tell_released(self) -> None:
        """Say what was let go, after the list that is awaited: what it says would be shown last."""
        if not self.images.list_requests.is_waiting and self._owned.tell():
            self._on_node_removed(None)  # a label map that was let go is not loaded any more

    def _on_connected(self) -> None:
        self.connection.on_connected()
        self._held.on_connected()
        for data_type, device_name in self.connection.take_deferred():
            if data_type == "IMGMETA":
                self.images.request_list()
            else:
                self.connection.ask(data_type, device_name)
        self.images.on_connected(self.thumbnails.is_offer_needed or self.previews.is_coming)
        self.thumbnails.on_connected()

    def _on_finished(self, query: net.Query) -> None:
        self.connection.on_finished(query)
        if self.images.on_image_finished(query) or self.images.on_list_finished(query):
            return
        if self.thumbnails.on_finished(query) or self.previews.on_finished(query):
            return
        if query.error is not None:
            self._on_failed(query, query.error)
        elif isinstance(query.answer, codec.ImageMetaMessage):
            self.images.on_list(query.answer)
        elif query.answer is not None:
            self._held.handle(query.answer, query)

    def _on_failed(self, query: net.Query, error: net.NetworkError) -> None:
        if not self.connection.defer(query):
            self._events.emit(Failed(error))

    def _on_unsolicited(self, event: net.Unsolicited) -> None:
        message = event.message
        if isinstance(message, codec.ImageMessage):
            self.images.on_live_image(message, event.is_behind_list)
        elif isinstance(message, codec.ImageMetaMessage):
            self.images.on_pushed_list(message)
        elif isinstance(message, codec.Rejected):
            self._pushed_failures.add(message.error)
        elif not self._held.handle(message, None):
            self._log_unknown(message.type_name)

    def _log_unknown(self, type_name: str) -> None:
        """Log each type once: thousands of such messages can come in a second."""
        if type_name not in self._unknown_types and len(self._unknown_types) < _MOST_LOGGED_TYPES:
            self._unknown_types.add(type_name)
            _logger.info("%s was received without being requested", type_name)
