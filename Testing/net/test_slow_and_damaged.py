"""Servers that are too slow to be waited for, and damage on the way: what ends, and how."""

from __future__ import annotations

import pytest

from codec.stream import frame
from helpers.peers import Peer, ScriptedServer, make_image, serve_well, step_until, wait_for_socket
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.queries import Queries
from IGTLMetaBrowserLib.net.client.recent_names import MOST_NAMES, RecentNames

SHORT = 0.3
LIST = codec.pack(codec.ImageMetaMessage([codec.ImageMetaItem("A", "A")] * 100))


def drip(peer: Peer) -> None:
    """Script: answer with a list, from its body on a byte at a time, long before the time-out."""
    peer.receive()
    peer.send(LIST[: codec.HEADER_SIZE])
    for number in range(codec.HEADER_SIZE, len(LIST)):
        peer.send(LIST[number : number + 1])
        peer.pause(SHORT / 8)


def test_a_list_that_is_dripped_ends():
    with ScriptedServer(drip) as server, server.client(answer_timeout=SHORT) as client:
        with pytest.raises(net.TimeOutError, match=r"almost nothing for 0\.3 s"):
            client.list_images()
        assert not client.is_connected


def test_an_answer_of_a_slow_network_may_take_longer_than_the_time_out():
    def answer_slowly(peer: Peer) -> None:
        peer.receive()
        for start in range(0, len(LIST), len(LIST) // 8):
            peer.send(LIST[start : start + len(LIST) // 8])
            peer.pause(SHORT / 4)
        serve_well(peer)

    with (
        ScriptedServer(answer_slowly) as server,
        server.client(answer_timeout=SHORT, header_version=1) as client,
    ):
        assert len(client.list_images()) == 100


def test_what_is_passed_over_is_no_answer(monkeypatch: pytest.MonkeyPatch):
    """A message that claims a terabyte would take the time that it says, if that counted."""
    monkeypatch.setattr("IGTLMetaBrowserLib.net.client.session._PASS_OVER_SECONDS", SHORT / 3)

    def send_for_ever(peer: Peer) -> None:
        peer.receive()
        peer.send(frame("TRANSFORM", body_size=1 << 40))
        while True:
            peer.pause(0.01)
            peer.send(bytes(10_000))

    with (
        ScriptedServer(send_for_ever, serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        assert client.get_image("A").pixels[0, 0, 0] == 7
        assert server.connections == 2


def test_after_a_damaged_answer_the_connection_is_made_anew():
    """Damage in a header can shift where the next message begins."""
    good = codec.pack(make_image(7, device_name="A"))
    damaged = good[:-1] + bytes([good[-1] ^ 1])

    def answer_damaged(peer: Peer) -> None:
        peer.receive()
        peer.receive()
        peer.send(damaged)
        peer.wait_until_closed()

    with ScriptedServer(answer_damaged, serve_well) as server, server.client() as client:
        first, second = client.ask("IMAGE", "A"), client.ask("IMAGE", "B")
        step_until(client, lambda: second.is_done)
        assert "arrived damaged" in str(first.error)
        assert second.answer.pixels[0, 0, 0] == 7
        assert server.connections == 2


def test_after_a_damaged_answer_nothing_is_asked_on_that_connection():
    """Whoever asks on is told of the damage only, not of another connection that was lost."""
    good = codec.pack(make_image(7, device_name="A"))
    more = codec.pack(codec.StatusMessage(codec.StatusCode.OK))

    def answer_damaged(peer: Peer) -> None:
        peer.receive()
        peer.send(good[:-1] + bytes([good[-1] ^ 1]) + 9 * more)
        peer.wait_until_closed()

    with ScriptedServer(answer_damaged) as server, server.client() as client:
        query = client.ask("IMAGE", "A")
        while not query.is_done:
            wait_for_socket(client)
            client.step(0.0)
        assert isinstance(query.error, net.DamagedAnswerError)
        assert not client.is_connected


def test_names_of_streams_do_not_fill_the_memory():
    names = RecentNames()
    for number in range(3 * MOST_NAMES):
        names.add(number)
        names.add("the stream that goes on")
    assert len(names) == MOST_NAMES
    assert "the stream that goes on" in names
    assert 0 not in names


def test_queries_remember_the_last_names_alone(queries: Queries):
    for number in range(MOST_NAMES + 50):
        assert queries.match(codec.TransformMessage(device_name=f"{number}")) is None
    assert len(queries._stream_names) == MOST_NAMES
