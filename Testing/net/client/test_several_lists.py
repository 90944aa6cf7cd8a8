"""Scripts that ask for the list of a server which pushes others at that moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from helpers.peers import Peer, ScriptedServer
from IGTLMetaBrowserLib import codec

WHOLE = [codec.ImageMetaItem("Head", "MR"), codec.ImageMetaItem("Thorax", "CT")]
PUSHED = [codec.ImageMetaItem("Just acquired", "US")]


def lists(*some: Sequence[codec.ImageMetaItem]) -> list[codec.Message]:
    return [codec.ImageMetaMessage(items=list(items), device_name="Server") for items in some]


def answering(answers: Callable[[int], list[codec.Message]], asked: list[int]):
    """Answers each question for the list at once, as one packet."""

    def script(peer: Peer) -> None:
        while True:
            if peer.receive().type_name == "GET_IMGMETA":
                asked.append(1)
                peer.socket.sendall(b"".join(map(codec.pack, answers(len(asked)))))

    return script


def ids(client) -> list[str]:
    return [item.id for item in client.list_images()]


@pytest.mark.parametrize("first", [(PUSHED, WHOLE), (WHOLE, PUSHED)])
def test_beside_a_list_that_is_pushed_once_the_list_is_asked_for_again(first):
    asked: list[int] = []
    script = answering(lambda number: lists(*first) if number == 1 else lists(WHOLE), asked)
    with ScriptedServer(script) as server, server.client(header_version=1) as client:
        assert ids(client) == ["MR", "CT"]
        assert not client.is_list_in_doubt
    assert len(asked) == 2


@pytest.mark.parametrize("each", [(PUSHED, WHOLE), (WHOLE, PUSHED)])
def test_of_lists_without_end_the_longest_is_taken_and_it_is_known(each):
    asked: list[int] = []
    with (
        ScriptedServer(answering(lambda _: lists(*each), asked)) as server,
        server.client(header_version=1) as client,
    ):
        assert ids(client) == ["MR", "CT"]
        assert client.is_list_in_doubt
    assert len(asked) == 4


def test_the_same_list_twice_is_no_reason_to_ask_again():
    asked: list[int] = []
    with (
        ScriptedServer(answering(lambda _: lists(WHOLE, WHOLE), asked)) as server,
        server.client(header_version=1) as client,
    ):
        assert ids(client) == ["MR", "CT"]
        assert not client.is_list_in_doubt
    assert len(asked) == 1


def numbering(asked: list[codec.Message]):
    """A server of header version 2 that repeats the number of its query, and pushes before it."""

    def script(peer: Peer) -> None:
        while True:
            # ``receive`` passes over what asks for the header version.
            header = peer.receive_bytes(codec.HEADER_SIZE)
            body = peer.receive_bytes(codec.Header.unpack(header).body_size)
            if codec.Header.unpack(header).type_name == "GET_STATUS":
                peer.send(codec.StatusMessage(header_version=2))
                continue
            query = codec.unpack(header + body)
            if query.type_name == "GET_IMGMETA":
                asked.append(query)
                answer = codec.ImageMetaMessage(
                    WHOLE, header_version=query.header_version, message_id=query.message_id
                )
                peer.socket.sendall(b"".join(map(codec.pack, [*lists(PUSHED), answer])))

    return script


def test_a_server_that_repeats_the_number_of_its_query_says_which_list_is_the_answer():
    asked: list[codec.Message] = []
    with (
        ScriptedServer(numbering(asked)) as server,
        server.client() as client,
    ):
        assert ids(client) == ["MR", "CT"]
        assert not client.is_list_in_doubt
        number = len(asked)
        assert ids(client) == ["MR", "CT"]  # from now on without a doubt
    assert len(asked) == number + 1
