"""Metadata come in header version 2, and a server that speaks only version 1 is never confused."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Callable

import pytest

from helpers.peers import (
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    step_until,
)
from helpers.version_servers import (
    ENTRY,
    METADATA,
    RawServer,
    speaks_1_only,
    speaks_2_always,
    speaks_as_asked,
    speaks_highest_seen,
    speaks_version_2,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import server_version


@pytest.mark.parametrize("piece_size", [None, 1], ids=["whole messages", "single bytes"])
@pytest.mark.parametrize("speaks", [speaks_highest_seen, speaks_as_asked, speaks_2_always])
def test_metadata_come_with_list_and_image(
    speaks: Callable[[int, int], int], piece_size: int | None
):
    script = RawServer(speaks, reads_bodies=True)
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        assert client.get_list().metadata == METADATA
        assert client.get_image("US1").metadata == METADATA
        assert speaks_version_2(client)
    assert script.asked[0] == (1, "GET_IMGMETA")
    assert server.connections == 1


def test_our_own_server_sends_what_its_source_knows():
    class Described(ImagesInMemory):
        def image(self, image_id: str) -> codec.ImageMessage:
            image = super().image(image_id)
            image.metadata = dict(METADATA)
            return image

    with ServerInThread(Described({"A": make_image(1)})) as server, server.client() as client:
        client.list_images()
        assert client.get_image("A").metadata == METADATA


def test_an_old_server_is_asked_without_bodies_and_stays_in_step():
    script = RawServer(speaks_1_only, reads_bodies=False)
    with ScriptedServer(script) as server, server.client() as client:
        for _ in range(3):
            assert [item.id for item in client.list_images()] == ["US1"]
            assert client.get_image("US1").pixels[0, 0, 0] == 7
        assert server.connections == 1
    # It was tried once, with a header alone.
    assert script.asked.count((2, "GET_STATUS")) == 1
    assert {question for question in script.asked if question[0] == 2} == {(2, "GET_STATUS")}


def test_what_was_found_out_is_remembered_for_the_next_connection():
    script = RawServer(speaks_1_only, reads_bodies=False)
    with ScriptedServer(script) as server:
        for _ in range(3):
            with server.client() as client:
                client.list_images()
    assert script.asked.count((2, "GET_STATUS")) == 1


def test_a_server_that_speaks_version_2_is_asked_so_from_the_first_query_on():
    script = RawServer(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server:
        with server.client() as client:
            client.list_images()
        before = len(script.asked)
        with server.client() as client:
            assert client.get_image("US1").metadata == METADATA
    assert script.asked[before:] == [(2, "GET_IMAGE")]


def test_a_question_in_version_2_has_a_body_that_the_cpp_library_unpacks():
    # It does not unpack one of 14 bytes or less, and PlusServer then reads nothing more.
    sizes = []

    def note_sizes(peer: Peer) -> None:
        while True:
            question = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
            sizes.append(question.body_size)
            peer.receive_bytes(question.body_size)
            peer.send(codec.ImageMetaMessage(header_version=2))

    with ScriptedServer(note_sizes) as server, server.client(header_version=2) as client:
        client.list_images()
    assert len(sizes) == 1
    assert sizes[0] > 14


def close(_: Peer, _question: codec.Header) -> None:
    raise EOFError


def send_wrong_sizes(peer: Peer, question: codec.Header) -> None:
    image = codec.pack(make_image(7, device_name=question.device_name))
    body = struct.pack(">HHII", 12, 4000, 9000, 0) + image[58:]
    fields = (2, "IMAGE", question.device_name, codec.Timestamp(0), len(body), codec.crc64(body))
    peer.send(codec.Header(*fields).pack() + body)


def say_nothing(_peer: Peer, _question: codec.Header) -> None:
    pass


def keep_alive(peer: Peer, _question: codec.Header) -> None:
    peer.send(codec.StatusMessage(header_version=2))


@pytest.mark.parametrize("answer_to_2", [close, send_wrong_sizes, say_nothing, keep_alive])
def test_images_come_in_version_1_from_a_server_that_speaks_version_2_for_its_list_only(
    answer_to_2: Callable[[Peer, codec.Header], None], piece_size: int | None
):
    class HalfServer(RawServer):
        def answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMAGE"):
                answer_to_2(peer, question)
            else:
                super().answer(peer, question)

    script = HalfServer(speaks_as_asked, reads_bodies=True)
    with (
        ScriptedServer(script, piece_size=piece_size) as server,
        server.client(answer_timeout=0.5) as client,
    ):
        assert client.get_list().metadata == METADATA
        for _ in range(2):
            assert client.get_image("US1").pixels[0, 0, 0] == 7
        assert client.get_list().metadata == METADATA
    assert script.asked[-4:] == [
        (2, "GET_IMAGE"),
        (1, "GET_IMAGE"),
        (1, "GET_IMAGE"),  # that is remembered
        (2, "GET_IMGMETA"),
    ]


def test_an_image_that_a_server_of_version_2_does_not_send_is_one_time_out():
    # It has sent others: so it has understood the question.
    class Partial(RawServer):
        def answer(self, peer: Peer, question: codec.Header) -> None:
            if question.device_name != "MISSING":
                super().answer(peer, question)

    script = Partial(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server, server.client(answer_timeout=0.5) as client:
        client.list_images()
        client.get_image("US1")
        with pytest.raises(net.TimeOutError):
            client.get_image("MISSING")
        assert client.get_image("US1").metadata == METADATA
    assert (1, "GET_IMAGE") not in script.asked


@pytest.mark.parametrize("part", [30, 100, 200], ids=["header", "extended header", "items"])
def test_a_list_of_version_2_that_stops_in_the_middle_is_not_waited_for(part: int):
    class Stopping(RawServer):
        def answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMGMETA"):
                whole = codec.ImageMetaMessage(items=[ENTRY], header_version=2, metadata=METADATA)
                peer.send(codec.pack(whole)[:part])
                peer.wait_until_closed()
                raise EOFError
            super().answer(peer, question)

    script = Stopping(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server, server.client() as client:
        assert [item.id for item in client.list_images()] == ["US1"]
        assert client.get_image("US1").pixels[0, 0, 0] == 7
        assert [item.id for item in client.list_images()] == ["US1"]
        assert server.connections == 2


@pytest.mark.parametrize("is_known", [False, True], ids=["first connection", "speaks version 2"])
def test_a_list_without_images_in_version_2_only_is_not_believed(
    is_known: bool, piece_size: int | None
):
    class Empty(RawServer):
        def answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMGMETA"):
                peer.send(codec.ImageMetaMessage(header_version=2))
            else:
                super().answer(peer, question)

    script = Empty(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        server_version("127.0.0.1", server.port).speaks_2 = is_known or None
        for _ in range(2):
            assert [item.id for item in client.list_images()] == ["US1"]
        assert client.get_image("US1").metadata == METADATA
    assert script.asked.count((2, "GET_IMGMETA")) == 1


class LinesInVersion1(RawServer):
    """Its lists in version 2 have no items, but those of images."""

    def answer(self, peer: Peer, question: codec.Header) -> None:
        data_type = question.type_name.removeprefix("GET_")
        if data_type not in ("LBMETA", "POINT", "TRAJ"):
            super().answer(peer, question)
            return
        message, item = {
            "LBMETA": (codec.LabelMetaMessage, codec.LabelMetaItem),
            "POINT": (codec.PointMessage, codec.PointItem),
            "TRAJ": (codec.TrajectoryMessage, codec.TrajectoryItem),
        }[data_type]
        items = [item(name="A")] if question.version == 1 else []
        peer.send(message(items=items, header_version=question.version))


@pytest.mark.parametrize("data_type", ["TRAJ", "POINT", "LBMETA"])
@pytest.mark.parametrize("is_listed", [False, True], ids=["before the images", "after them"])
def test_nor_is_one_without_trajectories_points_or_label_maps(data_type: str, is_listed: bool):
    """A plan that has vanished without a word is taken for one that was cleared."""
    script = LinesInVersion1(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server, server.client() as client:
        if is_listed:
            client.list_images()
            assert speaks_version_2(client)
        for _ in range(2):
            query = client.ask(data_type)
            step_until(client, lambda query=query: query.is_done)
            assert query.error is None
            assert [item.name for item in query.answer.items] == ["A"]


def test_a_server_without_images_is_believed_in_both_versions():
    with ServerInThread(ImagesInMemory()) as server, server.client() as client:
        server_version("127.0.0.1", server.port).speaks_2 = True
        assert list(client.list_images()) == []


def test_whoever_asks_for_an_image_behind_the_list_has_the_list_first():
    script = RawServer(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server, server.client() as client:
        queries = [client.ask("IMGMETA"), client.ask("IMAGE", "US1")]
        events = step_until(client, lambda: all(query.is_done for query in queries))
        finished = [event.query for event in events if isinstance(event, net.Finished)]
        assert finished == queries
        # The version was tried all the same.
        step_until(client, lambda: speaks_version_2(client))


def test_an_image_behind_the_list_is_not_kept_by_the_connection():
    script = RawServer(speaks_1_only, reads_bodies=False)
    with ScriptedServer(script) as server, server.client() as client:
        queries = [client.ask("IMGMETA"), client.ask("IMAGE", "US1")]
        step_until(client, lambda: all(query.is_done for query in queries))
        image = weakref.ref(queries.pop().answer)
        gc.collect()
        assert image() is None


def test_the_version_can_be_chosen():
    script = RawServer(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script) as server, server.client(header_version=1) as client:
        client.list_images()
        client.get_image("US1")
    assert script.asked == [(1, "GET_IMGMETA"), (1, "GET_IMAGE")]


# Names that are longer than the fields


def test_long_names_come_whole_from_our_own_server():
    long = "Schädel nativ, Rekonstruktion " * 5 + "slice 3 of 7"

    class LongNames(ImagesInMemory):
        def images(self) -> list[codec.ImageMetaItem]:
            return [
                codec.ImageMetaItem(name=long, id="A", patient_name="Müller-" * 20),
                codec.ImageMetaItem(name="short", id="B"),
            ]

    with ServerInThread(LongNames()) as server, server.client() as client:
        first, second = client.list_images()
        assert (first.name, first.patient_name) == (long, "Müller-" * 20)
        assert second.name == "short"
        with Peer.connect(server.port) as stranger:
            stranger.send(codec.GetMessage("IMGMETA", header_version=2))
            answer = stranger.receive()
        # The C++ library would read items from metadata of a list.
        assert answer.metadata == {}
        assert (
            answer.items[0].name == "Schädel nativ, Rekonstruktion Schädel...truktion slice 3 of 7"
        )


def test_a_server_that_has_trajectories_in_version_1_only_is_waited_for_once():
    """Its keep-alives are of version 2: so it speaks that, and may have more to say in it."""
    asked: list[tuple[int, str]] = []
    planned = codec.TrajectoryItem(name="Lead", entry=(1.0, 2.0, 3.0), target=(4.0, 5.0, 6.0))

    def answer(peer: Peer) -> None:
        while True:
            question = peer.receive()
            asked.append((question.header_version, question.type_name))
            peer.send(codec.StatusMessage(header_version=2, device_name="Tracker"))
            if asked[-1] == (1, "GET_TRAJ"):
                peer.send(codec.TrajectoryMessage([planned]))

    with ScriptedServer(answer) as server, server.client(answer_timeout=0.2) as client:
        for _ in range(3):
            assert [item.name for item in client.get_trajectories()] == ["Lead"]
        assert server.connections == 1
    assert asked.count((2, "GET_TRAJ")) == 1


def test_trajectories_that_claim_to_be_left_out_are_taken_as_they_are():
    """Nobody has asked to leave them out; a server can say so all the same."""
    planned = codec.TrajectoryItem(name="Lead", entry=(1.0, 2.0, 3.0), target=(4.0, 5.0, 6.0))

    def answer(peer: Peer) -> None:
        while True:
            question = peer.receive()
            if question.type_name == "GET_TRAJ":
                version = question.header_version
                metadata = {"Items": "left out"} if version == 2 else {}
                peer.send(
                    codec.TrajectoryMessage([planned], header_version=version, metadata=metadata)
                )
            elif question.type_name == "GET_STATUS":
                peer.send(codec.StatusMessage(header_version=2))

    with ScriptedServer(answer) as server, server.client() as client:
        assert [item.name for item in client.get_trajectories()] == ["Lead"]


def test_the_client_says_who_it_is_only_by_its_name():
    questions = []

    def note_metadata(peer: Peer) -> None:
        questions.append(peer.receive())
        peer.send(codec.ImageMetaMessage(header_version=2))

    with ScriptedServer(note_metadata) as server, server.client(header_version=2) as client:
        client.list_images()
    assert questions[0].metadata == {"Client": "IGTLMetaBrowser"}
    assert isinstance(questions[0], codec.GetMessage)
