"""Blocking calls, for scripts; the window never uses them. They are methods of ``Browser``.

Each makes the steps that the window makes, in a loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .. import codec, net
from ..scene.images.roi_boxes import roi_corners
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

if TYPE_CHECKING:
    from .browser import Browser

_SECONDS_FOR_OFFER = 2.0


def _step_until(browser: Browser, condition: Callable[[], bool]) -> None:
    """Wait and step until ``condition`` is met. Raises ``BrowserError`` without a server."""
    while not condition():
        browser.wait_and_step()


def wait_until_connected(browser: Browser) -> None:
    """Wait for the connection. Raises ``net.NetworkError``."""
    with _heard(browser, Disconnected) as failures:
        connection = browser.connection
        if not connection.has_server and connection.last_error is not None:
            raise connection.last_error  # an earlier step has met the failure
        connection.reconnect_now()
        _step_until(browser, lambda: bool(failures) or connection.is_connected)
    if failures:
        # An observer that left the server when it heard of the error is heard first.
        errors = [failure.error for failure in failures if failure.error is not None]
        raise errors[0] if errors else BrowserError("the connection was closed meanwhile")


def list_images(browser: Browser) -> Sequence[codec.ImageMetaItem]:
    """Return the images that the server offers. Raises ``net.NetworkError``."""
    _wait_for(browser, browser.images.request_list())
    return browser.images.listing.entries


def load_image(browser: Browser, image_id: str) -> Any:
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
        browser.images.cancel([image_id])

    ends = ImageLoaded, ImageFailed, ImagesCancelled, Disconnected
    with _heard(browser, *ends) as heard, _interruptible(cancel):
        browser.images.request([image_id])
        _step_until(browser, lambda: any(map(is_end, heard)))
    end = next(filter(is_end, heard))
    if isinstance(end, ImageLoaded):
        return end.node
    if isinstance(end, ImagesCancelled):
        raise net.CancelledError(f"loading {codec.printable(image_id)!r} was cancelled")
    cancel()
    raise end.error


def load_region(browser: Browser, image_id: str, roi: Any) -> Any:
    """Fetch the part of an image that lies in a ROI node; return its own volume node.

    Raises what ``load_image`` does, and ``BrowserError`` if the server sends no parts.
    """
    _wait_for_offer(browser)
    with _heard(browser, RegionLoaded, RegionFailed) as heard:
        regions = browser.images.regions
        with _interruptible(regions.cancel_all):
            regions.request(image_id, roi_corners(roi))
            _step_until(browser, lambda: not regions.is_loading)
    end = next(event for event in heard if event.image_id == image_id)
    if isinstance(end, RegionFailed):
        raise end.error
    return end.node


def _wait_for_offer(browser: Browser) -> None:
    """Wait until the server has said whether it sends parts of images, or for some time."""
    connection = browser.connection
    if connection.client.offers_parts is None:
        list_images(browser)  # it says so after its first answer
    end = time.monotonic() + _SECONDS_FOR_OFFER
    while connection.client.offers_parts is None and time.monotonic() < end:
        connection.wait(end)
        browser.step()


def load_sequence(browser: Browser, image_id: str) -> Any:
    """Fetch the images of a 4D series; return the browser node that replays them.

    Raises what ``load_image`` does, and ``BrowserError`` if the server lists no such series.
    """
    images = browser.images
    sequence = images.sequences.of(image_id)
    if sequence is None:
        name = codec.printable(image_id)
        raise BrowserError(f"{name!r} is not listed as a part of a sequence; load it alone")
    known = images.sequences.browser_node(sequence)
    if known is not None:
        return known
    for part in images.sequences.missing(sequence):
        load_image(browser, part)
    return images.sequences.make(sequence)


def load_trajectories(browser: Browser) -> Sequence[Any]:
    """Ask for the trajectories and return their markups nodes.

    Raises ``net.NetworkError``, or ``BrowserError`` if the scene is closed as they come into it.
    """
    with _heard(browser, TrajectoriesShown) as shown:
        query = browser.trajectories.request()
        _wait_for(browser, query)
        with _heard(browser, SceneClosed) as closed:
            _step_until(browser, lambda: not browser.trajectories.is_showing)
    if closed:
        raise BrowserError("the scene was closed before they were shown; try again")
    if not shown:
        browser.connection.forget(query)
        raise BrowserError("the connection was lost before they were shown; try again")
    return shown[-1].nodes


def _wait_for(browser: Browser, query: net.Query) -> None:
    _step_until(browser, lambda: browser.is_handled(query))
    if query.error is not None:
        # The window waits until the server can be reached again; a script has to know.
        browser.connection.forget(query)
        raise query.error


@contextmanager
def _interruptible(cancel: Callable[[], None]) -> Iterator[None]:
    """Cancel what is interrupted, as by Ctrl-C: else the next call would get the end of this."""
    try:
        yield
    except KeyboardInterrupt:
        cancel()
        raise


@contextmanager
def _heard(browser: Browser, *event_types: type) -> Iterator[list[Any]]:
    """Collect the events of these types."""
    heard: list[Any] = []
    browser.add_observer(heard.append, event_types)
    try:
        yield heard
    finally:
        browser.remove_observer(heard.append)
