"""Metadata come in header version 2, and a server that speaks only version 1 is never confused."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Callable
from contextlib import suppress

import pytest

from helpers.peers import (
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
    step_until,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import server_version

METADATA = {"micronsPerPixel": "198", "StudyDescription": "Abdomen"}
ENTRY = codec.ImageMetaItem(id="US1", size=(4, 3, 2), scalar_type=codec.ScalarType.UINT16)


class RawServer:
    """Script: answers lists and images, and notes version and type of all it is asked.

    ``version_of_answer`` returns the version for an answer, of the version of the question and the
    highest that was seen. A version-1 server reads headers alone, as old ones do.
    """

    def __init__(self, version_of_answer: Callable[[int, int], int], reads_bodies: bool) -> None:
        self.asked: list[tuple[int, str]] = []
        self._version_of_answer = version_of_answer
        self._reads_bodies = reads_bodies
        self._highest = 1

    def __call__(self, peer: Peer) -> None:
        while True:
            question = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
            if self._reads_bodies and question.body_size:
                peer.receive_bytes(question.body_size)
            self.asked.append((question.version, question.type_name))
            self._highest = max(self._highest, question.version)
            self._answer(peer, question)

    def _answer(self, peer: Peer, question: codec.Header) -> None:
        version = self._version_of_answer(question.version, self._highest)
        fields = {"header_version": version, "metadata": METADATA if version == 2 else {}}
        if question.type_name == "GET_IMGMETA":
            peer.send(codec.ImageMetaMessage(items=[ENTRY], **fields))
        elif question.type_name == "GET_IMAGE":
            image = make_image(7, device_name=question.device_name)
            image.header_version, image.metadata = version, fields["metadata"]
            peer.send(image)
        elif question.type_name == "GET_STATUS" and version == 2:
            peer.send(codec.StatusMessage(header_version=2))


def speaks_version_2(client: net.Client) -> bool:
    """Whether it is known of the client's server."""
    return bool(server_version(client.host, client.port).speaks_2)


def speaks_highest_seen(_asked: int, highest: int) -> int:
    return highest


def speaks_as_asked(asked: int, _highest: int) -> int:
    return asked


def speaks_2_always(_asked: int, _highest: int) -> int:
    return 2


def speaks_1_only(_asked: int, _highest: int) -> int:
    return 1


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


def test_a_server_that_was_replaced_by_an_old_one_is_asked_in_version_1_after_the_time_out():
    def old(peer: Peer) -> None:
        # Out of step from the first body on, which it does not read: it answers nothing any more.
        script = RawServer(speaks_1_only, reads_bodies=False)
        header = codec.Header.unpack(peer.receive_bytes(codec.HEADER_SIZE))
        if header.version == 2:
            peer.wait_until_closed()
        else:
            script._answer(peer, header)
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
            script._answer(peer, question)

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
        script._answer(peer, header)
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
            script._answer(peer, question)
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
        def _answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMAGE"):
                answer_to_2(peer, question)
            else:
                super()._answer(peer, question)

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
        def _answer(self, peer: Peer, question: codec.Header) -> None:
            if question.device_name != "MISSING":
                super()._answer(peer, question)

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
        def _answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMGMETA"):
                whole = codec.ImageMetaMessage(items=[ENTRY], header_version=2, metadata=METADATA)
                peer.send(codec.pack(whole)[:part])
                peer.wait_until_closed()
                raise EOFError
            super()._answer(peer, question)

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
        def _answer(self, peer: Peer, question: codec.Header) -> None:
            if (question.version, question.type_name) == (2, "GET_IMGMETA"):
                peer.send(codec.ImageMetaMessage(header_version=2))
            else:
                super()._answer(peer, question)

    script = Empty(speaks_as_asked, reads_bodies=True)
    with ScriptedServer(script, piece_size=piece_size) as server, server.client() as client:
        server_version("127.0.0.1", server.port).speaks_2 = is_known or None
        for _ in range(2):
            assert [item.id for item in client.list_images()] == ["US1"]
        assert client.get_image("US1").metadata == METADATA
    assert script.asked.count((2, "GET_IMGMETA")) == 1


class LinesInVersion1(RawServer):
    """Its lists in version 2 have no items, but those of images."""

    def _answer(self, peer: Peer, question: codec.Header) -> None:
        data_type = question.type_name.removeprefix("GET_")
        if data_type not in ("LBMETA", "POINT", "TRAJ"):
            super()._answer(peer, question)
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
