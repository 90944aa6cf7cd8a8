"""Images of the right ID that are not as listed, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from helpers.hospital import of_type, parents, step_until, step_until_event, voxels
from helpers.peers import ITEM, Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageLoaded, Listed
from IGTLMetaBrowserLib.net.client.header_versions import server_version

Size = tuple[int, int, int]
OTHER, THIRD = (5, 5, 5), (2, 2, 2)


def answering(lists: list[codec.ImageMetaItem], sizes: list[Size]) -> Callable[[Peer], None]:
    """Script: one list after the other, the last for good; and images of one size after another."""
    following = iter(sizes)

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMAGE":
                peer.send(make_image(7, next(following), query.device_name))
            elif query.type_name == "GET_IMGMETA":
                item = lists.pop(0) if len(lists) > 1 else lists[0]
                peer.send(codec.ImageMetaMessage(items=[item]))

    return serve


@pytest.fixture(params=[None, 1], ids=["whole messages", "single bytes"])
def piece_size(request: pytest.FixtureRequest) -> int | None:
    return request.param


def test_a_list_that_has_changed_is_read_again(
    unconnected: Browser, events: list, piece_size: int | None
):
    # The volume is called as the new list says: by the old one it could be another patient.
    script = answering([ITEM, replace(ITEM, name="Other head", size=OTHER)], [OTHER, OTHER])
    with ScriptedServer(script, piece_size=piece_size) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        assert unconnected.load_image("MR").GetName() == "Other head"
        assert of_type(events, ImageLoaded)[0].notes == ()
        unconnected.disconnect()


@pytest.mark.parametrize("is_read_again", [True, False], ids=["restarted", "always wrong"])
def test_an_image_that_says_it_is_of_another_patient(
    unconnected: Browser, events: list, is_read_again: bool
):
    """As of a server that numbers its images, and was started again for the next patient."""
    listed = replace(ITEM, size=OTHER, patient_id="1", patient_name="Smith")
    next_one = replace(listed, patient_id="2", patient_name="Jones", name="Head of Jones")
    lists = [listed, next_one if is_read_again else listed]

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMAGE":
                image = make_image(7, OTHER, query.device_name)
                peer.send(replace(image, header_version=2, metadata={"PatientID": "2"}))
            elif query.type_name == "GET_IMGMETA":
                item = lists.pop(0) if len(lists) > 1 else lists[0]
                peer.send(codec.ImageMetaMessage(items=[item], header_version=2))

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        node = unconnected.load_image("MR")
        (loaded,) = of_type(events, ImageLoaded)
        if is_read_again:
            assert node.GetName() == "Head of Jones"
        assert ("of another patient" in "".join(loaded.notes)) is not is_read_again
        # Not the name of one patient with the ID of the other.
        assert parents(node) == ["Jones" if is_read_again else "2"]
        unconnected.disconnect()


def test_a_server_that_sends_another_size_each_time(unconnected: Browser, piece_size: int | None):
    script = answering([ITEM], [OTHER, THIRD])
    with ScriptedServer(script, piece_size=piece_size) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        with pytest.raises(net.AnswerError, match="sends another image each time"):
            unconnected.load_image("MR")
        assert unconnected.images.node("MR") is None
        unconnected.disconnect()


@pytest.mark.parametrize("is_late", [False, True], ids=["in step", "late by one"])
def test_images_of_one_size_under_the_servers_own_name(unconnected: Browser, is_late: bool):
    shades, asked = {"MR": 1, "CT": 2}, ["CT"] * is_late

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMGMETA":
                items = [replace(ITEM, id=image_id) for image_id in shades]
                peer.send(codec.ImageMetaMessage(items=items))
            elif query.type_name == "GET_IMAGE":
                asked.append(query.device_name)
                peer.send(make_image(shades[asked.pop(0)], ITEM.size, "PlusServer"))

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        for image_id, shade in shades.items():
            if is_late:
                with pytest.raises(net.AnswerError, match="sends another image each time"):
                    unconnected.load_image(image_id)
                assert unconnected.images.node(image_id) is None
            else:
                darkest, _ = unconnected.load_image(image_id).GetImageData().GetScalarRange()
                assert darkest == shade
        unconnected.disconnect()


def test_a_list_that_is_always_wrong_is_said(
    unconnected: Browser, events: list, piece_size: int | None
):
    # As that of the reference ImageDatabaseServer. After that it is not believed any more.
    script = answering([ITEM], [OTHER, OTHER, THIRD])
    with ScriptedServer(script, piece_size=piece_size) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.list_images()
        for _ in range(2):
            unconnected.load_image("MR")
        assert [event.notes for event in of_type(events, ImageLoaded)] == [
            ("listed with 4 × 3 × 2 voxels, received with 5 × 5 × 5",),
            ("listed with 4 × 3 × 2 voxels, received with 2 × 2 × 2",),
        ]
        unconnected.disconnect()


def test_the_error_of_a_limit_names_the_place_in_the_window(unconnected: Browser):
    def serve(peer: Peer) -> None:
        peer.receive()
        peer.send(codec.ImageMetaMessage(items=[ITEM]))
        peer.receive()
        peer.send(codec.StatusMessage())
        peer.wait_until_closed()

    with ScriptedServer(serve) as server:
        server.only_silence_counts()
        unconnected.connect("127.0.0.1", server.port, answer_timeout=0.5)
        unconnected.list_images()
        with pytest.raises(net.TimeOutError):
            unconnected.load_image("MR")
        reason = unconnected.images.states.of("MR").reason
        assert reason.endswith("if it needs longer, allow more time (Advanced: Answer time-out)")
        assert "--timeout" not in reason
        unconnected.disconnect()


def numbering(patient: str, shade: int, leaves: str = "", name: str = "") -> Callable[[Peer], None]:
    """Script: a server whose only image has the number 0, whoever the patient is.

    It leaves after its list, or instead of the image, when it is started again. With ``name``, its
    image says whose it is.
    """
    metadata = {"PatientID": patient} if name else {}
    item = replace(
        ITEM,
        id="0",
        name=name or f"Head of {patient}",
        patient_id=patient,
        patient_name=patient,
        size=OTHER,
    )

    def serve(peer: Peer) -> None:
        while True:
            query = peer.receive()
            if query.type_name == "GET_IMAGE":
                if leaves == "image":
                    return
                image = make_image(shade, OTHER, query.device_name)
                peer.send(replace(image, header_version=2, metadata=metadata))
                if leaves == "every image":
                    return
            elif query.type_name == "GET_IMGMETA":
                peer.send(codec.ImageMetaMessage(items=[item]))
                if leaves == "list":
                    return

    return serve


@pytest.mark.parametrize("leaves", ["list", "image"])
def test_a_server_that_is_started_again_for_the_next_patient(unconnected: Browser, leaves: str):
    """At once, so that its list is young: its image has the ID, size and type of that of before."""
    with ScriptedServer(numbering("Smith", 1, leaves), numbering("Jones", 50)) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        node = unconnected.load_image("0")
        assert voxels(node)[0] == 50
        assert (node.GetName(), parents(node)) == ("Head of Jones", ["Jones"])
        unconnected.disconnect()


@pytest.mark.parametrize("speaks_2", [False, None], ids=["list at once", "list kept back"])
def test_a_live_image_of_a_server_that_is_started_again(
    unconnected: Browser, speaks_2: bool | None
):
    """It comes before the list that says whose it is; the next one is shown."""

    def streaming(peer: Peer) -> None:
        peer.send(make_image(50, OTHER, "0"))
        with_list = numbering("Jones", 51)
        with_list(Pushing(peer))

    class Pushing:
        """Sends an image behind the first list."""

        def __init__(self, peer: Peer) -> None:
            self.receive, self._peer = peer.receive, peer
            self._images = [make_image(51, OTHER, "0")]

        def send(self, *messages: codec.Message) -> None:
            self._peer.send(*messages, *self._images)
            self._images.clear()

    with ScriptedServer(numbering("Smith", 1, "list"), streaming) as server:
        server_version("127.0.0.1", server.port).speaks_2 = speaks_2
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        step_until(unconnected, lambda: unconnected.images.node("0") is not None, "the image")
        node = unconnected.images.node("0")
        assert (voxels(node)[0], node.GetName(), parents(node)) == (51, "Head of Jones", ["Jones"])
        unconnected.disconnect()


@pytest.mark.parametrize(("patient", "shades"), [("Smith", [50, 51, 52]), ("Jones", [])])
def test_an_image_that_is_sent_once_over_a_new_connection_is_shown_if_the_list_stays_the_same(
    unconnected: Browser, events: list, patient: str, shades: list[int]
):
    """It came before the list: if that says something else, it may be of either patient."""

    def pushing(peer: Peer) -> None:
        peer.send(make_image(50, OTHER, "0"))
        numbering(patient, 1)(peer)

    with ScriptedServer(numbering("Smith", 1, "list"), pushing) as server:
        server_version("127.0.0.1", server.port).speaks_2 = False
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        step_until_event(unconnected, events, Listed, 2)
        node = unconnected.images.node("0")
        assert (voxels(node) if node is not None else [])[:3] == shades
        unconnected.disconnect()


def test_a_server_that_is_started_again_with_other_images_of_the_patient(unconnected: Browser):
    """They say that they are of the same patient; what they show, only the list says."""
    before, after = numbering("Smith", 1, "list", "CT"), numbering("Smith", 50, name="MR")
    with ScriptedServer(before, after) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        node = unconnected.load_image("0")
        assert (voxels(node)[0], node.GetName()) == (50, "MR")
        unconnected.disconnect()


def test_a_server_that_hangs_up_after_each_image_sends_each_once(unconnected: Browser):
    asked: list[str] = []

    def serve(peer: Peer) -> None:
        numbering("Smith", 1, "every image")(Counting(peer))

    class Counting:
        def __init__(self, peer: Peer) -> None:
            self.send, self._peer = peer.send, peer

        def receive(self) -> codec.Message:
            query = self._peer.receive()
            asked.append(query.type_name)
            return query

    with ScriptedServer(serve) as server:
        unconnected.connect("127.0.0.1", server.port, reconnect_delays=(0.01,))
        unconnected.list_images()
        for _ in range(3):
            assert unconnected.load_image("0").GetName() == "Head of Smith"
        unconnected.disconnect()
    assert asked.count("GET_IMAGE") == 3
