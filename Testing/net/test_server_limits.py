"""Whom a server lets in, and how much it gives: each refusal says why, there and in the log."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net import limited_log, limits
from IGTLMetaBrowserLib.net.limited_log import LimitedLog

# More than the socket buffers of both ends take.
HUGE = (256, 256, 256)
ELSEWHERE = [ipaddress.ip_network("192.0.2.0/24")]


def get(device_name: str) -> codec.Message:
    return codec.GetMessage("IMAGE", device_name=device_name)


def small_source() -> ImagesInMemory:
    return ImagesInMemory({"A": make_image(5)})


@contextlib.contextmanager
def serving(source: net.Source | None = None, **options: object) -> Iterator[ServerInThread]:
    server = ServerInThread(source or small_source(), limits=net.ServerLimits(**options))
    with server:
        yield server


def last_words(peer: Peer) -> codec.StatusMessage:
    """Return the STATUS that is the last that a client hears."""
    status = peer.receive()
    assert isinstance(status, codec.StatusMessage)
    with pytest.raises((EOFError, ConnectionError)):
        peer.receive()
    return status


@pytest.mark.parametrize(("sockets_each", "most"), [(1, 432), (2, 216)])
def test_on_windows_no_more_are_let_in_than_can_be_waited_for(
    monkeypatch: pytest.MonkeyPatch, sockets_each: int, most: int
):
    """Its select() takes 512 sockets, and beyond that raised ValueError: the server ended."""
    monkeypatch.setitem(sys.modules, "resource", None)
    asked_for = net.ServerLimits(max_clients=1000)
    assert asked_for.within_descriptors(of_each=sockets_each).max_clients == most
    assert net.ServerLimits(max_clients=20).within_descriptors().max_clients == 20


# Addresses


@pytest.mark.parametrize(
    ("networks", "host", "may"),
    [
        ([], "203.0.113.9", True),
        (["10.1.0.0/16"], "10.1.2.3", True),
        (["10.1.0.0/16"], "10.2.0.1", False),
        (["10.1.0.0/16"], "::ffff:10.1.2.3", True),
        (["10.1.0.0/16", "::1/128"], "::1", True),
        (["10.1.0.0/16"], "::1", False),
        (["fe80::/10"], "fe80::1%2", True),
    ],
)
def test_networks_that_may_connect(networks: list[str], host: str, may: bool):
    allowed = [ipaddress.ip_network(network) for network in networks]
    assert net.ServerLimits(allowed_networks=allowed).allows(host) == may


def test_who_is_not_allowed_hears_why(caplog: pytest.LogCaptureFixture):
    with serving(allowed_networks=ELSEWHERE) as server, Peer.connect(server.port) as peer:
        status = last_words(peer)
    assert status.code == codec.StatusCode.ACCESS_DENIED
    assert status.message == "the address 127.0.0.1 is not allowed to connect"
    assert "127.0.0.1:" in caplog.text
    assert "is refused: the address 127.0.0.1" in caplog.text


def test_who_has_asked_already_hears_it_too():
    """Bytes that were not read would have the system throw the words away with the connection."""
    with serving(allowed_networks=ELSEWHERE) as server, Peer.connect(server.port) as peer:
        peer.send(*[get("A")] * 100)
        assert last_words(peer).code == codec.StatusCode.ACCESS_DENIED


# Connections


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        ({"max_clients": 2}, "2 clients are connected, and no more are served"),
        ({"max_clients_per_address": 2}, "2 connections from 127.0.0.1 are open"),
    ],
)
def test_one_client_too_many_hears_it_and_the_others_stay(limit: dict[str, int], words: str):
    with serving(**limit) as server:
        with Peer.connect(server.port) as first, Peer.connect(server.port) as second:
            for peer in (first, second):  # who has never asked anything would make room
                peer.send(get("A"))
                peer.receive()
            with Peer.connect(server.port) as third:
                status = last_words(third)
            assert status.code == codec.StatusCode.BUSY
            assert words in status.message
            for peer in (first, second):
                peer.send(get("A"))
                assert peer.receive().pixels[0, 0, 0] == 5
        await_no_clients(server)
        with Peer.connect(server.port) as later:
            later.send(get("A"))
            assert later.receive().pixels[0, 0, 0] == 5


STRANGER, GOOD = "203.0.113.9", "198.51.100.7"


@pytest.mark.parametrize(
    ("host", "connected", "may"),
    [
        (STRANGER, [STRANGER] * 191, True),
        (STRANGER, [STRANGER] * 192, False),
        (GOOD, [STRANGER] * 192, True),
        ("::ffff:203.0.113.9", [STRANGER] * 192, False),
        ("2001:db8::9", ["2001:db8::abcd:1"] * 192, False),  # of one network of 64 bits
        ("2001:db8:0:1::9", ["2001:db8::abcd:1"] * 192, True),
        ("127.0.0.1", ["127.0.0.1"] * 255, True),  # where a proxy on this computer calls from
        ("::1", ["::1"] * 255, True),
        ("127.0.0.1", ["127.0.0.1"] * 256, False),
    ],
)
def test_one_address_leaves_a_quarter_to_others(host: str, connected: list[str], may: bool):
    assert (net.ServerLimits().why_not(host, connected) is None) == may


def test_one_stranger_who_keeps_asking_does_not_shut_others_out():
    with (
        serving(max_clients=4, max_clients_per_address=3) as server,
        contextlib.ExitStack() as all_,
    ):
        for _ in range(6):
            peer = all_.enter_context(Peer.connect(server.port, source="127.0.0.2"))
            peer.send(get("A"))
            peer.receive()  # of the last three, that all three have been asking
        good = all_.enter_context(Peer.connect(server.port))
        good.send(get("A"))
        assert good.receive().pixels[0, 0, 0] == 5


def await_no_clients(server: ServerInThread) -> None:
    patience = Patience(PATIENCE)
    while server.server.clients:
        assert not patience.is_over, "the server keeps clients that have left"


def test_two_hundred_are_connected_and_all_are_served():
    with serving() as server, contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer.connect(server.port)) for _ in range(200)]
        for peer in peers:
            peer.send(get("A"))
        assert [peer.receive().pixels[0, 0, 0] for peer in peers] == [5] * 200


# Queries and bytes a second


def test_more_queries_than_allowed_are_refused_and_the_connection_stays():
    with serving(queries_per_second=1.0) as server, Peer.connect(server.port) as peer:
        peer.send(*[codec.GetMessage("STATUS")] * 30)
        answers = [peer.receive() for _ in range(11)]
        while not isinstance(answers[-1], codec.ReturnMessage):
            answers.append(peer.receive())
        refusal = answers[-2]
        assert refusal.code == codec.StatusCode.BUSY
        assert refusal.message == "more than 1 queries a second; ask more slowly"
        # Ten seconds' worth are there at once.
        assert [answer.code for answer in answers[:10]] == [codec.StatusCode.OK] * 10


def test_an_allowance_comes_back_with_time():
    allowance = limits.Allowance(per_second=2.0, saved_seconds=5.0, now=0.0)
    assert allowance.left(0.0) == 10
    allowance.use(10)
    assert allowance.left(0.0) == 0
    assert allowance.seconds_until(3, 0.0) == 1.5
    assert allowance.left(1.5) == 3
    assert allowance.left(100.0) == 10


def test_no_limit_allows_everything():
    allowance = limits.Allowance(per_second=None, saved_seconds=5.0, now=0.0)
    allowance.use(1e12)
    assert allowance.left(0.0) == float("inf")
    assert allowance.seconds_until(1e12, 0.0) == 0


def test_bytes_are_sent_no_faster_than_allowed_and_all_arrive():
    image = make_image(1, (64, 64, 30))
    size = image.pixels.nbytes
    with serving(ImagesInMemory({"A": image}), bytes_per_second=size / 3) as server:
        begin = time.monotonic()
        with Peer.connect(server.port) as peer:
            peer.send(get("A"))
            assert peer.receive().pixels.tobytes() == image.pixels.tobytes()
            # Two seconds' worth are sent at once, the rest as the third second goes by.
            assert time.monotonic() - begin > 0.9


def test_what_is_sent_slowly_goes_in_pieces_worth_sending(clock: list[float]):
    """As little as may be sent each time that somebody looks would be a packet for 100 bytes."""
    image = make_image(1, (128, 128, 8))
    limits = net.ServerLimits(bytes_per_second=100_000)
    with (
        net.Server(ImagesInMemory({"A": image}), port=0, limits=limits) as server,
        Peer.connect(server.port) as peer,
    ):
        peer.send(get("A"))
        moments = set()
        for _ in range(5000):
            before = sum(client.sent for client in server.clients)
            server.step()
            if sum(client.sent for client in server.clients) > before:
                moments.add(clock[0])
            clock[0] += 0.001
        assert peer.receive().pixels.tobytes() == image.pixels.tobytes()
    # Two seconds' worth at once, the rest in pieces of 16 KiB.
    assert 1 < len(moments) <= 6


def test_a_limit_on_one_client_keeps_no_other_waiting():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE), "A": make_image(5)})
    with serving(source, bytes_per_second=1e6) as server, Peer.connect(server.port) as greedy:
        greedy.send(get("HUGE"))
        with server.client() as client:
            assert client.get_image("A").pixels[0, 0, 0] == 5


# Those who do not read, or do not ask


def test_a_stuck_reader_is_dropped_and_its_image_let_go(caplog: pytest.LogCaptureFixture):
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with serving(source, stall_timeout=0.2) as server, Peer.connect(server.port) as stuck:
        stuck.send(get("HUGE"))
        patience = Patience(PATIENCE)
        while "reads too slowly" not in caplog.text or server.server.cached_bytes:
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


class OfVersions(ImagesInMemory):
    """Says of its images that they do not change: a server keeps them packed."""

    def image_version(self, image_id: str) -> int:
        return 0


@pytest.mark.parametrize(
    ("limits", "is_dropped"),
    [
        ({}, True),
        ({"longest_reading": 1e6}, False),
        ({"bytes_per_second": 30_000.0}, False),  # it is not to blame for that
    ],
    ids=["slow", "not too slow", "as fast as it may"],
)
def test_who_would_hold_memory_for_long_makes_room(
    clock: list[float],
    caplog: pytest.LogCaptureFixture,
    limits: dict[str, float],
    is_dropped: bool,
):
    """One who reads a large image over a slow network does not shut all others out for hours."""
    images = {"HUGE": make_image(1, HUGE), "A": make_image(5)}
    limits = net.ServerLimits(image_cache_size=1 << 20, slowest_reader=1000.0, **limits)
    with (
        net.Server(OfVersions(images), port=0, limits=limits) as server,
        socket.socket() as slow,
        Peer.connect(server.port) as waiting,
    ):
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((server.host, server.port))
        slow.sendall(codec.pack(get("HUGE")))
        slow.setblocking(False)
        while not server.cached_bytes:
            server.step()
        waiting.send(get("A"))
        while clock[0] < 60 and not is_readable(waiting.socket):
            server.step()
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if slow.recv(2000):
                    clock[0] += 0.1  # 20 kB/s: half an hour for the image
        if is_dropped:
            assert waiting.receive().pixels[0, 0, 0] == 5
        else:
            assert clock[0] >= 60
        assert ("others wait for memory" in caplog.text) == is_dropped


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


# The end


def test_shutting_down_finishes_the_image_that_is_being_sent():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(get("HUGE"))
        while not source.asked_for:
            server.step()
        received: list[codec.Message] = []
        reader = threading.Thread(target=lambda: received.append(peer.receive()))
        reader.start()
        server.shut_down(PATIENCE)
        reader.join(PATIENCE)
        assert received[0].pixels.nbytes == make_image(1, HUGE).pixels.nbytes


def test_shutting_down_does_not_wait_for_who_does_not_read():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(get("HUGE"))
        while not source.asked_for:
            server.step()
        server.shut_down(0.1)
        assert server.clients == []


def test_shutting_down_does_not_wait_for_what_the_source_waits_for():
    """As for a scan of a large folder, or an archive that does not answer: service managers lose
    patience after some seconds."""

    class Waiting(ImagesInMemory):
        def images(self) -> list[codec.ImageMetaItem]:
            self.asked_for.append("list")
            raise net.NotReadyError(retry_after=0.01)

    source = Waiting()
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA"))
        while not source.asked_for:
            server.step(0.01)
        ending = threading.Thread(target=server.shut_down, args=(1e6,), daemon=True)
        ending.start()
        ending.join(PATIENCE)
        assert not ending.is_alive()


# The log


def test_nobody_floods_the_log(caplog: pytest.LogCaptureFixture):
    with ServerInThread(small_source()) as server, Peer.connect(server.port) as peer:
        unreadable = bytearray(codec.pack(codec.GetMessage("IMAGE", b"xyz")))
        unreadable[-1] ^= 1
        peer.send(bytes(unreadable) * 1000, get("A"))
        while peer.receive().device_name != "A":
            pass
    assert 10 < caplog.text.count("what cannot be read") <= 20


def test_what_was_left_out_is_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    log = LimitedLog(logging.getLogger("test"), lines_per_minute=3)
    for number in range(10):
        log.write(logging.WARNING, "10.0.0.1", f"line {number}")
    log.write(logging.WARNING, "10.0.0.2", "another")
    assert caplog.messages == ["line 0", "line 1", "line 2", "another"]
    log.begin_minute()
    log.write(logging.WARNING, "10.0.0.1", "line 10")
    assert caplog.messages[-2:] == ["7 more lines about 10.0.0.1 were left out", "line 10"]
    # Nor do those who come from many addresses.
    monkeypatch.setattr(limited_log, "_LINES_OF_ALL", 5)
    for number in range(5000):
        log.write(logging.WARNING, f"host {number}", "hello")
    assert caplog.messages.count("hello") == 4
    log.begin_minute()
    assert len(caplog.messages) < 20


def test_the_log_names_the_client_and_no_image(caplog: pytest.LogCaptureFixture):
    with (
        caplog.at_level(logging.DEBUG),
        ServerInThread(ImagesInMemory({"SHEPLOGAN_VIRA": make_image(1)})) as server,
    ):
        with Peer.connect(server.port) as peer:
            peer.send(get("SHEPLOGAN_VIRA"))
            peer.receive()
            address = "{}:{}".format(*peer.socket.getsockname())
        await_no_clients(server)
    lines = [line for line in caplog.messages if address in line]
    assert len(lines) == 3
    assert "SHEPLOGAN" not in caplog.text
