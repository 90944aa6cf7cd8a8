"""What a source may offer besides images and trajectories, asked by our client; and pushes."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.peers import (
    TRAJECTORY,
    ImagesInMemory,
    Peer,
    ScriptedServer,
    ServerInThread,
    make_image,
)
from IGTLMetaBrowserLib import codec, net

LABELS = [
    codec.LabelMetaItem("Tumor", "LABEL", 1, (255, 0, 0, 255), (4, 3, 2), "A"),
    codec.LabelMetaItem("Cyst", "LABEL", 2, (0, 255, 0, 255), (4, 3, 2), "A"),
    codec.LabelMetaItem("Skull", "SKULL", 1, (0, 0, 255, 255), (4, 3, 2), "B"),
]
POINTS = [codec.PointItem("Nasion", "Landmarks", (1, 2, 3, 4), (1.0, 90.0, -3.5), 2.0, "A")]
COLORS = np.random.default_rng(1).integers(0, 256, (65536, 3), np.uint8)


class Everything(ImagesInMemory):
    """Offers all that a source can offer; ``received`` is what clients have pushed."""

    def __init__(self) -> None:
        super().__init__({"A": make_image(1), "LABEL": make_image(2)}, [TRAJECTORY])
        self.received: list[codec.Message] = []

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return LABELS

    def points(self) -> list[codec.PointItem]:
        return POINTS

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        if image_id != "A":
            raise net.SourceError(f"{image_id!r} has no colors")
        return codec.ColorTableMessage(COLORS)

    def receive(self, message: codec.Message) -> None:
        if isinstance(message, codec.StringMessage):
            raise ZeroDivisionError("a mistake in a source")
        if not isinstance(message, codec.TrajectoryMessage):
            raise net.SourceError("only trajectories are wanted here")
        self.received.append(message)


@pytest.fixture
def everything():
    return Everything()


@pytest.fixture
def server(everything):
    with ServerInThread(everything) as server:
        yield server


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def get(client: net.Client, data_type: str, name: str = "") -> codec.Message:
    return client.wait(client.ask(data_type, name))


def test_label_maps_are_listed_and_fetched(client):
    assert get(client, "LBMETA").items == LABELS
    assert np.array_equal(client.get_image("LABEL").pixels, make_image(2).pixels)


def test_get_lbmeta_with_an_id_lists_all_structures_of_that_label_map(client):
    assert get(client, "LBMETA", "LABEL").items == LABELS[:2]
    assert get(client, "LBMETA", "Client").items == LABELS


def test_points(client):
    assert get(client, "POINT").items == POINTS


def test_a_color_table_is_that_of_the_image(client):
    answer = get(client, "COLORT", "A")
    assert answer.device_name == "A"
    assert np.array_equal(answer.colors, COLORS)


def test_an_image_without_colors_is_refused_in_the_sources_words(client):
    with pytest.raises(net.RefusedError, match=r"the color table 'B': 'B' has no colors"):
        get(client, "COLORT", "B")


@pytest.mark.parametrize("data_type", ["LBMETA", "POINT", "COLORT"])
def test_a_source_that_does_not_offer_it_is_asked_in_vain(data_type):
    with (
        ServerInThread(ImagesInMemory()) as server,
        server.client() as client,
        pytest.raises(net.RefusedError, match=f"GET_{data_type} is not supported here"),
    ):
        get(client, data_type)


# Pushes


def push(server: ServerInThread, *messages: codec.Message) -> None:
    """Send messages, and wait until the server has seen them: it answers what comes after."""
    with Peer.connect(server.port) as peer:
        peer.send(*messages, codec.GetMessage("STATUS"))
        assert peer.receive().code == codec.StatusCode.OK


def test_trajectories_that_a_client_pushes_are_handed_to_the_source(server, everything):
    push(server, codec.TrajectoryMessage([TRAJECTORY], device_name="Planner"))
    (message,) = everything.received
    assert message.items == [TRAJECTORY]
    assert message.device_name == "Planner"


def test_what_the_source_does_not_want_or_cannot_take_does_no_harm(server, everything, caplog):
    unwanted, wrong = codec.PointMessage(POINTS), codec.StringMessage("text")
    push(server, unwanted, wrong, codec.TrajectoryMessage([TRAJECTORY]))
    assert len(everything.received) == 1
    assert "POINT, which is not kept: only trajectories are wanted here" in caplog.text
    assert "STRING, which failed here" in caplog.text


def test_a_source_that_takes_nothing_is_left_in_peace():
    with ServerInThread(ImagesInMemory()) as server:
        push(server, codec.TrajectoryMessage([TRAJECTORY]))


# Answers of real servers


def test_points_that_a_server_pushed_before_do_not_hide_its_answer():
    def script(peer: Peer) -> None:
        points = codec.PointMessage(POINTS, device_name="PointSender")
        peer.send(points)
        assert peer.receive().type_name == "GET_POINT"
        peer.send(points)
        peer.wait_until_closed()

    with ScriptedServer(script) as server, server.client() as client:
        client.connect()
        while not any(isinstance(event, net.Unsolicited) for event in client.step()):
            client.wait_for_socket()
        assert get(client, "POINT").items == POINTS


def test_a_color_table_under_its_old_name_answers_too():
    def script(peer: Peer) -> None:
        query = peer.receive()
        name = query.device_name
        peer.send(codec.LongNamedColorTableMessage(COLORS, device_name=name))
        peer.wait_until_closed()

    with ScriptedServer(script) as server, server.client() as client:
        assert np.array_equal(get(client, "COLORT", "A").colors, COLORS)
