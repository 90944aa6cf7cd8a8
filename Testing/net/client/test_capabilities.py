"""Who is asked for CAPABILITY, how often, and that everybody else notices nothing."""

from __future__ import annotations

import pytest

from helpers.peers import Peer, ScriptedServer, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.client.header_versions import known_servers, server_version

NAME = {"Server": "Other"}


@pytest.fixture(autouse=True)
def nothing_known() -> None:
    """Know nothing of a server that had the same port in another test."""
    known_servers.clear()


class Recorded:
    """A server that answers lists, and GET_CAPABIL with ``answers``; ``asked`` is what it heard."""

    def __init__(self, version: int, metadata: dict[str, str], *answers: codec.Message) -> None:
        self.asked: list[codec.Message] = []
        self._list = codec.ImageMetaMessage(
            [codec.ImageMetaItem("A", "A")], header_version=version, metadata=metadata
        )
        self._answers = answers

    def __call__(self, peer: Peer) -> None:
        while True:
            try:
                message = peer.receive()
            except EOFError:
                return
            self.asked.append(message)
            if message.full_data_type == "IMGMETA":
                peer.send(self._list)
            elif message.full_data_type == "CAPABILITY":
                peer.send(*self._answers)

    @property
    def questions(self) -> list[codec.Message]:
        """What it was asked beside lists."""
        return [message for message in self.asked if message.full_data_type != "IMGMETA"]


def events_of_three_lists(script: Recorded, **options: object) -> list[net.ClientEvent]:
    events: list[net.ClientEvent] = []
    with ScriptedServer(script) as server, server.client(**options) as client:
        for _ in range(3):
            query = client.ask("IMGMETA")
            while not query.is_done:
                client.wait_for_socket()
                events += client.step()
        client.find_capability()
        events += client.step()
    return [event for event in events if not isinstance(event, net.Connected | net.Finished)]


def test_another_server_in_the_place_of_one_that_said_who_it_is_is_not_asked():
    """As on this computer, where one is ended and another begins to listen."""
    script = Recorded(2, {"Series": "A"})
    with ScriptedServer(script) as server:
        known = server_version("127.0.0.1", server.port)
        known.has_name = True
        with server.client() as client:
            client.list_images()
            client.find_capability()
        assert not known.has_name
    assert script.questions == []


def test_a_server_that_says_who_it_is_is_asked_once_in_version_1_without_a_body():
    script = Recorded(2, NAME, codec.CapabilityMessage(["IMGPART", "GET_IMGPART"]))
    (event,) = events_of_three_lists(script)
    assert event == net.CapabilityKnown(frozenset(["IMGPART", "GET_IMGPART"]))
    (question,) = script.questions
    assert (question.type_name, question.header_version) == ("GET_CAPABIL", 1)
    assert (question.content, question.device_name) == (b"", "")


@pytest.mark.parametrize(
    ("version", "metadata", "options"),
    [(1, {}, {}), (2, {}, {}), (2, {"Other": "entry"}, {}), (2, NAME, {"header_version": 1})],
    ids=["of version 1", "without metadata", "without its name", "if the user wants version 1"],
)
def test_no_other_server_notices_anything(version: int, metadata: dict, options: dict):
    script = Recorded(version, metadata)
    assert events_of_three_lists(script, **options) == []
    assert script.questions == []


REFUSALS = {
    "a status": [codec.StatusMessage(code=codec.StatusCode.UNKNOWN_INSTRUCTION, message="what?")],
    "RTS": [codec.ReturnMessage("CAPABIL", b"\1")],
    "RTS_COMMAND": [codec.RTSCommandMessage(1, "what?")],
    "what cannot be read": [codec.UnknownMessage("CAPABILITY", b"odd")],
}


@pytest.mark.parametrize("answers", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_no_news_for_the_user(answers: list[codec.Message]):
    events = events_of_three_lists(Recorded(2, NAME, *answers))
    assert events == [net.CapabilityKnown(frozenset())]


def test_silence_means_that_nothing_is_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("IGTLMetaBrowserLib.net.client.client._CAPABILITY_SECONDS", 0.05)
    script = Recorded(2, NAME)
    assert events_of_three_lists(script) == []
    assert len(script.questions) == 1


def test_it_is_found_out_for_each_connection(running_server: ServerInThread):
    with running_server.client() as client:
        assert client.offers_parts is None
        client.find_capability()
        assert client.offers_parts
        assert client.offers_thumbnails
        client.close()
        assert client.offers_parts is None
        client.find_capability()
        assert client.offers_parts


TYPES = ["IMGPART", "GET_IMGPART", "IMGTHUMB", "GET_IMGTHUMB"]
SECONDS = 2.5  # more than the answers take that a client can do without


def busy(late: str) -> ScriptedServer:
    """Return a server that offers parts and thumbnails; one kind of its answers is late."""

    def script(peer: Peer) -> None:
        while True:
            message = peer.receive()
            in_version_2 = {"header_version": message.header_version}
            if late == message.full_data_type and (late != "IMGMETA" or message.metadata):
                peer.be_silent(SECONDS)
            if message.full_data_type == "IMGMETA":
                metadata = NAME if message.header_version == 2 else {}
                items = [codec.ImageMetaItem("A", "A")]
                peer.send(codec.ImageMetaMessage(items, metadata=metadata, **in_version_2))
                if message.header_version == 1:  # as it answers the probe, which is passed over
                    status = codec.StatusMessage(code=codec.StatusCode.OK, header_version=2)
                    peer.send(status)
            elif message.full_data_type == "CAPABILITY":
                peer.send(codec.CapabilityMessage(TYPES))
            elif message.full_data_type == "IMGTHUMB":
                peer.send(codec.ThumbnailMessage([], device_name="A", **in_version_2))
            else:
                peer.send(codec.ReturnMessage("IMGPART", b"\1", device_name="A", **in_version_2))

    return ScriptedServer(script)


@pytest.mark.parametrize("late", ["CAPABILITY", "IMGMETA"])
def test_a_busy_server_is_waited_for_before_it_is_said_what_it_does_not_send(late: str):
    with busy(late) as server, server.client() as client:
        assert client.get_thumbnail("A").planes == []
    known_servers.clear()
    words = "the server does not send a part of the image"
    with (
        busy(late) as server,
        server.client() as client,
        pytest.raises(net.RefusedError, match=words),
    ):
        client.get_image_part(codec.GetImagePartMessage(device_name="A"))


def test_one_that_says_nothing_in_time_is_not_said_to_send_none():
    with (
        busy("CAPABILITY") as server,
        server.client(answer_timeout=1.0) as client,
        pytest.raises(net.TimeOutError, match="has not said yet whether it sends"),
    ):
        client.get_thumbnail("A")


def test_one_that_ends_the_connection_before_is_not_said_to_send_none():
    def ends(peer: Peer) -> None:
        while peer.receive().type_name != "GET_CAPABIL":
            peer.send(codec.ImageMetaMessage([], header_version=2, metadata=NAME))

    with (
        ScriptedServer(ends) as server,
        server.client() as client,
        pytest.raises(net.ConnectionLostError, match="before it said whether it sends thumbnails"),
    ):
        client.get_thumbnail("A")


def test_who_does_not_block_is_told_that_it_is_not_known_yet():
    with busy("CAPABILITY") as server, server.client() as client:
        client.get_list()
        assert client.offers_parts is None
        with pytest.raises(net.TimeOutError, match="has not said yet"):
            client.ask_part(codec.GetImagePartMessage(device_name="A"))


def test_who_can_do_without_does_not_wait_for_a_second_list(monkeypatch: pytest.MonkeyPatch):
    """It may never come: a server can say its state in version 2, and have lists in 1 only."""

    def script(peer: Peer) -> None:
        while True:
            message = peer.receive()
            if message.full_data_type == "IMGMETA" and message.header_version == 1:
                peer.send(codec.ImageMetaMessage([codec.ImageMetaItem("A", "A")]))
                peer.send(codec.StatusMessage(code=codec.StatusCode.OK, header_version=2))

    with ScriptedServer(script) as server, server.client() as client:
        client.list_images()
        monkeypatch.setattr(client, "wait_for_socket", lambda _: pytest.fail("it waits"))
        client.find_capability()
        assert client.offers_parts is None
