"""A server sends no image: no data, refusals, reports, or nothing for long.

Each case is run with whole messages, and over a connection that delivers one byte at a time.
"""

from __future__ import annotations

import threading

import pytest

from helpers.peers import Peer, ScriptedServer, make_image, step_until
from helpers.scripts import SIZE, listed, lists_and_answers, shade
from IGTLMetaBrowserLib import codec, net

SHORT = 0.5


# No data, refusals and reports


@pytest.mark.parametrize("header_version", [1, 2])
def test_an_empty_answer_says_that_there_is_no_data(header_version: int, piece_size: int | None):
    empty = codec.UnknownMessage("IMAGE", device_name="A", header_version=header_version)
    script = lists_and_answers(lambda _: [empty], "A")
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        with pytest.raises(net.RefusedError) as caught:
            client.get_image("A")
    assert str(caught.value) == "the server has no data for the image 'A': its answer is empty"


def test_so_does_an_image_without_voxels_under_another_name(piece_size: int | None):
    """As of one whose size is not known yet: that is what its entry says, too."""
    empty = make_image(1, (0, 0, 0), "Scanner")
    script = lists_and_answers(lambda _: [empty], A=(0, 0, 0))
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        with pytest.raises(net.RefusedError, match="no data for the image 'A'"):
            client.get_image("A")


@pytest.mark.parametrize(
    "report",
    [
        codec.StatusMessage(),
        codec.StatusMessage(code=0, header_version=2),
        codec.StatusMessage(code=0x55F3, header_version=2),
        codec.StatusMessage(code=13, message="reference not visible", device_name="Tracker"),
        codec.StatusMessage(code=13, message="reference not visible"),
        codec.StatusMessage(code=4, message="no tool"),
    ],
    ids=["keep-alive", "code 0", "code that nobody set", "of a device", "not ready", "not found"],
)
def test_a_report_before_the_list_is_no_refusal(
    report: codec.StatusMessage, piece_size: int | None
):
    def serve(peer: Peer) -> None:
        while True:
            peer.receive()
            peer.send(report, listed("A"))

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        assert [item.id for item in client.list_images()] == ["A"]


def test_a_report_after_which_nothing_comes_explains_why(piece_size: int | None):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(codec.StatusMessage(code=codec.StatusCode.BUSY, message="archive offline"))
        peer.wait_until_closed()

    with (
        ScriptedServer(serve, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.RefusedError) as caught:
            client.list_images()
        assert client.is_connected
    assert "the list of images: archive offline (status busy)" in str(caught.value)


@pytest.mark.parametrize("data_type", ["IMGMETA", "IMAGE", "TRAJ"])
def test_rts_command_refuses_in_its_words_at_once(data_type: str, piece_size: int | None):
    # PlusToolkit/PlusLib#249: so PlusServer answers a GET_IMGMETA, too.
    def serve(peer: Peer) -> None:
        peer.receive()
        metadata = {"Status": "FAIL", "Error": "DeviceId cannot contain a dash."}
        peer.send(codec.RTSCommandMessage(name="GetImageMetaData", metadata=metadata))
        peer.wait_until_closed()

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        query = client.ask(data_type)
        step_until(client, lambda: query.is_done)
    assert isinstance(query.error, net.RefusedError)
    assert str(query.error).endswith(": DeviceId cannot contain a dash.")


def test_a_missing_checksum_is_named_and_can_be_accepted(piece_size: int | None):
    data = bytearray(codec.pack(make_image(7, device_name="A")))
    data[50:58] = bytes(8)

    def serve(peer: Peer) -> None:
        while True:
            peer.receive()
            peer.send(bytes(data))

    with ScriptedServer(serve, piece_size=piece_size) as server:
        with server.client() as client, pytest.raises(net.AnswerError) as caught:
            client.get_image("A")
        assert "came without a checksum" in str(caught.value)
        assert caught.value.setting == "accept_missing_checksum"
        with server.client(accept_missing_checksum=True) as client:
            assert shade(client.get_image("A")) == 7


# A server that needs long


def test_a_server_that_prepares_an_image_shows_that_it_is_alive(piece_size: int | None):
    is_seen = threading.Event()

    def serve(peer: Peer) -> None:
        peer.receive()
        while not is_seen.is_set():
            peer.pause(0.02)
            peer.send(codec.TransformMessage(device_name="StylusToTracker"))
        peer.send(make_image(7, device_name="A"))
        peer.wait_until_closed()

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        query = client.ask("IMAGE", "A")
        assert client.seconds_preparing(query) is None
        step_until(client, lambda: (client.seconds_preparing(query) or 0) > 0.1)
        is_seen.set()
        step_until(client, lambda: query.is_done)
        assert client.seconds_preparing(query) is None
        assert shade(query.answer) == 7


def test_a_query_that_is_passed_over_ends_although_others_are_answered():
    """As of servers that say nothing of an ID which they do not know."""

    def script(peer: Peer) -> None:
        while True:
            if peer.receive().type_name == "GET_TRAJ":
                peer.pause(0.09)
                peer.send(codec.TrajectoryMessage())

    with ScriptedServer(script) as server, server.client(answer_timeout=0.5) as client:
        image = client.ask("IMAGE", "unknown")
        for _ in range(30):
            client.get_trajectories()
            if image.is_done:
                break
        assert isinstance(image.error, net.TimeOutError)


def test_a_server_that_is_silent_does_not_prepare_anything():
    def serve(peer: Peer) -> None:
        peer.wait_until_closed()

    with ScriptedServer(serve) as server, server.client(answer_timeout=SHORT) as client:
        query = client.ask("IMAGE", "A")
        told = set()
        while not query.is_done:
            client.wait_for_socket()
            client.step()
            told.add(client.seconds_preparing(query))
        assert told == {None}


def test_an_image_of_more_bytes_than_allowed_names_the_setting():
    large = make_image(7, (64, 64, 20), "A")

    def serve(peer: Peer) -> None:
        while True:
            name = peer.receive().device_name
            peer.send(large if name == "A" else make_image(8, SIZE, name))

    with ScriptedServer(serve) as server:
        with server.client(max_body_size=100_000) as client:
            with pytest.raises(net.AnswerError, match="allow larger images") as caught:
                client.get_image("A")
            assert caught.value.setting == "max_body_size"
            assert shade(client.get_image("B")) == 8
            assert server.connections == 1
        with server.client(max_body_size=200_000) as client:
            assert shade(client.get_image("A")) == 7
