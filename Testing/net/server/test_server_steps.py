"""Many clients that send more than can be answered: each step of the server stays short.

What a step does is counted, not timed: the calls of functions in it. The server's own clock goes by
these calls meanwhile, so that a busy machine changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from codec.stream import frame, version_2_body
from helpers.peers import PATIENCE, TRAJECTORY, ImagesInMemory, Peer, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net import farewell
from IGTLMetaBrowserLib.net.server import server as server_module

MIB = 1 << 20
# Of Python's and C's functions; 8 million a second.
CALLS_PER_SECOND = 8e6
MOST_CALLS = 0.05 * CALLS_PER_SECOND
CLIENTS = 16
STEPS = 60  # in which each client has several turns
TEXT = b"\xff" * (MIB - 300)


class Source(ImagesInMemory):
    """Accepts what is pushed, and keeps nothing of it."""

    def receive(self, message: codec.Message) -> None:
        """Accept it."""


def unknown_messages() -> bytes:
    return b"".join(frame(f"TYPE{number}") for number in range(1500))


def unreadable_messages() -> bytes:
    return frame("TRANSFORM", b"x") * 1500


def queries() -> bytes:
    return codec.pack(codec.GetMessage("STATUS")) * 300


def unreadable_queries() -> bytes:
    return frame("GET_POLYDATA", b"x") * 300


def refused_queries() -> bytes:
    return codec.pack(codec.GetMessage("IMAGE", device_name="none")) * 300


def lists_in_version_2() -> bytes:
    query = codec.GetMessage("IMGMETA", header_version=2, metadata={"Client": "IGTLMetaBrowser"})
    return codec.pack(query) * 300


def streams() -> bytes:
    start, stop = codec.StartMessage("IMAGE", device_name="A"), codec.StopMessage("IMAGE")
    return (codec.pack(start) + codec.pack(stop)) * 300


def texts() -> bytes:
    return frame("STATUS", struct.pack(">Hq20s", 4, 0, b"") + TEXT)


def names_of_bundled_messages() -> bytes:
    return frame("GET_BIND", struct.pack(">H", 65_000) + bytes(12 * 65_000)) + frame(
        "STT_BIND", TEXT
    )


def metadata() -> bytes:
    count = 2000
    header = struct.pack(">H", count) + struct.pack(">HHI", 1, 3, 1) * count
    body = version_2_body(bytes(30), metadata_header=header, metadata=b"kv" * count)
    return frame("STATUS", body, version=2) * 4


def trajectories() -> bytes:
    return codec.pack(codec.TrajectoryMessage([TRAJECTORY] * 6000))


def bodies_that_are_too_large() -> bytes:
    return frame("XYZ", b"", body_size=1 << 62) + bytes(MIB)


def tls_where_there_is_none() -> bytes:
    return b"\x16\x03\x01" + bytes(MIB)


FLOODS = (
    unknown_messages,
    unreadable_messages,
    queries,
    unreadable_queries,
    refused_queries,
    lists_in_version_2,
    streams,
    texts,
    names_of_bundled_messages,
    metadata,
    trajectories,
    bodies_that_are_too_large,
    tls_where_there_is_none,
)


class Flood:
    """Clients that send the same all the time, and read what comes."""

    def __init__(self, port: int, data: bytes, stack: ExitStack) -> None:
        self._left: dict[socket.socket, memoryview] = {}
        for _ in range(CLIENTS):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", port), PATIENCE))
            sock.setblocking(False)
            self._left[sock] = memoryview(data)

    def go_on(self) -> None:
        """Send and read what can be now."""
        for sock, left in [*self._left.items()]:
            try:
                with contextlib.suppress(BlockingIOError):
                    sent = sock.send(left[:MIB]) if left else 0
                    self._left[sock] = left[sent:]
                with contextlib.suppress(BlockingIOError):
                    if not sock.recv(MIB):
                        del self._left[sock]
            except OSError:
                self._left.pop(sock, None)  # it was hung up on


class Work:
    """Counts what each step does, and is the clock of the server in it."""

    def __init__(self) -> None:
        self.most_calls = 0
        self._calls = 0
        self._real = time.monotonic

    def _count(self, _frame: object, event: str, _argument: object) -> None:
        self._calls += event in ("call", "c_call")

    def step(self, server: net.Server) -> None:
        self._calls = 0
        begin = self._real()
        time.monotonic = lambda: begin + self._calls / CALLS_PER_SECOND
        sys.setprofile(self._count)
        try:
            server.step()
        finally:
            sys.setprofile(None)
            time.monotonic = self._real
        self.most_calls = max(self.most_calls, self._calls)


@pytest.fixture
def work() -> Iterator[Work]:
    logging.disable(logging.WARNING)
    yield Work()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_no_step_does_much_whatever_arrives(work: Work, flood: Callable[[], bytes]):
    with net.Server(Source({"A": make_image(1)}), port=0) as server, ExitStack() as stack:
        clients = Flood(server.port, flood(), stack)
        for _ in range(STEPS):
            clients.go_on()
            work.step(server)
    assert work.most_calls < MOST_CALLS


def test_everybody_has_a_turn_however_busy_the_others_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server_module, "_STEP_SECONDS", 0.0)  # one client a step
    with net.Server(Source({"A": make_image(1)}), port=0) as server, ExitStack() as stack:
        clients = Flood(server.port, queries(), stack)
        good = stack.enter_context(Peer.connect(server.port))
        good.send(codec.GetMessage("IMAGE", device_name="A"))
        good.socket.setblocking(False)
        for _ in range(5 * CLIENTS):
            clients.go_on()
            server.step()
            with contextlib.suppress(BlockingIOError):
                assert good.receive().device_name == "A"
                return
        raise AssertionError("it has no turn")


def test_who_is_sent_away_and_goes_on_sending_takes_no_longer(monkeypatch: pytest.MonkeyPatch):
    size = 1 << 10
    monkeypatch.setattr(farewell, "_MIB", size)
    with net.Server(Source(), port=0) as server, Peer.connect(server.port) as peer:
        peer.send(tls_where_there_is_none()[:size])
        leaving = server._acceptor._leaving
        while not leaving:
            server.step()
        (one,) = leaving
        peer.send(bytes(40 * size))
        thrown_away = []
        while before := _unread_bytes(one):
            server.step()
            thrown_away.append(before - _unread_bytes(one))
        assert max(thrown_away) <= 4 * size
        assert len(thrown_away) >= 10


def _unread_bytes(one: farewell.Farewell) -> int:
    with contextlib.suppress(BlockingIOError):
        return len(one.socket.recv(1 << 20, socket.MSG_PEEK))
    return 0


class LongList(Source):
    """A list that cannot change; the first name in it is longer than its field."""

    def __init__(self, count: int = 3001) -> None:
        super().__init__()
        item = codec.ImageMetaItem("Head", "CT", "CT")
        names = ["A description of " * 9, *(f"Head {number}" for number in range(count - 1))]
        self._listing = tuple(replace(item, name=name, id=name[-10:]) for name in names)

    def images(self) -> tuple[codec.ImageMetaItem, ...]:
        return self._listing


def test_a_list_with_a_long_name_is_packed_once_for_all_who_ask(work: Work):
    with net.Server(LongList(), port=0) as server, Peer.connect(server.port) as peer:
        calls = []
        for _ in range(2):
            peer.send(codec.GetMessage("IMGMETA"))
            work.most_calls = 0
            while not is_readable(peer.socket):
                work.step(server)
            assert len(peer.receive().items) == 3001
            calls.append(work.most_calls)
    assert calls[0] > 3001 > calls[1]


class ChangingList(LongList):
    """Another list each time, as that of another search is."""

    def images(self) -> tuple[codec.ImageMetaItem, ...]:
        return (*self._listing,)


@pytest.mark.parametrize("source", [LongList, ChangingList])
def test_a_long_list_is_packed_in_turns_in_which_others_are_served(work: Work, source: type):
    with net.Server(source(20_000), port=0) as server, ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(3)]
        for peer, data_type in zip(peers, ("IMGMETA", "IMGMETA", "STATUS"), strict=True):
            peer.send(codec.GetMessage(data_type))
        answered: list[Peer] = []
        while len(answered) < 3:
            work.step(server)
            answered += [one for one in peers if one not in answered and is_readable(one.socket)]
        assert answered[0] is peers[2]
        assert work.most_calls < MOST_CALLS
