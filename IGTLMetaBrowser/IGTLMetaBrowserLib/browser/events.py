"""The events of a ``Browser``, and the states of its connection and images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from .. import codec

if TYPE_CHECKING:
    from ..scene.images.sequence_recording import SequenceRecording


class ConnectionState(Enum):
    """How a browser stands to its server."""

    NOT_CONNECTED = "not connected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    """Lost or refused; the next attempt is due at ``ServerConnection.next_attempt``."""


class ImageStatus(Enum):
    """How far an image has come into the scene."""

    NOT_LOADED = "not loaded"
    WAITING = "waiting"
    LOADING = "loading"
    LOADED = "loaded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class ImageState:
    """The state of one image.

    ``received`` of ``size`` bytes have arrived while it is loading; ``size`` is 0 before the first
    has. ``reason`` is why it failed, ``notes`` what else there is to know, such as how it
    differs from the list.
    """

    status: ImageStatus = ImageStatus.NOT_LOADED
    received: int = 0
    size: int = 0
    reason: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transfer:
    """The image that is being fetched, and the batch it belongs to.

    ``received`` and ``size`` are bytes of this image; ``size`` is 0 if it is not known yet.
    ``done`` of ``total`` images of the batch have arrived, failed or been cancelled.
    ``bytes_per_second`` is that of the last seconds, and ``seconds_left`` the time for the rest of
    the batch; None if they are not known. ``seconds_preparing`` is for how long the server has
    been preparing this image, which it shows by other messages; None once it sends it.
    """

    image_id: str
    received: int
    size: int
    bytes_per_second: float | None
    seconds_left: float | None
    done: int
    total: int
    seconds_preparing: float | None = None


@dataclass(frozen=True)
class LiveImageState:
    """An image that the server sends without being asked, again and again.

    ``entry`` is made from the last message, ``node`` its volume, or None if the user removed it;
    ``frames`` have come, the last one ``last_at`` (with its time zone).
    """

    entry: codec.ImageMetaItem
    node: Any
    frames: int
    last_at: datetime


class BrowserEvent:
    """Something that has happened, of which the observers of a browser are notified."""


@dataclass(frozen=True)
class Connecting(BrowserEvent):
    """A connection is being made; ``is_again``: to a server that was connected before."""

    address: str
    is_again: bool = False


@dataclass(frozen=True)
class Connected(BrowserEvent):
    """There is a connection; ``is_again``: one that was lost is there again."""

    address: str
    is_again: bool = False


@dataclass(frozen=True)
class Disconnected(BrowserEvent):
    """The connection has ended: by the user if ``error`` is None, otherwise because of it.

    If ``ConnectionState.NOT_CONNECTED`` follows, there will be no other attempt. Otherwise
    ``Reconnecting`` or ``Connecting`` comes next.
    """

    address: str
    error: Exception | None


@dataclass(frozen=True)
class Reconnecting(BrowserEvent):
    """The connection is lost or refused for ``error``; the next attempt is in ``seconds``."""

    address: str
    error: Exception
    seconds: float


@dataclass(frozen=True)
class OffersKnown(BrowserEvent):
    """The server has said which types of data it sends, see ``ServerConnection.offers``."""


@dataclass(frozen=True)
class Asked(BrowserEvent):
    """The server is being asked for something: there is something to wait for."""


@dataclass(frozen=True)
class Previewing(BrowserEvent):
    """Somebody looks at thumbnails or slices: there may be something for ``step`` to do."""


@dataclass(frozen=True)
class Deferred(BrowserEvent):
    """The server cannot be reached: it will be asked for this after reconnecting.

    ``data_type`` is that of OpenIGTLink (TRAJ, POINT, LBMETA, COLORT, IMGMETA). Images have states
    instead (``ImageStatus.WAITING``).
    """

    data_type: str
    device_name: str


@dataclass(frozen=True)
class ListUnanswered(BrowserEvent):
    """The server did not answer to GET_IMGMETA in time. It is not asked again unless a user does.

    Servers for one purpose, such as trackers and ultrasound machines, know no lists; their live
    images and trajectories come all the same.
    """

    error: Exception


@dataclass(frozen=True)
class Listed(BrowserEvent):
    """The list of images has arrived.

    ``is_update``: nobody has asked for it, but something in it is known better by now.
    """

    entries: Sequence[codec.ImageMetaItem]
    is_update: bool = False


@dataclass(frozen=True)
class ImagesWaiting(BrowserEvent):
    """Images were put into the queue; there may be 1,000,000 of them, which takes some turns.

    Without ids: so many were asked for that even the first turn is to come.
    """

    image_ids: Sequence[str]


@dataclass(frozen=True)
class ImagesCancelled(BrowserEvent):
    """These images are not fetched any more: they waited, or one was in transfer."""

    image_ids: Sequence[str]


@dataclass(frozen=True)
class ImageProgress(BrowserEvent):
    """A part of an image has arrived; sizes in bytes."""

    image_id: str
    received: int
    size: int


@dataclass(frozen=True)
class ImagePreparing(BrowserEvent):
    """The server has been preparing an image for so many seconds; notified once a second."""

    image_id: str
    seconds: int


@dataclass(frozen=True)
class VolumeChanging(BrowserEvent):
    """A volume is about to get other voxels, or another one its place in the views."""

    image_id: str


@dataclass(frozen=True)
class VolumeAdding(BrowserEvent):
    """A volume is about to be added to the scene."""

    image_id: str


@dataclass(frozen=True)
class PreviewShown(BrowserEvent):
    """What has come of an image that is still arriving is in the scene, as ``node``.

    ``how_much`` says how much of it is real, as does its attribute ``IGTLMetaBrowser.Preview``.
    The node is removed when the image is there, which has one of its own.
    """

    image_id: str
    node: Any
    how_much: str
    is_first: bool


@dataclass(frozen=True)
class ImageLoaded(BrowserEvent):
    """An image is in the scene, as ``node``. ``notes`` say how it differs from the listing."""

    image_id: str
    node: Any
    notes: tuple[str, ...]


@dataclass(frozen=True)
class RegionLoaded(BrowserEvent):
    """A part of an image is in the scene, as ``node``: a volume of its own, not the image's."""

    image_id: str
    node: Any


@dataclass(frozen=True)
class RegionFailed(BrowserEvent):
    """A part of an image could not be loaded."""

    image_id: str
    error: Exception


@dataclass(frozen=True)
class ImagesAdopted(BrowserEvent):
    """Volumes of these images were found in the scene, which was saved by an earlier session."""

    image_ids: Sequence[str]


@dataclass(frozen=True)
class ImageFailed(BrowserEvent):
    """An image could not be loaded."""

    image_id: str
    error: Exception


@dataclass(frozen=True)
class LiveImage(BrowserEvent):
    """An image came that nobody asked for, the ``frames``th of this id; ``node`` shows it.

    ``node`` is None if the user removed the volume: it comes back when the image is loaded. The
    first event of an id has ``is_first``; if several frames came at once, ``frames`` is above 1.
    """

    image_id: str
    node: Any
    frames: int
    is_first: bool = False


@dataclass(frozen=True)
class RecordingStarted(BrowserEvent):
    """What is streamed under an id is recorded from now on, by ``images.recordings``."""

    image_id: str


@dataclass(frozen=True)
class RecordingStopped(BrowserEvent):
    """A recording ended, by the user or by its ``problem``.

    ``recording`` has its frames, and the sequence browser node and the volume that replay it, None
    if there was no frame or the scene was closed.
    """

    image_id: str
    recording: SequenceRecording


@dataclass(frozen=True)
class SequenceLoaded(BrowserEvent):
    """The images of a 4D series are the frames of one sequence; ``node`` is its browser node."""

    image_ids: Sequence[str]
    node: Any


@dataclass(frozen=True)
class TrajectoriesChanged(BrowserEvent):
    """``Browser.trajectories`` has changed, or which of them are shown.

    ``is_unsolicited``: the server has sent them unasked, as it may do many times a second.
    """

    is_unsolicited: bool = False


@dataclass(frozen=True)
class TrajectoriesShown(BrowserEvent):
    """An answer is in the scene, as ``nodes``; ``problems`` says which could not be shown.

    Nodes that nobody sees follow a stream once a second; ``Browser.trajectories`` returns them as
    the last message has them.
    """

    nodes: Sequence[Any]
    problems: Sequence[str]


@dataclass(frozen=True)
class PointsShown(BrowserEvent):
    """Points are in the scene, as ``nodes``; ``problems`` says which could not be shown."""

    nodes: Sequence[Any]
    problems: Sequence[str]


@dataclass(frozen=True)
class LabelMapsListed(BrowserEvent):
    """The list of label maps has arrived: ``Overlays.label_maps``, of which there are ``count``.

    ``is_unsolicited``: the server has sent it unasked, as it may do many times a second. ``notice``
    is what it says of the list.
    """

    count: int
    is_unsolicited: bool = False
    notice: str = ""


@dataclass(frozen=True)
class ColorsShown(BrowserEvent):
    """An image is shown in the colors that the server has for it, those of the color ``node``."""

    image_id: str
    node: Any


@dataclass(frozen=True)
class TrajectoriesSent(BrowserEvent):
    """``count`` trajectories are on their way to the server."""

    count: int


@dataclass(frozen=True)
class SceneClosing(BrowserEvent):
    """The scene is about to be closed; downloads have been cancelled."""


@dataclass(frozen=True)
class SceneClosed(BrowserEvent):
    """The scene has been closed: no image is loaded any more. The connection stays."""


@dataclass(frozen=True)
class SceneImported(BrowserEvent):
    """A scene was loaded. What it has of the server counts as loaded (``ImagesAdopted``)."""


@dataclass(frozen=True)
class NodeRemoved(BrowserEvent):
    """A node was removed from the scene; those of ``image_ids`` are no longer loaded."""

    image_ids: Sequence[str]


@dataclass(frozen=True)
class Failed(BrowserEvent):
    """Something else went wrong; the error says what."""

    error: Exception


Observer = Callable[[BrowserEvent], None]
