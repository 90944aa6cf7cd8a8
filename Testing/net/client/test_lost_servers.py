"""Servers that are lost, busy or replaced by others as they are asked in header version 2."""

from __future__ import annotations

from contextlib import suppress

import pytest

from helpers.peers import Peer, ScriptedServer, step_until
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


@pytest.mark.parametrize(("has_name", "in_1"), [(None, 1), (True, 0)], ids=["unknown", "own"])
def test_one_that_is_lost_twice_as_version_2_is_tried_is_tried_again_later(
    has_name: bool | None, in_1: int
):
    """Over version 1, nothing tells that an image is the next patient's."""
    script, lost = RawServer(speaks_as_asked, reads_bodies=True), []

    def serve(peer: Peer) -> None:
        if len(lost) == 2:
            script(peer)
        lost.append(peer)
        script.answer(peer, codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE)))
        peer.receive_bytes(1)

    with ScriptedServer(serve) as server, server.client() as client:
        server_version("127.0.0.1", server.port).has_name = has_name
        for _ in range(2 + in_1):
            assert client.get_list().metadata == {}
        assert client.get_list().metadata == METADATA
        assert client.get_image("US1").metadata == METADATA


class ClosingAtVersion2(RawServer):
    """An old server that closes the connection at a header of version 2."""

    def __init__(self) -> None:
        super().__init__(speaks_1_only, reads_bodies=False)

    def answer(self, peer: Peer, question: codec.Header) -> None:
        if question.version == 2:
            raise EOFError
        super().answer(peer, question)


@pytest.mark.parametrize(
    ("has_name", "tried"),
    [(None, [1, 2, 4, 7, 12, 21]), (True, [1, 2, 3, 4, 5, 7, 10, 15, 24])],
    ids=["unknown", "own before"],
)
def test_one_that_closes_at_version_2_is_tried_ever_more_seldom(
    has_name: bool | None, tried: list[int]
):
    script = ClosingAtVersion2()
    with ScriptedServer(script) as server, server.client() as client:
        server_version("127.0.0.1", server.port).has_name = has_name
        for _ in range(30):
            assert [item.id for item in client.list_images()] == ["US1"]
            assert client.get_image("US1").pixels[0, 0, 0] == 7
    questions = [type_name for _, type_name in script.asked]
    lists = [
        questions[:number].count("GET_IMGMETA")
        for number, question in enumerate(questions)
        if question == "GET_STATUS"
    ]
    assert lists == tried


def test_nor_is_it_tried_each_time_that_an_image_is_asked_for_behind_the_list():
    script = ClosingAtVersion2()
    with ScriptedServer(script) as server, server.client() as client:
        for _ in range(12):
            queries = [client.ask("IMGMETA"), client.ask("IMAGE", "US1")]
            step_until(client, lambda queries=queries: all(query.is_done for query in queries))
            assert [query.error for query in queries] == [None, None]
    assert script.asked.count((2, "GET_STATUS")) == 5


def test_one_that_loses_its_first_question_in_version_2_is_tried_again():
    """The probe was answered, but nothing else has been."""
    script, peers = RawServer(speaks_as_asked, reads_bodies=True), []

    def serve(peer: Peer) -> None:
        peers.append(peer)
        if len(peers) > 1:
            script(peer)
        peer.receive_bytes(codec.HEADER_SIZE)

    with ScriptedServer(serve) as server, server.client() as client:
        server_version("127.0.0.1", server.port).speaks_2 = True
        client.get_image("US1")
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
