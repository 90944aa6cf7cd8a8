"""Clients that wait for memory which others hold: each has its turn, whoever asks more often."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from helpers.limited_servers import HUGE, get
from helpers.peers import ImagesInMemory, Peer, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server.arriving_images import ArrivingImage

_SIZE = 2 * HUGE[0] * HUGE[1] * HUGE[2]


class Unchanging(ImagesInMemory):
    """Says of its images that they do not change: a server keeps them packed."""

    def image_version(self, image_id: str) -> int:
        return 0


class Reader:
    """Reads images of a size, a piece at a time, and asks for the next as soon as it has one."""

    def __init__(self, server: net.Server, image_ids: list[str], host: str = "127.0.0.1") -> None:
        self._image_ids = image_ids
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 256 << 10)
        self.socket.bind((host, 0))
        self.socket.connect((server.host, server.port))
        self.socket.setblocking(False)
        self.received = 0
        self._message_size = len(codec.pack(make_image(1, (1, 1, 1)))) - 2 + _SIZE
        self._ask()

    def _ask(self) -> None:
        self._image_ids.append(self._image_ids.pop(0))
        self.socket.sendall(codec.pack(get(self._image_ids[-1])))

    def read(self, most: int) -> None:
        """Read what is there."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            self.received += len(self.socket.recv(most))
        if self.received >= self._message_size:
            self.received -= self._message_size
            self._ask()


class ReadAgain(Unchanging):
    """Images that still come: every second time, a part is to be read again."""

    is_read = True

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        return "1"

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage:
        self.is_read = not self.is_read
        if not self.is_read:
            raise net.NotReadyError(0.01)
        return ArrivingImage(self.image(request.device_name), "1")


@contextlib.contextmanager
def serving(
    *huge: str, kind: type[Unchanging] = Unchanging, **options: float
) -> Iterator[net.Server]:
    """Serve large images, and a small one A; there is memory for one of them."""
    source = kind({name: make_image(1, HUGE) for name in huge} | {"A": make_image(5)})
    limits = net.ServerLimits(image_cache_size=1 << 20, slowest_reader=1000.0, **options)
    with net.Server(source, host="0.0.0.0", port=0, limits=limits) as server:
        server.host = "127.0.0.1"
        yield server


def seconds_until_served(
    server: net.Server, clock: list[float], readers: list[Reader], waiting: Peer
) -> float:
    """Return when the one who waits has its image, while the others read 1 MB a second each."""
    begin = clock[0]
    while not is_readable(waiting.socket) and clock[0] < begin + 3600:
        server.step()
        for reader in readers:
            reader.read(100_000)
        clock[0] += 0.1
    return clock[0] - begin


def test_who_reads_one_image_in_turns_does_not_keep_its_memory_for_ever(clock: list[float]):
    """One of the two always holds it, and asks again as soon as it has it; neither is slow."""
    with serving("HUGE") as server, Peer.connect(server.port) as waiting:
        readers = [Reader(server, ["HUGE"])]
        while readers[0].received < _SIZE // 2:
            server.step()
            readers[0].read(1 << 20)
        readers.append(Reader(server, ["HUGE"]))
        waiting.send(get("A"))
        assert seconds_until_served(server, clock, readers, waiting) < 120


def test_an_address_that_holds_nothing_goes_before_one_that_holds_memory(clock: list[float]):
    """Ten connections of one address want ten images, one after the other."""
    names = [f"HUGE{number}" for number in range(10)]
    with serving(*names) as server:
        readers = [Reader(server, names[n:] + names[:n], host="127.0.0.2") for n in range(10)]
        for _ in range(100):
            server.step()
            clock[0] += 0.1
        with Peer.connect(server.port) as waiting:
            waiting.send(get("A"))
            assert seconds_until_served(server, clock, readers, waiting) < 120


@pytest.mark.parametrize(
    ("query", "kind"),
    [(get("A"), Unchanging), (codec.GetImagePartMessage(device_name="A"), ReadAgain)],
    ids=["an image", "a part that is read again meanwhile"],
)
def test_who_was_fast_and_becomes_slow_makes_room(
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
    query: codec.Message,
    kind: type[Unchanging],
):
    """It reads a third of an image in seconds, and of the rest 20 kB a second: that takes long."""
    with serving("HUGE", kind=kind) as server, Peer.connect(server.port) as waiting:
        reader = Reader(server, ["HUGE"])
        while reader.received < _SIZE // 3:
            server.step()
            reader.read(1 << 20)
            clock[0] += 0.1
        waiting.send(query)
        begin = clock[0]
        while not is_readable(waiting.socket):
            assert clock[0] < begin + 120, "it waits in vain"
            server.step()
            reader.read(20_000)
            clock[0] += 1.0
    assert "others wait for memory" in caplog.text


def test_who_was_slow_and_becomes_fast_is_sent_all(
    clock: list[float], caplog: pytest.LogCaptureFixture
):
    """Of an image, it reads 9 MB in a quarter of an hour, and the rest in two minutes."""
    with serving("HUGE", stall_timeout=1e6) as server, Peer.connect(server.port) as waiting:
        reader = Reader(server, ["HUGE"])
        for read_at_once, seconds in ((10_000, 900), (200_000, 45)):
            for _ in range(seconds):
                server.step()
                reader.read(read_at_once)
                clock[0] += 1.0
        waiting.send(get("A"))
        while not is_readable(waiting.socket):
            server.step()
            reader.read(200_000)
            clock[0] += 1.0
    assert "others wait for memory" not in caplog.text
