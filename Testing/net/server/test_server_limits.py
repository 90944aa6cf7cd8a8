"""Whom a server lets in, and how much it gives: each refusal says why, there and in the log."""

from __future__ import annotations

import contextlib
import ipaddress
import sys
import time

import pytest

from helpers.limited_servers import HUGE, await_no_clients, get, last_words, serving
from helpers.peers import ImagesInMemory, Peer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net import limits

ELSEWHERE = [ipaddress.ip_network("192.0.2.0/24")]


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
