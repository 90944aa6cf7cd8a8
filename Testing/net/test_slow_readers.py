"""Clients that do not read what they have asked for, or ask for nothing: what a server does."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from helpers.limited_servers import HUGE, get, last_words, serving
from helpers.logged import Logged
from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.arriving_images import ArrivingImage


def test_a_stuck_reader_is_dropped_and_its_image_let_go():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with (
        serving(source, stall_timeout=0.2) as server,
        Peer.connect(server.port) as stuck,
        Logged("reads too slowly") as dropped,
    ):
        stuck.send(get("HUGE"))
        dropped.wait("the server keeps a client that is stuck")
        patience = Patience(PATIENCE)
        while server.server.cached_bytes:
            assert not patience.is_over, "the server keeps the image of a client that is stuck"
        with pytest.raises((EOFError, ConnectionError)):
            stuck.receive()


def test_a_reader_that_is_slow_but_not_too_slow_gets_its_image(clock: list[float]):
    """Some MB lie in the system's buffers: it does not count as stuck while those are sent."""
    image = make_image(1, (128, 128, 64))
    limits = net.ServerLimits(stall_timeout=0.2, slowest_reader=1000.0)
    with (
        net.Server(ImagesInMemory({"A": image}), port=0, limits=limits) as server,
        socket.socket() as sock,
    ):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((server.host, server.port))
        sock.sendall(codec.pack(get("A")))
        sock.setblocking(False)
        count = 0
        while count < 58 + 72 + image.pixels.nbytes:
            server.step()
            with contextlib.suppress(BlockingIOError):
                received = len(sock.recv(20_000))
                assert received, "the server has closed"
                count += received
                clock[0] += 0.05


class Growing:
    """An image that grows, and of which all is there."""

    def __init__(self, message: codec.ImageMessage) -> None:
        self.message = message

    def slices(self) -> int:
        return len(self.message.pixels)


class Arriving(ImagesInMemory):
    """Says of its images that they do not change: a server keeps them packed.

    Its parts, and what is asked for in header version 2, are of images that still come from an
    archive.
    """

    def image_version(self, image_id: str) -> int:
        return 0

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        return "1"

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage:
        return ArrivingImage(self.image(request.device_name), "1")

    def growing_image(self, image_id: str) -> Growing:
        return Growing(self.image(image_id))


def waits_in_vain(clock: list[float], query: codec.Message, **options: float) -> bool:
    """Return whether a client waits for a minute as another reads half an hour's worth of 20 kB/s.

    There is memory for one of both.
    """
    source = Arriving({"HUGE": make_image(1, HUGE), "A": make_image(5)})
    limits = net.ServerLimits(image_cache_size=1 << 20, slowest_reader=1000.0, **options)
    with (
        net.Server(source, port=0, limits=limits) as server,
        socket.socket() as slow,
        Peer.connect(server.port) as waiting,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((server.host, server.port))
        slow.sendall(codec.pack(query))
        slow.setblocking(False)
        for _ in range(1000):
            server.step()
        waiting.send(get("A"))
        while not is_readable(waiting.socket):
            if clock[0] >= 60:
                return True
            server.step()
            with contextlib.suppress(BlockingIOError, ConnectionError):
                clock[0] += len(slow.recv(2000)) / 20_000
        assert waiting.receive().pixels[0, 0, 0] == 5
        return False


@pytest.mark.parametrize(
    "query",
    [
        get("HUGE"),
        codec.GetImagePartMessage(size=(255, 256, 256), device_name="HUGE"),
        codec.GetImagePartMessage(size=(256, 256, 255), device_name="HUGE"),
        codec.GetMessage("IMAGE", device_name="HUGE", header_version=2),
    ],
    ids=["image", "part of one that arrives", "slices of one that arrives", "one that grows"],
)
def test_who_would_hold_memory_for_long_makes_room(
    clock: list[float], caplog: pytest.LogCaptureFixture, query: codec.Message
):
    """One who reads a large image over a slow network does not shut all others out for hours."""
    assert not waits_in_vain(clock, query)
    assert "others wait for memory" in caplog.text


@pytest.mark.parametrize(
    "limits",
    [{"longest_reading": 1e6}, {"bytes_per_second": 30_000.0}],
    ids=["not too slow", "as fast as it may"],  # who is not to blame for that
)
def test_who_reads_as_it_should_is_sent_all(
    clock: list[float], caplog: pytest.LogCaptureFixture, limits: dict[str, float]
):
    assert waits_in_vain(clock, get("HUGE"), **limits)
    assert "others wait for memory" not in caplog.text


def test_an_idle_client_hears_that_it_is_and_is_closed():
    with serving(idle_timeout=0.2) as server, Peer.connect(server.port) as peer:
        status = last_words(peer)
    assert status.code == codec.StatusCode.TIME_OUT
    assert status.message.startswith("idle for 0.2 s")


def test_half_a_message_now_and_then_is_idle_too():
    with serving(idle_timeout=0.3) as server, Peer.connect(server.port) as peer:
        for byte in codec.pack(get("A"))[:40]:
            with contextlib.suppress(ConnectionError):
                peer.send(bytes([byte]))
        assert last_words(peer).code == codec.StatusCode.TIME_OUT


def test_a_client_whose_image_is_being_made_is_not_idle(clock: list[float]):
    class Slow(ImagesInMemory):
        """Is ready with an image after a second."""

        def __init__(self) -> None:
            super().__init__({"A": make_image(5)})
            self.ready_at = time.monotonic() + 1.0

        def image(self, image_id: str) -> codec.ImageMessage:
            if time.monotonic() < self.ready_at:
                raise net.NotReadyError(retry_after=0.02)
            return super().image(image_id)

    limits = net.ServerLimits(idle_timeout=0.2)
    with (
        net.Server(Slow(), port=0, limits=limits) as server,
        Peer.connect(server.port) as peer,
    ):
        peer.send(get("A"))
        while not is_readable(peer.socket):
            clock[0] += 0.02
            server.step()
        assert peer.receive().pixels[0, 0, 0] == 5


def test_a_source_that_waits_for_another_process_does_not_make_the_server_spin():
    class Waiting(ImagesInMemory):
        def image(self, image_id: str) -> codec.ImageMessage:
            self.asked_for.append(image_id)
            raise net.NotReadyError(retry_after=PATIENCE)

    source = Waiting()
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(get("A"))
        while not source.asked_for:
            server.step(0.01)
        for _ in range(100):
            server.step()
        assert len(source.asked_for) == 1
