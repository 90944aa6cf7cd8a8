"""The server, asked with plain sockets."""

from __future__ import annotations

import gc
import logging
import socket
import struct
from collections.abc import Iterator

import numpy as np
import pytest

from helpers.peers import (
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ServerInThread,
    make_image,
    open_descriptors,
)
from IGTLMetaBrowserLib import codec, net


@pytest.fixture
def peer(running_server: ServerInThread) -> Iterator[Peer]:
    with Peer.connect(running_server.port) as peer:
        yield peer


def ask(peer: Peer, query: codec.Message) -> codec.Message:
    peer.send(query)
    return peer.receive()


# Answers


def test_get_imgmeta_lists_all_images(peer: Peer):
    answer = ask(peer, codec.GetMessage("IMGMETA"))
    assert [item.id for item in answer.items] == ["A", "B", "LARGE"]


def test_get_imgmeta_with_an_id_lists_that_image(peer: Peer):
    answer = ask(peer, codec.GetMessage("IMGMETA", device_name="B"))
    assert [item.id for item in answer.items] == ["B"]
    assert answer.device_name == "B"


def test_get_imgmeta_with_the_clients_own_name_lists_all_images_under_that_name(peer: Peer):
    answer = ask(peer, codec.GetMessage("IMGMETA", device_name="Client"))
    assert [item.id for item in answer.items] == ["A", "B", "LARGE"]
    assert answer.device_name == "Client"


def test_get_image(peer: Peer, source: ImagesInMemory):
    answer = ask(peer, codec.GetMessage("IMAGE", device_name="LARGE"))
    assert answer.device_name == "LARGE"
    assert np.array_equal(answer.pixels, source.image("LARGE").pixels)


def test_get_traj(peer: Peer):
    answer = ask(peer, codec.GetMessage("TRAJ", device_name="Client"))
    assert answer.items == [TRAJECTORY]
    assert answer.device_name == "Client"


@pytest.mark.parametrize("name", ["CAPABILITY", "CAPABILI", "CAPABIL"])
def test_get_capability_names_what_this_source_answers(peer: Peer, name: str):
    # The whole name does not fit a header, and C++ programs cut more than they must.
    answer = ask(peer, codec.GetMessage(name, device_name="Client"))
    assert answer.device_name == "Client"
    assert {"IMGMETA", "IMAGE", "TRAJ", "STATUS", "GET_IMGMETA", "GET_CAPABILI"} <= {*answer.types}
    assert "LBMETA" not in answer.types  # this source has no label maps
    for data_type in ("IMGMETA", "TRAJ", "STATUS"):
        assert ask(peer, codec.GetMessage(data_type)).type_name == data_type


def test_get_status(peer: Peer):
    assert ask(peer, codec.GetMessage("STATUS")).code == codec.StatusCode.OK


@pytest.mark.parametrize("data_type", ["IMGMETA", "IMAGE", "TRAJ", "STATUS", "POLYDATA"])
def test_a_version_1_query_gets_a_version_1_answer(peer: Peer, data_type: str):
    answer = ask(peer, codec.GetMessage(data_type, device_name="A"))
    assert answer.header_version == 1


def test_a_version_2_query_gets_its_message_id_and_metadata_back():
    image = make_image(1)
    image.header_version = 2
    image.metadata = {"SeriesInstanceUID": "1.2.826.0.1", "PatientName": "Müller^Jörg"}
    with ServerInThread(ImagesInMemory({"A": image})) as server, Peer.connect(server.port) as peer:
        query = codec.GetMessage("IMAGE", device_name="A", header_version=2, message_id=77)
        answer = ask(peer, query)
        assert answer.header_version == 2
        assert answer.message_id == 77
        assert answer.metadata == image.metadata
        assert np.array_equal(answer.pixels, image.pixels)
        # Version 1 has no place for them, and old clients would read them as pixels.
        answer = ask(peer, codec.GetMessage("IMAGE", device_name="A"))
        assert answer.header_version == 1
        assert answer.metadata == {}
        assert np.array_equal(answer.pixels, image.pixels)


def test_one_client_may_ask_in_both_versions_at_once(peer: Peer):
    peer.send(
        codec.GetMessage("IMAGE", device_name="A", header_version=2, message_id=1),
        codec.GetMessage("IMAGE", device_name="B"),
        codec.GetMessage("IMAGE", device_name="A", header_version=2, message_id=3),
    )
    answers = [peer.receive() for _ in range(3)]
    assert [(a.device_name, a.header_version, a.message_id) for a in answers] == [
        ("A", 2, 1),
        ("B", 1, 0),
        ("A", 2, 3),
    ]


# Refusals


def test_an_unknown_id_is_refused_with_words_and_then_with_rts(peer: Peer):
    status = ask(peer, codec.GetMessage("IMAGE", device_name="Z"))
    assert isinstance(status, codec.StatusMessage)
    assert (status.code, status.device_name) == (codec.StatusCode.NOT_FOUND, "Z")
    assert status.message == "there is no image 'Z' here"
    refusal = peer.receive()
    assert (refusal.type_name, refusal.device_name) == ("RTS_IMAGE", "Z")
    assert bytes(refusal.content) == b"\1"
    assert ask(peer, codec.GetMessage("IMAGE", device_name="A")).device_name == "A"


@pytest.mark.parametrize(
    "query",
    [
        codec.GetMessage("POLYDATA"),
        codec.StartMessage("IMAGE", device_name="A"),
        codec.StopMessage("IMAGE", device_name="A"),
        codec.GetMessage(""),
    ],
    ids=lambda query: query.type_name,
)
def test_what_the_server_does_not_know_is_refused(peer: Peer, query: codec.QueryMessage):
    status = ask(peer, query)
    assert status.code == codec.StatusCode.UNKNOWN_INSTRUCTION
    assert f"{query.type_name} is not supported here" in status.message
    assert peer.receive().type_name == f"RTS_{query.data_type}"


class FailingSource(ImagesInMemory):
    """Its image A cannot be read, B cannot be packed, and C has a reason that is no text."""

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "A":
            raise RuntimeError("the disk is on fire")
        if image_id == "B":
            return codec.ImageMessage(np.zeros((2, 2, 2), bool))
        if image_id == "C":
            raise net.SourceError("a lone surrogate: \ud800")
        return make_image(4)


@pytest.mark.parametrize(
    ("image_id", "words"),
    [
        ("A", "the answer failed (RuntimeError); who runs the server finds why in its log"),
        ("B", "the answer failed (EncodeError)"),
        ("C", "a lone surrogate: \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_an_image_that_fails_is_refused_and_the_server_goes_on(image_id: str, words: str):
    with ServerInThread(FailingSource()) as server, Peer.connect(server.port) as peer:
        status = ask(peer, codec.GetMessage("IMAGE", device_name=image_id))
        assert isinstance(status, codec.StatusMessage)
        assert words in status.message
        assert peer.receive().type_name == "RTS_IMAGE"
        answer = ask(peer, codec.GetMessage("IMAGE", device_name="D"))
        assert answer.pixels[0, 0, 0] == 4


# What is no query


@pytest.mark.parametrize(
    "message",
    [
        codec.TrajectoryMessage(items=[TRAJECTORY]),
        codec.StatusMessage(),
        codec.ReturnMessage("IMAGE", b"\0"),
        codec.UnknownMessage("TRANSFORM", bytes(48)),
        make_image(1),
    ],
    ids=lambda message: message.type_name,
)
def test_what_is_no_query_is_passed_over(peer: Peer, message: codec.Message):
    peer.send(message)
    assert ask(peer, codec.GetMessage("IMAGE", device_name="A")).device_name == "A"


def unreadable_queries() -> dict[str, tuple[bytes, codec.StatusCode, str]]:
    """Queries for B that cannot be read, with what the server says of them."""
    damaged = bytearray(codec.pack(codec.GetMessage("IMAGE", b"xyz", device_name="B")))
    damaged[-1] ^= 1
    query = codec.pack(codec.GetMessage("IMAGE", device_name="B"))
    short = codec.pack(codec.GetMessage("IMAGE", b"xyz", device_name="B"))
    return {
        "damaged": (bytes(damaged), codec.StatusCode.CHECKSUM_ERROR, "arrived damaged"),
        "version 9": (
            struct.pack(">H", 9) + query[2:],
            codec.StatusCode.UNKNOWN_VERSION,
            "header version 9; 1 and 2 are known",
        ),
        "version 2 with half an extended header": (
            struct.pack(">H", 2) + short[2:],
            codec.StatusCode.INVALID,
            "extended header",
        ),
    }


@pytest.mark.parametrize("name", unreadable_queries())
def test_who_sends_a_query_that_cannot_be_read_is_told(peer: Peer, name: str):
    data, code, words = unreadable_queries()[name]
    peer.send(data, codec.GetMessage("IMAGE", device_name="A"))
    status = peer.receive()
    assert isinstance(status, codec.StatusMessage)
    assert (status.code, status.device_name) == (code, "B")
    assert words in status.message
    assert peer.receive().type_name == "RTS_IMAGE"
    assert peer.receive().device_name == "A"


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: a browser\r\nAccept: */*\r\n\r\n",
        np.random.default_rng(20).bytes(10_000),
        codec.pack(codec.GetMessage("IMAGE"))[:42] + struct.pack(">QQ", 1 << 63, 0),
    ],
    ids=["web browser", "garbage", "body of 2**63 bytes"],
)
def test_who_does_not_speak_openigtlink_is_hung_up_on(
    running_server: ServerInThread, peer: Peer, data: bytes, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.WARNING), Peer.connect(running_server.port) as stranger:
        stranger.send(data)
        stranger.wait_until_closed()
    # It answers the next one after it has written why it hung up.
    assert ask(peer, codec.GetMessage("IMAGE", device_name="A")).device_name == "A"
    assert "what cannot be read" in caplog.text


@pytest.mark.parametrize("piece_size", [1, 57, 59])
def test_queries_that_come_in_pieces(peer: Peer, piece_size: int):
    data = codec.pack(codec.GetMessage("IMAGE", device_name="A")) * 3
    for start in range(0, len(data), piece_size):
        peer.send(data[start : start + piece_size])
    assert [peer.receive().device_name for _ in range(3)] == ["A"] * 3


# The listening socket


def test_port_0_picks_a_free_one():
    with net.Server(ImagesInMemory(), port=0) as server:
        assert server.port > 0
        assert server.host == "127.0.0.1"
        with pytest.raises(OSError, match="in use"):
            net.Server(ImagesInMemory(), port=server.port)


def test_the_port_is_free_again_after_close(reserved_port: int):
    with net.Server(ImagesInMemory(), port=reserved_port) as server, Peer.connect(server.port):
        server.step()
    with net.Server(ImagesInMemory(), port=reserved_port) as again:
        assert again.port == reserved_port


def test_closing_the_server_closes_its_connections():
    gc.collect()  # what is left of other tests is not closed meanwhile
    before = open_descriptors()
    with net.Server(ImagesInMemory({"A": make_image(1)}), port=0) as server:
        peers = [Peer.connect(server.port) for _ in range(3)]
        for peer in peers:
            peer.send(codec.GetMessage("IMAGE", device_name="A"))
        for _ in range(10):
            server.step()
    for peer in peers:
        peer.wait_until_closed()
        peer.socket.close()
    assert open_descriptors() <= before  # fewer if others of before are gone by now


def test_over_ipv6(source: ImagesInMemory):
    try:
        server = ServerInThread(source, "::1")
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback address: {error}")
    with server, Peer.connect(server.port, "::1") as peer:
        assert ask(peer, codec.GetMessage("IMAGE", device_name="A")).device_name == "A"


def test_a_client_that_sends_its_last_query_and_closes_its_half_gets_the_answer(peer: Peer):
    # As `nc -N` does, and scripts that write everything before they read.
    peer.send(codec.GetMessage("IMAGE", device_name="LARGE"))
    peer.send(codec.GetMessage("IMAGE", device_name="A"))
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.receive().device_name == "LARGE"
    assert peer.receive().device_name == "A"
    with pytest.raises(EOFError):
        peer.receive()


def test_an_image_with_an_empty_id_does_not_hide_the_others():
    items = [codec.ImageMetaItem(name="nameless"), codec.ImageMetaItem(name="A", id="A")]

    class Source:
        def images(self) -> list[codec.ImageMetaItem]:
            return items

    with ServerInThread(Source()) as server, net.Client("127.0.0.1", server.port) as client:
        assert list(client.list_images()) == items
