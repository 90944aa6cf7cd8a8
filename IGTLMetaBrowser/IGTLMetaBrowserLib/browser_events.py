"""What a ``Browser`` tells its observers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from . import codec


@dataclass(frozen=True)
class Connecting:
    """A connection is being made."""

    address: str


@dataclass(frozen=True)
class Connected:
    """The connection stands."""

    address: str


@dataclass(frozen=True)
class Disconnected:
    """The connection has ended: by the user, where ``error`` is None, or for that reason."""

    address: str
    error: Exception | None


@dataclass(frozen=True)
class Asked:
    """The server is being asked for something: there is something to wait for."""


@dataclass(frozen=True)
class Listed:
    """The list of images has arrived."""

    entries: Sequence[codec.ImageMetaItem]


@dataclass(frozen=True)
class ImageWaiting:
    """An image was put into the queue."""

    image_id: str


@dataclass(frozen=True)
class ImageProgress:
    """A part of an image has arrived; sizes in bytes."""

    image_id: str
    received: int
    size: int


@dataclass(frozen=True)
class ImageLoaded:
    """An image is in the scene, as ``node``. ``notes`` say where it differs from the listing."""

    image_id: str
    node: Any
    notes: Sequence[str]


@dataclass(frozen=True)
class ImageFailed:
    """An image could not be loaded, or was cancelled (``net.CancelledError``)."""

    image_id: str
    error: Exception


@dataclass(frozen=True)
class TrajectoriesShown:
    """Trajectories are in the scene, as ``nodes``; ``problems`` says which could not be shown."""

    nodes: Sequence[Any]
    problems: Sequence[str]


@dataclass(frozen=True)
class Failed:
    """Something else went wrong; the error says what."""

    error: Exception


BrowserEvent = (
    Connecting
    | Connected
    | Disconnected
    | Asked
    | Listed
    | ImageWaiting
    | ImageProgress
    | ImageLoaded
    | ImageFailed
    | TrajectoriesShown
    | Failed
)
Observer = Callable[[BrowserEvent], None]
