"""Images of which one slice has more bytes than a turn of the event loop can copy.

What a step does is counted, not timed: the voxels that it writes.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import numpy as np
import pytest

from helpers import part_peers
from helpers.hospital import of_type
from helpers.part_peers import Gate, Respond, connect, parts_of, pixels_of
from helpers.patience import Patience
from helpers.peers import PATIENCE, Peer, ScriptedServer, wait_for_socket
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.downloads import part_downloads
from IGTLMetaBrowserLib.browser.events import (
    ImageLoaded,
    ImagesWaiting,
    PreviewShown,
    RegionLoaded,
)
from IGTLMetaBrowserLib.net.client import partial_image, parts_transfer
from IGTLMetaBrowserLib.net.client.parts_transfer import PartsTransfer

SIZE = (2048, 1024, 3)  # 4 MiB a slice
PIECE = 128 << 10
# A step writes what is left, and begins with what has just come.
MOST_BYTES = 3 * PIECE

pytestmark = pytest.mark.usefixtures("previews_at_once")


@pytest.fixture(autouse=True)
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a turn end after one piece, whatever the clock says."""
    monkeypatch.setattr(part_peers, "SIZE", SIZE)
    monkeypatch.setattr(partial_image, "_PIECE", PIECE)
    monkeypatch.setattr(parts_transfer, "_SECONDS_A_TURN", 0.0)
    monkeypatch.setattr(part_downloads, "_SECONDS_A_TURN", 0.0)


@pytest.fixture
def image() -> codec.ImageMessage:
    return part_peers.large_image()


def most_bytes_a_step(
    browser: Browser,
    transfer: Callable[[], PartsTransfer | None],
    is_done: Callable[[], bool],
) -> int:
    """Step a browser until it is done; return what the step has written that has written most."""
    most, before = 0, None
    patience = Patience(PATIENCE)
    while not is_done():
        assert not patience.is_over
        wait_for_socket(browser)
        browser.step()
        current = transfer()
        partial = None if current is None else current.partial
        if partial is None:
            continue
        if before is not None:
            most = max(most, 2 * np.count_nonzero(partial.pixels != before))
        before = partial.pixels.copy()
    return most


def test_no_step_copies_a_slice(unconnected, events, image):
    gate = Gate(2)  # the coarse image, and the slice in the middle
    parts = unconnected.images.downloads.parts
    with ScriptedServer(parts_of(image, gate)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])

        def has_filled() -> bool:
            return len(of_type(events, PreviewShown)) > 0 and parts.current.partial.is_filled

        assert 0 < most_bytes_a_step(unconnected, lambda: parts.current, has_filled) <= MOST_BYTES
        gate.open()
        is_loaded = lambda: bool(of_type(events, ImageLoaded))  # noqa: E731
        assert 0 < most_bytes_a_step(unconnected, lambda: parts.current, is_loaded) <= MOST_BYTES
        assert np.array_equal(pixels_of(of_type(events, ImageLoaded)[0].node), image.pixels)


def test_no_step_copies_a_slice_of_a_region(unconnected, events, image):
    regions = unconnected.images.regions
    corners = codec.ImageMessage.ijk_to_ras(image) @ np.array([[0, 0, 0, 1], [2047, 1023, 2, 1]]).T
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        regions.request("CT", corners[:3].T)
        is_loaded = lambda: bool(of_type(events, RegionLoaded))  # noqa: E731
        most = most_bytes_a_step(unconnected, lambda: regions._current, is_loaded)
        assert 0 < most <= MOST_BYTES
        region = pixels_of(of_type(events, RegionLoaded)[0].node)
    assert np.array_equal(region, image.pixels)


def then_close(count: int) -> Respond:
    """Send so many parts, and close the connection behind the last."""
    sent = 0

    def respond(peer: Peer, _query: object, part: codec.ImagePartMessage) -> None:
        nonlocal sent
        peer.send(part)
        sent += 1
        if sent == count:
            peer.socket.shutdown(socket.SHUT_RDWR)

    return respond


def test_what_has_come_whole_is_loaded_though_its_connection_is_lost_meanwhile(
    unconnected, events, image
):
    with ScriptedServer(parts_of(image, then_close(1 + SIZE[2]))) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])
        is_loaded = lambda: bool(of_type(events, ImageLoaded))  # noqa: E731
        most_bytes_a_step(unconnected, lambda: None, is_loaded)
        assert np.array_equal(pixels_of(of_type(events, ImageLoaded)[0].node), image.pixels)
        assert len(of_type(events, ImagesWaiting)) == 1  # it was not begun again


def test_what_is_cancelled_while_it_is_written_is_not_loaded(unconnected, events, image):
    parts = unconnected.images.downloads.parts
    with ScriptedServer(parts_of(image)) as server:
        connect(unconnected, server)
        unconnected.request_images(["CT"])

        def is_being_written() -> bool:
            return parts.current is not None and parts.current.is_all_here

        most_bytes_a_step(unconnected, lambda: parts.current, is_being_written)
        unconnected.images.cancel()
        assert unconnected.images.node("CT") is None
        assert not of_type(events, ImageLoaded)
