"""Servers that misbehave: the user reads what happened, and the next query works."""

from __future__ import annotations

import socket
import struct
import tracemalloc

import numpy as np
import pytest

from helpers.peers import Peer, Script, ScriptedServer, make_image, serve_well, step_until
from IGTLMetaBrowserLib import codec, net

SHORT = 0.3
GOOD = codec.pack(make_image(7, (64, 64, 20), "A"))
BODY_SIZE_AT, CRC_AT = 42, 50


def with_header(data: bytes, **fields: int) -> bytes:
    """Return a message with other values in its header; the checksum fits, if none is given."""
    changed = bytearray(data)
    if "version" in fields:
        struct.pack_into(">H", changed, 0, fields["version"])
    if "body_size" in fields:
        struct.pack_into(">Q", changed, BODY_SIZE_AT, fields["body_size"])
    crc = fields.get("crc", codec.crc64(bytes(changed[codec.HEADER_SIZE :])))
    struct.pack_into(">Q", changed, CRC_AT, crc)
    return bytes(changed)


def with_image_size(data: bytes, i: int, j: int, k: int) -> bytes:
    """Return an IMAGE message that claims another size than its pixels have."""
    changed = bytearray(data)
    for offset in (6, 66):
        struct.pack_into(">3H", changed, codec.HEADER_SIZE + offset, i, j, k)
    return with_header(bytes(changed))


def answer_with(data: bytes) -> Script:
    """Script: answer the first query with these bytes, and serve well from then on."""

    def answer(peer: Peer) -> None:
        peer.receive()
        peer.send(data)
        serve_well(peer)

    return answer


def assert_next_query_works(client: net.Client) -> None:
    assert client.get_image("NEXT").pixels[0, 0, 0] == 7


BAD_ANSWERS = {
    "wrong checksum": (
        with_header(GOOD, crc=12345),
        net.AnswerError,
        ["the image 'A'", "arrived damaged", "checksum", "0000000000003039"],
    ),
    "wrong checksum of a small message": (
        with_header(codec.pack(make_image(7, device_name="A")), crc=12345),
        net.AnswerError,
        ["the image 'A'", "arrived damaged", "checksum"],
    ),
    "body of 2**63 bytes": (
        with_header(GOOD, body_size=1 << 63),
        net.AnswerError,
        ["claims a body of 9223372036854775808 bytes", "is it an OpenIGTLink server?"],
    ),
    "image smaller than its body": (
        with_image_size(GOOD, 64, 64, 19),
        net.AnswerError,
        ["the image 'A'", "64×64×19", "155648 bytes", "163840 are there"],
    ),
    "image larger than its body": (
        with_image_size(GOOD, 65535, 65535, 65535),
        net.AnswerError,
        ["the image 'A'", "65535×65535×65535", "163840 are there"],
    ),
    "unknown header version": (
        with_header(GOOD, version=3),
        net.AnswerError,
        ["the image 'A'", "header version 3", "1 and 2 are known"],
    ),
    "empty body": (
        codec.pack(codec.UnknownMessage("IMAGE", device_name="A")),
        net.RefusedError,
        ["no data for the image 'A'", "empty"],
    ),
    "cut image header": (
        codec.pack(codec.UnknownMessage("IMAGE", b"\0" * 71, device_name="A")),
        net.AnswerError,
        ["the image 'A'", "IMAGE ends within its image header"],
    ),
    "web server": (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n",
        net.AnswerError,
        ["is a web server, not an OpenIGTLink server; check the port"],
    ),
    "nonsense": (
        b"nonsense" * 20,
        net.AnswerError,
        ["claims a body of", "is it an OpenIGTLink server?"],
    ),
}


@pytest.mark.parametrize(("data", "error", "words"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_bad_answer_is_explained(data: bytes, error: type[Exception], words: list[str]):
    with ScriptedServer(answer_with(data), serve_well) as server, server.client() as client:
        with pytest.raises(error) as caught:
            client.get_image("A")
        for word in words:
            assert word in str(caught.value)
        assert_next_query_works(client)


def test_an_impossible_size_ends_the_connection_and_the_other_queries_are_asked_again():
    with ScriptedServer(answer_with(with_header(GOOD, body_size=1 << 63)), serve_well) as server:
        with server.client() as client:
            first, second = client.ask("IMAGE", "A"), client.ask("IMAGE", "B")
            events = step_until(client, lambda: second.is_done)
        assert isinstance(first.error, net.AnswerError)
        assert second.error is None
        (disconnected,) = [event for event in events if isinstance(event, net.Disconnected)]
        assert "is it an OpenIGTLink server?" in str(disconnected.error)
        assert server.connections == 2


def test_an_impossible_size_costs_no_memory():
    with (
        ScriptedServer(answer_with(with_header(GOOD, body_size=1 << 63)), serve_well) as server,
        server.client() as client,
    ):
        tracemalloc.start()
        try:
            with pytest.raises(net.AnswerError):
                client.get_image("A")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1 << 20


def test_an_image_of_two_gibibytes_that_is_announced_and_does_not_come_is_a_time_out():
    announced = with_header(GOOD, body_size=(2 << 30) - 1)
    with (
        ScriptedServer(answer_with(announced), serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.TimeOutError):
            client.get_image("A")
        assert_next_query_works(client)


def test_what_is_larger_than_the_limit_is_passed_over_and_the_error_names_the_setting():
    with (
        ScriptedServer(answer_with(GOOD)) as server,
        server.client(max_body_size=100_000) as client,
    ):
        with pytest.raises(net.AnswerError, match=r"the limit is 100000; allow larger images"):
            client.get_image("A")
        assert_next_query_works(client)
        assert server.connections == 1


def test_what_is_larger_than_the_limit_and_does_not_come_is_not_waited_for():
    announced = with_header(GOOD, body_size=3 << 30)
    with ScriptedServer(answer_with(announced), serve_well) as server, server.client() as client:
        large, other = client.ask("IMAGE", "A"), client.ask("IMAGE", "B")
        step_until(client, lambda: other.is_done)
        assert large.error.setting == "max_body_size"
        assert other.error is None
        assert server.connections == 2


# Silence


def test_a_server_that_says_nothing_is_given_up_after_the_time_out():
    def say_nothing(peer: Peer) -> None:
        peer.wait_until_closed()

    with (
        ScriptedServer(say_nothing, serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.TimeOutError) as caught:
            client.get_image("A")
        assert f"127.0.0.1:{server.port} did not answer in 0.3 s" in str(caught.value)
        assert "check that it is an OpenIGTLink server" in str(caught.value)
        assert_next_query_works(client)


def test_a_time_out_is_told_as_the_end_of_the_connection_and_the_next_query_makes_one():
    def say_nothing(peer: Peer) -> None:
        peer.wait_until_closed()

    with (
        ScriptedServer(say_nothing, serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        query = client.ask("IMAGE", "A")
        events = step_until(client, lambda: query.is_done)
        assert events == [net.Connected(), net.Disconnected(query.error), net.Finished(query)]
        assert isinstance(query.error, net.TimeOutError)
        assert client.socket is None
        assert_next_query_works(client)


def test_a_server_that_stands_still_in_the_middle_of_an_image_is_told_from_one_that_is_silent():
    def send_half(peer: Peer) -> None:
        peer.receive()
        peer.send(GOOD[: len(GOOD) // 2])
        peer.wait_until_closed()

    with (
        ScriptedServer(send_half, serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.TimeOutError) as caught:
            client.get_image("A")
        received, size = len(GOOD) // 2 - 58, len(GOOD) - 58  # of the body
        assert f"127.0.0.1:{server.port} sent nothing for 0.3 s" in str(caught.value)
        assert f"message IMAGE 'A', after {received} of {size} bytes" in str(caught.value)
        assert_next_query_works(client)


def test_a_time_out_tells_what_the_server_last_said():
    def complain_and_say_nothing(peer: Peer) -> None:
        peer.receive()
        peer.send(
            codec.StatusMessage(
                code=codec.StatusCode.BUSY, message="archive offline", device_name="Server"
            )
        )
        peer.wait_until_closed()

    with (
        ScriptedServer(complain_and_say_nothing) as server,
        server.client(answer_timeout=SHORT) as client,
        pytest.raises(net.RefusedError, match=r"archive offline .*status busy.*allow more time"),
    ):
        client.get_image("A")


def test_silence_in_the_middle_of_an_image_is_a_time_out():
    with (
        ScriptedServer(answer_with(GOOD[: len(GOOD) // 2]), serve_well) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.TimeOutError):
            client.get_image("A")
        assert_next_query_works(client)


@pytest.mark.parametrize(
    "chatter",
    [
        codec.StatusMessage(device_name="Server"),
        codec.UnknownMessage("TRANSFORM", np.eye(3, 4, dtype=">f4").tobytes(), device_name="Probe"),
        codec.UnknownMessage("VIDEO", bytes(200_000), device_name="Endoscope"),
    ],
    ids=["keep-alives", "tracking", "video"],
)
def test_a_server_that_never_stops_talking_of_other_things_is_a_time_out_too(
    chatter: codec.Message,
):
    data = codec.pack(chatter)

    def talk_of_other_things(peer: Peer) -> None:
        peer.receive()
        while not peer.pause(0.005):  # until the next query comes
            peer.send(data)
        serve_well(peer)

    with (
        ScriptedServer(talk_of_other_things) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        query = client.ask("IMAGE", "A")
        step_until(client, lambda: query.is_done)
        assert isinstance(query.error, net.TimeOutError)
        assert "although it sends other messages" in str(query.error)
        assert query.error.setting == "answer_timeout"
        # Only the query has failed: the connection stays.
        assert_next_query_works(client)
        assert server.connections == 1


def test_a_slow_image_is_no_time_out_as_long_as_it_arrives():
    def trickle(peer: Peer) -> None:
        peer.receive()
        for start in range(0, len(GOOD), len(GOOD) // 12):
            peer.pause(0.05)
            peer.send(GOOD[start : start + len(GOOD) // 12])
        peer.wait_until_closed()

    with ScriptedServer(trickle) as server, server.client(answer_timeout=SHORT) as client:
        assert client.get_image("A").pixels[0, 0, 0] == 7


def test_a_query_is_not_overdue_while_the_answers_before_it_come():
    def answer_slowly(peer: Peer) -> None:
        queries = [peer.receive() for _ in range(10)]
        for query in queries:
            peer.pause(0.06)
            image = make_image(7)
            image.device_name = query.device_name
            peer.send(image)
        peer.wait_until_closed()

    with ScriptedServer(answer_slowly) as server, server.client(answer_timeout=SHORT) as client:
        queries = [client.ask("IMAGE", str(number)) for number in range(10)]
        step_until(client, lambda: all(query.is_done for query in queries))
        assert [query.error for query in queries] == [None] * 10
        assert server.connections == 1


# The connection ends


def test_an_end_in_the_middle_of_an_image_says_how_far_it_came():
    def close_in_the_middle(peer: Peer) -> None:
        peer.receive()
        peer.send(GOOD[:100_000])

    with ScriptedServer(close_in_the_middle, serve_well) as server, server.client() as client:
        with pytest.raises(net.ConnectionLostError) as caught:
            client.get_image("A")
        words = str(caught.value)
        assert f"127.0.0.1:{server.port} closed the connection in the middle" in words
        assert "after 99942 of 163912 bytes; try again" in words
        assert_next_query_works(client)


def test_a_reset_is_said_in_words_without_the_number_that_python_puts_before_them():
    def reset(peer: Peer) -> None:
        peer.receive()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with ScriptedServer(reset, reset, serve_well) as server, server.client() as client:
        with pytest.raises(net.ConnectionLostError, match="dropped the connection") as caught:
            client.get_image("A")
        assert "Errno" not in str(caught.value)
        assert_next_query_works(client)


def test_an_end_before_the_answer_is_tried_once_more_and_then_reported():
    def close_at_once(peer: Peer) -> None:
        peer.receive()

    with (
        ScriptedServer(close_at_once, close_at_once, serve_well) as server,
        server.client() as client,
    ):
        with pytest.raises(net.ConnectionLostError, match="closed the connection"):
            client.get_image("A")
        assert server.connections == 2
        assert_next_query_works(client)


def test_an_end_without_reading_the_query_is_tried_once_more():
    def close_unread(peer: Peer) -> None:
        pass

    with ScriptedServer(close_unread, serve_well) as server, server.client() as client:
        assert_next_query_works(client)


def test_garbage_is_reported_and_does_not_stay():
    generator = np.random.default_rng(20)

    def send_garbage(peer: Peer) -> None:
        peer.receive()
        peer.send(generator.bytes(1000))
        peer.wait_until_closed()

    with ScriptedServer(send_garbage, serve_well) as server, server.client() as client:
        with pytest.raises(net.AnswerError, match="claims a body of"):
            client.get_image("A")
        assert_next_query_works(client)


def test_thousands_of_small_messages_before_the_answer_do_no_harm():
    status = codec.pack(codec.StatusMessage(device_name="Server"))

    def chatter(peer: Peer) -> None:
        peer.receive()
        peer.send(status * 20_000)
        peer.send(GOOD)
        peer.wait_until_closed()

    with ScriptedServer(chatter) as server, server.client() as client:
        assert client.get_image("A").pixels[0, 0, 0] == 7


def test_an_answer_in_single_bytes_is_read():
    data = codec.pack(make_image(7, device_name="A"))

    def send_single_bytes(peer: Peer) -> None:
        peer.receive()
        for byte in data:
            peer.send(bytes([byte]))
        peer.wait_until_closed()

    with ScriptedServer(send_single_bytes) as server, server.client() as client:
        assert client.get_image("A").pixels[0, 0, 0] == 7


def test_what_was_answered_before_the_end_is_not_lost():
    # The server closes while the client still sends queries.
    def answer_one(peer: Peer) -> None:
        query = peer.receive()
        image = make_image(7)
        image.device_name = query.device_name
        peer.send(image)

    with ScriptedServer(answer_one) as server, server.client() as client:
        queries = [client.ask("IMAGE", str(number)) for number in range(8)]
        step_until(client, lambda: all(query.is_done for query in queries))
        assert [query.error for query in queries] == [None] * 8


# Servers of other protocols


@pytest.mark.parametrize(
    ("beginning", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "is an SSH server, not an OpenIGTLink server"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is a web server, not"),
        (b"RFB 003.008\n", "is a VNC server, not"),
        (b"220 mail.example ESMTP\r\n", "is an FTP or mail server, not"),
        (bytes.fromhex("07000000000400000002"), "is a DICOM server, not"),
        (bytes.fromhex("15030300020246"), "speaks TLS only; connect with TLS"),
    ],
    ids=["SSH", "HTTP", "VNC", "SMTP", "DICOM", "TLS"],
)
def test_a_server_of_another_protocol_is_said_at_once(
    beginning: bytes, words: str, piece_size: int | None
):
    def serve(peer: Peer) -> None:
        peer.send(beginning)
        peer.wait_until_closed()

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        with pytest.raises(net.AnswerError) as caught:
            client.list_images()
        assert words in str(caught.value)
        assert server.connections == 1
