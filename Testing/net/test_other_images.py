"""A server sends something else than was asked for: never another image under the right name.

Each case is run with whole messages, and over a connection that delivers one byte at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from helpers.peers import PATIENCE, Peer, ScriptedServer, make_image, step_until
from helpers.scripts import listed, lists_and_answers, shade
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.image_notes import image_notes

SHORT = 0.5


def test_live_images_beside_the_answer_are_not_the_answer(piece_size: int | None):
    # PlusToolkit/PlusLib#586: the frames of an ultrasound scanner, of the listed size and type.
    frames = [make_image(100 + number, device_name="Image_Reference") for number in range(5)]

    def answer(image_id: str) -> list[codec.Message]:
        return [*frames[:3], make_image(7, device_name=image_id), *frames[3:]]

    script = lists_and_answers(answer, "CT1")
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        assert shade(client.get_image("CT1")) == 7
        assert server.connections == 1


def test_a_stream_alone_is_no_answer(piece_size: int | None):
    frames = [make_image(100 + number, device_name="Image_Reference") for number in range(5)]
    script = lists_and_answers(lambda _: list(frames), "CT1")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError) as caught:
            client.get_image("CT1")
    assert "instead came the image 'Image_Reference' of 4 × 3 × 2 voxels, uint16" in str(
        caught.value
    )
    assert caught.value.setting == "answer_timeout"


@pytest.mark.parametrize(
    "other",
    [
        make_image(9, (8, 8, 8), "SLD-002"),
        make_image(9, device_name="B"),
        codec.ImageMessage(make_image(9).pixels.astype("i2"), device_name="SLD-002"),
    ],
    ids=["another size", "another listed image", "another type"],
)
def test_another_image_is_no_answer(other: codec.ImageMessage, piece_size: int | None):
    # PlusToolkit/PlusLib#249: the exam changes between list and download.
    script = lists_and_answers(lambda _: [other], "A", "B")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError, match="instead came the image"):
            client.get_image("A")


def test_an_answer_under_the_servers_own_name_is_taken_if_it_is_as_listed(piece_size: int | None):
    script = lists_and_answers(lambda _: [make_image(7, device_name="PlusServer")], "A")
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        image = client.get_image("A")
    assert (image.device_name, shade(image)) == ("PlusServer", 7)


def test_a_server_that_answers_everything_with_the_same_image(piece_size: int | None):
    # Nobody can know that it is not the first one.
    script = lists_and_answers(lambda _: [make_image(7, device_name="PlusServer")], "A", "B")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        assert shade(client.get_image("A")) == 7
        with pytest.raises(net.TimeOutError, match="has come for another ID as well"):
            client.get_image("B")


def test_images_of_one_size_under_the_servers_own_name(piece_size: int | None):
    # StealthStation through Plus, scripts of pyigtl. The first one is asked for twice.
    shades, asked = {"A": 1, "B": 2, "C": 3}, []

    def answer(image_id: str) -> list[codec.Message]:
        asked.append(image_id)
        return [make_image(shades[image_id], device_name="PlusServer")]

    script = lists_and_answers(answer, *shades)
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        assert {id_: shade(client.get_image(id_)) for id_ in shades} == shades
        assert server.connections == 1
    assert asked == ["A", "A", "B", "C"]


def test_an_image_that_does_not_come_a_second_time_is_not_taken(piece_size: int | None):
    answers = iter([make_image(1, device_name="PlusServer"), codec.StatusMessage()])
    script = lists_and_answers(lambda _: [next(answers)], "A", "B")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError, match="only once, so it may be another one"):
            client.get_image("A")


def test_a_stream_slower_than_a_frame_in_a_second_is_no_answer(piece_size: int | None):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(listed("A"))
        peer.receive()
        for shade_ in (101, 102):
            peer.send(make_image(shade_, device_name="Live"))
            peer.be_silent(1.2)
        peer.wait_until_closed()

    with (
        ScriptedServer(serve, piece_size=piece_size) as server,
        server.client(answer_timeout=1.0) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError, match="instead came the image 'Live'"):
            client.get_image("A")


def late_by_one(answers: dict[str, codec.Message]) -> Callable[[Peer], None]:
    """Script: each connection gets the image that the one before has asked for, if there was one.

    Nothing at all comes on the first, as from a server that exports an exam.
    """
    asked: list[str] = []

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                peer.send(listed(A=(4, 3, 2), B=(4, 3, 3)))
                continue
            asked.append(query.device_name)
            for late in asked[:-1][-1:]:
                peer.send(answers[late])

    return serve


@pytest.mark.parametrize("slices", [2, 3], ids=["as listed", "the size that is listed for B"])
def test_a_late_image_on_the_next_connection_is_not_that_of_the_next_question(
    slices: int, piece_size: int | None
):
    # The list may be wrong, as StealthLink's is through Plus.
    answers = {id_: make_image(1, (4, 3, slices), device_name="PlusServer") for id_ in "AB"}
    with (
        ScriptedServer(late_by_one(answers), piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError, match="did not answer"):
            client.get_image("A")
        with pytest.raises(net.TimeOutError):
            client.get_image("B")
        assert server.connections == 2


def test_a_late_image_for_another_program_is_not_the_answer(piece_size: int | None):
    # Nothing has gone wrong before in this program; but the image could be A or B.
    late = [make_image(shade_, device_name="PlusServer") for shade_ in (1, 2)]
    script = lists_and_answers(lambda _: [late.pop(0)], "A", "B")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        with pytest.raises(net.AnswerError, match="sends another image each time"):
            client.get_image("B")


@pytest.mark.parametrize("name", ["A", "PlusServer"])
def test_a_cancelled_image_that_comes_twice_is_no_live_image(name: str, piece_size: int | None):
    is_cancelled = threading.Event()

    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(listed("A"))
        peer.receive()
        is_cancelled.wait(PATIENCE)
        answer = make_image(1, device_name=name)
        peer.send(answer, *[answer] * (name == "A"), codec.StringMessage(string="end"))
        peer.wait_until_closed()

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        client.list_images()
        query = client.ask("IMAGE", "A")
        step_until(client, lambda: client.is_connected)
        client.step()
        client.cancel(query)
        is_cancelled.set()
        events: list[net.ClientEvent] = []
        while not any(isinstance(event, net.Unsolicited) for event in events):
            client.wait_for_socket()
            events += client.step()
    (event,) = events
    assert isinstance(event.message, codec.StringMessage)


@pytest.mark.parametrize("has_own_name", [False, True], ids=["by id", "under its own name"])
def test_a_server_that_answers_the_question_before(has_own_name: bool, piece_size: int | None):
    shades, asked = {"A": 1, "B": 2, "C": 3}, []

    def answer(image_id: str) -> list[codec.Message]:
        asked.append(image_id)
        late = asked[:-1][-1:]
        keep_alive = codec.StatusMessage(device_name="Server")
        name = "PlusServer" if has_own_name else "".join(late)
        return [keep_alive, *(make_image(shades[id_], device_name=name) for id_ in late)]

    script = lists_and_answers(answer, *shades)
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        for image_id in shades:
            with pytest.raises(net.TimeOutError):
                client.get_image(image_id)
        assert server.connections == 1


def test_a_late_answer_is_not_that_of_the_next_question(piece_size: int | None):
    def serve(peer: Peer) -> None:
        assert peer.receive().device_name == "SLOW"
        peer.send(codec.StatusMessage(device_name="Server"))  # alive, but not ready
        assert peer.receive().device_name == "NEXT"
        peer.send(make_image(1, device_name="SLOW"), make_image(2, device_name="NEXT"))
        peer.wait_until_closed()

    with (
        ScriptedServer(serve, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        with pytest.raises(net.TimeOutError, match="did not send the image 'SLOW'"):
            client.get_image("SLOW")
        assert shade(client.get_image("NEXT")) == 2
        assert server.connections == 1


def test_a_list_that_changes_before_the_image_is_fetched(piece_size: int | None):
    # The id now stands for another image: the server says so by its size, and the user reads it.
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(listed("A"))
        peer.receive()
        peer.send(make_image(7, (5, 5, 5), "A"))
        peer.wait_until_closed()

    with ScriptedServer(serve, piece_size=piece_size) as server, server.client() as client:
        (entry,) = client.list_images()
        image = client.get_image("A")
    notes = image_notes("A", entry, image)
    assert notes == ("listed with 4 × 3 × 2 voxels, received with 5 × 5 × 5",)


def test_a_server_that_sends_another_size_each_time(piece_size: int | None):
    sizes = iter([(5, 3, 2), (4, 4, 2), (4, 3, 3)])
    script = lists_and_answers(lambda _: [make_image(7, next(sizes), "PlusServer")], "A", "B", "C")
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=SHORT) as client,
    ):
        client.list_images()
        for image_id in "ABC":
            with pytest.raises(net.TimeOutError):
                client.get_image(image_id)


def test_a_list_that_is_pushed_says_which_names_are_those_of_other_images(piece_size: int | None):
    def answer(_: str) -> list[codec.Message]:
        return [listed("A", "C"), make_image(9, device_name="C")]

    with (
        ScriptedServer(lists_and_answers(answer, "A"), piece_size=piece_size) as server,
        server.client(answer_timeout=2.0) as client,
    ):
        client.list_images()
        with pytest.raises(net.TimeOutError, match="instead came the image 'C'"):
            client.get_image("A")


@pytest.mark.parametrize(
    "frame",
    [
        b"".join((codec.pack(make_image(9, (8, 8, 8), "Live"))[:50], bytes(8), bytes(72 + 1024))),
        codec.pack(codec.UnknownMessage("IMAGE", device_name="Live")),
        codec.pack(make_image(9, (64, 64, 20), "Live")),
    ],
    ids=["without a checksum", "empty", "too large"],
)
def test_a_live_image_that_cannot_be_read_does_not_end_the_query(
    frame: bytes, piece_size: int | None
):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(listed("A"))
        peer.receive()
        peer.socket.sendall(frame)
        peer.send(make_image(7, device_name="A"))
        peer.wait_until_closed()

    with (
        ScriptedServer(serve, piece_size=piece_size) as server,
        server.client(max_body_size=100_000) as client,
    ):
        client.list_images()
        assert shade(client.get_image("A")) == 7


@pytest.mark.parametrize("is_renamed", [False, True], ids=["one name", "another name each time"])
def test_large_live_images_do_not_put_the_time_out_off(is_renamed: bool):
    # The first are above the limit and passed over, the others could be the answer by their size.
    size = (32, 32, 20) if is_renamed else (64, 64, 20)

    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(listed("A"))
        peer.receive()
        number = 0
        while not peer.pause(0.0):
            number += is_renamed
            frame = codec.pack(make_image(9, size, f"Live{number}"))
            for start in range(0, len(frame), 4096):
                peer.socket.sendall(frame[start : start + 4096])
                peer.pause(0.01)

    with (
        ScriptedServer(serve) as server,
        server.client(answer_timeout=SHORT, max_body_size=100_000) as client,
    ):
        client.list_images()
        query = client.ask("IMAGE", "A")
        step_until(client, lambda: query.is_done)
        assert isinstance(query.error, net.TimeOutError)
