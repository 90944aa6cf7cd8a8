"""Blocking calls, for scripts: the window never uses them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .. import codec, net
from ..scene.images import edited_voxels
from ..scene.images.roi_boxes import roi_corners
from .base_browser import BaseBrowser
from .errors import BrowserError
from .events import (
    Disconnected,
    ImageFailed,
    ImageLoaded,
    ImagesCancelled,
    RegionFailed,
    RegionLoaded,
    SceneClosed,
    TrajectoriesShown,
)

__all__ = ["Browser", "BrowserError"]

_SECONDS_FOR_OFFER = 2.0


class Browser(BaseBrowser):
    """Makes the same steps as the window in a loop, until the answer is there."""

    def wait_until_connected(self) -> None:
        """Wait for the connection. Raises ``net.NetworkError``."""
        with self._heard(Disconnected) as failures:
            connection = self.connection
            if not connection.has_server and connection.last_error is not None:
                raise connection.last_error  # an earlier step has met the failure
            connection.reconnect_now()
            self._step_until(lambda: bool(failures) or connection.is_connected)
        if failures:
            # An observer that left the server when it heard of the error is heard first.
            errors = [failure.error for failure in failures if failure.error is not None]
            raise errors[0] if errors else BrowserError("the connection was closed meanwhile")

    def list_images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the images that the server offers. Raises ``net.NetworkError``."""
        self._wait_for(self.images.request_list())
        return self.images.listing.entries

    def load_image(self, image_id: str) -> Any:
        """Fetch an image, after those in the queue, and return its volume node.

        Raises ``net.NetworkError``, ``codec.EncodeError``, ``BrowserError`` or ``SceneError``.
        """

        def is_end(event: ImageLoaded | ImageFailed | ImagesCancelled | Disconnected) -> bool:
            if isinstance(event, ImagesCancelled):
                return image_id in event.image_ids
            if isinstance(event, Disconnected):
                # The window waits until the server can be reached again; a script hears of it.
                return isinstance(event.error, net.ConnectionFailedError)
            return event.image_id == image_id

        def cancel() -> None:
            self.images.cancel([image_id])

        ends = ImageLoaded, ImageFailed, ImagesCancelled, Disconnected
        with self._heard(*ends) as heard, _interruptible(cancel):
            self.images.request([image_id])
            self._step_until(lambda: any(map(is_end, heard)))
        end = next(filter(is_end, heard))
        if isinstance(end, ImageLoaded):
            return end.node
        if isinstance(end, ImagesCancelled):
            raise net.CancelledError(f"loading {codec.printable(image_id)!r} was cancelled")
        cancel()
        raise end.error

    def load_region(self, image_id: str, roi: Any) -> Any:
        """Fetch the part of an image that lies in a ROI node; return its own volume node.

        Raises what ``load_image`` does, and ``BrowserError`` if the server sends no parts.
        """
        self._wait_for_offer()
        with self._heard(RegionLoaded, RegionFailed) as heard:
            regions = self.images.regions
            with _interruptible(regions.cancel_all):
                regions.request(image_id, roi_corners(roi))
                self._step_until(lambda: not regions.is_loading)
        end = next(event for event in heard if event.image_id == image_id)
        if isinstance(end, RegionFailed):
            raise end.error
        return end.node

    def _wait_for_offer(self) -> None:
        """Wait until the server has said whether it sends parts of images, or for some time."""
        connection = self.connection
        if connection.client.offers_parts is None:
            self.list_images()  # it says so after its first answer
        end = time.monotonic() + _SECONDS_FOR_OFFER
        while connection.client.offers_parts is None and time.monotonic() < end:
            connection.wait(end)
            self.step()

    def load_sequence(self, image_id: str) -> Any:
        """Fetch the images of a 4D series; return the browser node that replays them.

        Raises what ``load_image`` does, and ``BrowserError`` if the server lists no such series.
        """
        images = self.images
        sequence = images.sequences.of(image_id)
        if sequence is None:
            name = codec.printable(image_id)
            raise BrowserError(f"{name!r} is not listed as a part of a sequence; load it alone")
        known = images.sequences.browser_node(sequence)
        if known is not None:
            return known
        for part in images.sequences.missing(sequence):
            self.load_image(part)
        return images.sequences.make(sequence)

    def load_trajectories(self) -> Sequence[Any]:
        """Ask for the trajectories and return their markups nodes.

        Raises ``net.NetworkError``, or ``BrowserError`` if the scene is closed meanwhile.
        """
        with self._heard(TrajectoriesShown) as shown:
            query = self.trajectories.request()
            self._wait_for(query)
            with self._heard(SceneClosed) as closed:
                self._step_until(lambda: not self.trajectories.is_showing)
        if closed:
            raise BrowserError("the scene was closed before they were shown; try again")
        if not shown:
            self.connection.forget(query)
            raise BrowserError("the connection was lost before they were shown; try again")
        return shown[-1].nodes

    def _wait_for(self, query: net.Query) -> None:
        self._step_until(lambda: self.is_handled(query))
        if query.error is not None:
            # The window waits until the server can be reached again; a script has to know.
            self.connection.forget(query)
            raise query.error

    def _step_until(self, condition: Callable[[], bool]) -> None:
        """Wait and step until ``condition`` is met. Raises ``BrowserError`` without a server."""
        while not condition():
            self.wait_and_step()
        edited_voxels.check()

    @contextmanager
    def _heard(self, *event_types: type) -> Iterator[list[Any]]:
        """Collect the events of these types."""
        heard: list[Any] = []
        self.add_observer(heard.append, event_types)
        try:
            yield heard
        finally:
            self.remove_observer(heard.append)


@contextmanager
def _interruptible(cancel: Callable[[], None]) -> Iterator[None]:
    """Cancel what is interrupted, as by Ctrl-C: else the next call would get the end of this."""
    try:
        yield
    except KeyboardInterrupt:
        cancel()
        raise
