"""Servers that are lost, busy or replaced by others as they are asked in header version 2."""

from __future__ import annotations

from contextlib import suppress

import pytest

from helpers.peers import Peer, ScriptedServer
from helpers.version_servers import (
    METADATA,
    RawServer,
    speaks_1_only,
    speaks_as_asked,
    speaks_version_2,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import server_version


def test_a_server_that_was_replaced_by_an_old_one_is_asked_in_version_1_after_the_time_out():
    def old(peer: Peer) -> None:
        # Out of step from the first body on, which it does not read: it answers nothing any more.
        script = RawServer(speaks_1_only, reads_bodies=False)
        header = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
        if header.version == 2:
            peer.wait_until_closed()
        else:
            script.answer(peer, header)
            script(peer)

    with ScriptedServer(old) as server, server.client(answer_timeout=0.3) as client:
        server_version("127.0.0.1", server.port).speaks_2 = True
        assert client.get_image("US1").pixels[0, 0, 0] == 7
        assert not speaks_version_2(client)
        assert server.connections == 2


def test_a_server_that_closes_when_it_sees_version_2_loses_nothing():
    def close_at_version_2(peer: Peer) -> None:
        script = RawServer(speaks_1_only, reads_bodies=False)
        while True:
            question = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
            if question.version == 2:
                return
            script.answer(peer, question)

    with ScriptedServer(close_at_version_2) as server, server.client() as client:
        assert [item.id for item in client.list_images()] == ["US1"]
        assert client.get_image("US1").pixels[0, 0, 0] == 7
        assert len(client.list_images()) == 1
        assert not speaks_version_2(client)


def test_a_server_that_is_away_for_a_moment_is_asked_in_version_2_again():
    """Else its images would have no metadata until this program ends.

    What stands before it, such as haproxy, lets in whoever comes, and closes at once.
    """
    script, are_away = RawServer(speaks_as_asked, reads_bodies=True), [False]

    def serve(peer: Peer) -> None:
        if not are_away[0]:
            script(peer)

    with ScriptedServer(serve) as server:
        for are_away[0] in (False, True, True, False):
            with server.client() as client, suppress(net.NetworkError):
                client.list_images()
        with server.client() as client:
            assert client.get_image("US1").metadata == METADATA


def test_a_server_that_is_lost_as_version_2_is_tried_is_tried_once_more():
    script, peers = RawServer(speaks_as_asked, reads_bodies=True), []

    def serve(peer: Peer) -> None:
        peers.append(peer)
        if len(peers) > 1:
            script(peer)
        header = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
        script.answer(peer, header)
        peer.receive_bytes(1)

    with ScriptedServer(serve) as server, server.client() as client:
        assert [item.id for item in client.list_images()] == ["US1"]
        client.list_images()
        assert client.get_image("US1").metadata == METADATA


@pytest.mark.parametrize("speaks_2", [None, True])
def test_one_of_our_own_that_was_too_busy_to_answer_in_version_2_is_tried_again(
    speaks_2: bool | None,
):
    """As a computer that slept. Another one would keep each of its lists back for half a second."""
    script, is_busy = RawServer(speaks_as_asked, reads_bodies=True), True

    def serve(peer: Peer) -> None:
        if not is_busy:
            script(peer)
        question = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
        if question.version == 1:
            script.answer(peer, question)
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        known = server_version("127.0.0.1", server.port)
        known.has_name, known.speaks_2 = True, speaks_2
        with server.client(answer_timeout=0.3) as client:
            client.list_images()
        is_busy = False
        with server.client() as client:
            client.list_images()
            assert client.get_image("US1").metadata == METADATA


def test_an_old_server_in_the_place_of_one_of_our_own_is_tried_once_over_a_connection():
    """It answers the second list, and not what it was asked before that in version 2."""
    script = RawServer(speaks_1_only, reads_bodies=False)
    with ScriptedServer(script) as server:
        server_version("127.0.0.1", server.port).has_name = True
        for _ in range(2):
            with server.client() as client:
                for _ in range(3):
                    assert [item.id for item in client.list_images()] == ["US1"]
    assert script.asked.count((2, "GET_STATUS")) == 1
