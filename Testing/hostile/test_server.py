"""Hostile streams thrown at a running server while a good client fetches.

The good client's bytes are right, the bad clients are dropped or answered, each with a line in the
log that names them, and the memory that they took is given back.
"""

from __future__ import annotations

import contextlib
import gc
import random
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest

from data import golden
from helpers.patience import Patience
from helpers.peers import PATIENCE, TRAJECTORY, ImagesInMemory, Peer, ServerInThread, make_image
from hostile import worst_messages
from hostile.all_ways import mended
from hostile.mutations import ALL_BITS, TYPES, mutations
from IGTLMetaBrowserLib import codec, net

SIZE = (128, 128, 32)  # 1 MB
MOST_MEMORY_LEFT = 1 << 20
QUERY = codec.pack(codec.GetMessage("IMAGE", device_name="A"))

Stream = Iterator[bytes]


def changed_headers() -> Stream:
    """Golden messages with each byte of the header changed."""
    for name in golden.NAMES:
        data = golden.golden_bytes(name)
        for position in range(codec.HEADER_SIZE):
            yield data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


def cut_and_mended() -> Stream:
    """Golden messages cut short, with the size and checksum of what is left."""
    numbers = random.Random(1)
    for name in golden.NAMES:
        data = golden.golden_bytes(name)
        for _ in range(8):
            yield mended(data[: numbers.randrange(codec.HEADER_SIZE, len(data) + 1)])


def changed_bodies() -> Stream:
    """Golden messages with a byte of the body changed, under a checksum that fits."""
    for name in golden.NAMES:
        data = golden.golden_bytes(name)
        for body in islice(mutations(data[codec.HEADER_SIZE :], ALL_BITS), 0, None, 7):
            yield mended(data[: codec.HEADER_SIZE] + body)


def under_other_headers() -> Stream:
    """Golden messages as another type, in the other header version, and with bytes left over."""
    for name in golden.NAMES:
        data = golden.golden_bytes(name)
        for type_name in TYPES:
            yield data[:2] + type_name.encode().ljust(12, b"\0") + data[14:]
        yield bytes([0, 3 - data[1]]) + data[2:]
        for count in (1, 8, 260):
            yield mended(data + bytes(count))


def queries_of_everything() -> Stream:
    """Every golden query and message as it is, and queries for what nobody has."""
    for name in golden.NAMES:
        yield golden.golden_bytes(name)
    for number in range(300):
        yield codec.pack(codec.GetMessage("IMAGE", device_name=f"nobody has {number}"))
        yield codec.pack(codec.StartMessage(f"TYPE{number}"))


def garbage() -> Stream:
    """Bytes that are no messages."""
    numbers = np.random.default_rng(2)
    for _ in range(200):
        yield numbers.bytes(3000)


def promises() -> Stream:
    """Headers that promise more than ever comes."""
    for size in (1, 1 << 20, (16 << 20) - 1, 1 << 40, (1 << 64) - 1):
        yield QUERY[:42] + struct.pack(">QQ", size, 0)


def worst_for_memory() -> Stream:
    """What becomes much larger when it is read."""
    for make in (
        worst_messages.text_of_wide_letters,
        worst_messages.text_that_cannot_be_decoded,
        worst_messages.metadata_of_many_small_entries,
        worst_messages.cells_of_one_point,
        worst_messages.many_capabilities,
        worst_messages.bind_of_many,
        worst_messages.long_list,
    ):
        yield make()


@pytest.fixture
def source() -> ImagesInMemory:
    return ImagesInMemory({"A": make_image(5, SIZE)}, [TRAJECTORY])


def attack(port: int, stream: Stream) -> int:
    """Send it all, on a new connection whenever the server closes the last; return how many."""
    connections = 0
    peer: Peer | None = None
    for data in stream:
        if peer is None:
            peer = Peer.connect(port)
            connections += 1
        try:
            peer.socket.sendall(data)
            peer.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while peer.socket.recv(1 << 20):
                    pass
                raise ConnectionResetError  # at the end of the stream
            peer.socket.settimeout(PATIENCE)
        except OSError:
            peer.socket.close()
            peer = None
    if peer is not None:
        peer.socket.close()
    return connections


@pytest.mark.parametrize(
    "make",
    [
        changed_headers,
        changed_bodies,
        cut_and_mended,
        under_other_headers,
        queries_of_everything,
        garbage,
        promises,
        worst_for_memory,
    ],
    ids=lambda make: make.__name__,
)
def test_a_good_client_is_served_meanwhile(
    source: ImagesInMemory, make: Callable[[], Stream], caplog: pytest.LogCaptureFixture
):
    expected = make_image(5, SIZE).pixels
    with ServerInThread(source) as server, server.client() as good:
        good.get_image("A")  # what is made once belongs to no attack
        # Neither does what reads it: with one path more, Python's table of interned strings, in
        # which those of all tests are, may grow by megabytes.
        stream = [*make()]
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            attacker = threading.Thread(target=attack, args=(server.port, iter(stream)))
            attacker.start()
            fetched = 0
            while attacker.is_alive() or fetched < 3:
                assert np.array_equal(good.get_image("A").pixels, expected)
                fetched += 1
            attacker.join()
            _wait_until_alone(server)
            caplog.clear()
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < MOST_MEMORY_LEFT


def _wait_until_alone(server: ServerInThread) -> None:
    """Ask until the server has seen that the bad clients are gone."""
    with server.client() as other:
        for _ in range(10_000):
            other.list_images()
            if len(server.server.clients) <= 2:
                return
    raise AssertionError("the server keeps clients that have left")


@pytest.mark.parametrize("make", [changed_headers, garbage], ids=lambda m: m.__name__)
def test_the_log_names_who_was_it(
    source: ImagesInMemory, make: Callable[[], Stream], caplog: pytest.LogCaptureFixture
):
    with ServerInThread(source) as server, server.client() as good:
        attack(server.port, make())
        good.get_image("A")
    lines = [line for line in caplog.messages if "client 127.0.0.1:" in line]
    assert any("sent what cannot be read: " in line for line in lines)
    assert len(lines) <= 25  # and nobody floods it


def test_a_hundred_who_send_half_a_query_and_stay(
    source: ImagesInMemory, monkeypatch: pytest.MonkeyPatch
):
    now = [0.0]  # it passes as the test says
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limits = net.ServerLimits(idle_timeout=60.0)
    with ServerInThread(source, limits=limits) as server, contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(Peer.connect(server.port)).send(QUERY[:30])
        with server.client() as good:
            assert good.get_image("A").pixels[0, 0, 0] == 5
        patience = Patience(PATIENCE)
        while server.server.clients:
            assert not patience.is_over, "the server keeps clients that are idle"
            now[0] += 61.0
