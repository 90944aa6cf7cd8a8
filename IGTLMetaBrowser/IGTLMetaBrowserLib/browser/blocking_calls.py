"""Calls that wait for an answer, for scripts; the window never waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import codec, net
from .errors import BrowserError
from .events import (
    BrowserEvent,
    ConnectionState,
    Disconnected,
    ImageFailed,
    ImageLoaded,
    Observer,
    TrajectoriesShown,
)


class WaitingCalls(ABC):
    """What a browser can do for a script that waits: the window's steps, in a loop."""

    entries: Sequence[codec.ImageMetaItem]

    @abstractmethod
    def add_observer(self, observer: Observer) -> None: ...
    @abstractmethod
    def remove_observer(self, observer: Observer) -> None: ...
    @abstractmethod
    def reconnect_now(self) -> None: ...
    @abstractmethod
    def request_list(self) -> net.Query: ...
    @abstractmethod
    def request_trajectories(self) -> net.Query: ...
    @abstractmethod
    def request_images(self, image_ids: Iterable[str]) -> None: ...
    @abstractmethod
    def cancel(self, image_ids: Iterable[str] | None = None) -> None: ...
    @property
    @abstractmethod
    def is_showing_trajectories(self) -> bool: ...
    @property
    @abstractmethod
    def connection(self) -> ConnectionState: ...
    @abstractmethod
    def wait_and_step(self) -> None: ...

    def step_until(self, condition: Callable[[], bool]) -> None:
        """Wait and step until ``condition`` is met. Raises ``BrowserError`` without a server."""
        while not condition():
            self.wait_and_step()

    def wait_until_connected(self) -> None:
        """Wait for the connection. Raises ``net.NetworkError``."""
        with self._heard(Disconnected) as failures:
            self.reconnect_now()  # where an earlier step met the failure, there is no attempt
            self.step_until(lambda: bool(failures) or self.connection is ConnectionState.CONNECTED)
        if failures:
            # An observer that left the server when it heard of the error is heard first.
            errors = [failure.error for failure in failures if failure.error is not None]
            raise errors[0] if errors else BrowserError("the connection was closed meanwhile")

    def list_images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the images that the server offers. Raises ``net.NetworkError``."""
        self._wait_for(self.request_list())
        return self.entries

    def load_image(self, image_id: str) -> Any:
        """Fetch an image, after those in the queue, and return its volume node.

        Raises ``net.NetworkError``, ``codec.EncodeError``, ``BrowserError`` or ``SceneError``.
        """

        def is_end(event: ImageLoaded | ImageFailed | Disconnected) -> bool:
            if isinstance(event, Disconnected):
                # The window waits until the server can be reached again; a script hears of it.
                return isinstance(event.error, net.ConnectionFailedError)
            return event.image_id == image_id

        with self._heard(ImageLoaded, ImageFailed, Disconnected) as heard:
            self.request_images([image_id])
            self.step_until(lambda: any(map(is_end, heard)))
        end = next(filter(is_end, heard))
        if isinstance(end, ImageLoaded):
            return end.node
        self.cancel([image_id])
        raise end.error

    def load_trajectories(self) -> Sequence[Any]:
        """Ask for the trajectories and return their markups nodes. Raises ``net.NetworkError``."""
        with self._heard(TrajectoriesShown) as shown:
            self._wait_for(self.request_trajectories())
            self.step_until(lambda: not self.is_showing_trajectories)
        return shown[-1].nodes

    def _wait_for(self, query: net.Query) -> None:
        self.step_until(lambda: query.is_done)
        if query.error is not None:
            raise query.error

    @contextmanager
    def _heard(self, *event_types: type) -> Iterator[list[Any]]:
        """Collect what is told of these types."""
        heard: list[Any] = []

        def note(event: BrowserEvent) -> None:
            if isinstance(event, event_types):
                heard.append(event)

        self.add_observer(note)
        try:
            yield heard
        finally:
            self.remove_observer(note)
