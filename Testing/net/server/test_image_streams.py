"""STT_IMAGE: an image is sent again whenever it changes, until STP_IMAGE."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.peers import ImagesInMemory, Peer, ServerInThread, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net

STATUS = codec.GetMessage("STATUS")


class ChangingImages(ImagesInMemory):
    """Images of one value each, which a test may change; without a value, an image is gone."""

    seconds_between_images = 0.01

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, int | None] = {"A": 1, "B": 10}

    def image(self, image_id: str) -> codec.ImageMessage:
        return make_image(self.image_version(image_id))

    def image_version(self, image_id: str) -> int:
        value = self.values.get(image_id)
        if value is None:
            raise net.SourceError("there is no such image")
        return value


@pytest.fixture
def source() -> ChangingImages:
    return ChangingImages()


@pytest.fixture
def peer(source: ChangingImages) -> Iterator[Peer]:
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        yield peer


def value_of(message: codec.Message) -> tuple[str, int]:
    assert isinstance(message, codec.ImageMessage)
    return message.device_name, int(message.pixels[0, 0, 0])


def start(server: net.Server, peer: Peer, name: str) -> None:
    """Ask for an image and its changes, of a server that is stepped here; take the first."""
    peer.send(codec.StartMessage("IMAGE", device_name=name))
    while not is_readable(peer.socket):
        server.step()
    assert value_of(peer.receive())[0] == name


def test_an_image_comes_at_once_and_after_each_change(peer: Peer, source: ChangingImages) -> None:
    peer.send(codec.StartMessage("IMAGE", device_name="A"))
    assert value_of(peer.receive()) == ("A", 1)
    for value in (2, 3):
        source.values["A"] = value
        assert value_of(peer.receive()) == ("A", value)


def test_queries_are_answered_in_between(peer: Peer, source: ChangingImages) -> None:
    peer.send(codec.StartMessage("IMAGE", device_name="A"))
    peer.receive()
    peer.send(STATUS)
    assert isinstance(peer.receive(), codec.StatusMessage)
    source.values["A"] = 2
    assert value_of(peer.receive()) == ("A", 2)


def test_two_images_of_one_client(peer: Peer, source: ChangingImages) -> None:
    for name in ("A", "B"):
        peer.send(codec.StartMessage("IMAGE", device_name=name))
        peer.receive()
    source.values |= {"A": 2, "B": 20}
    assert {value_of(peer.receive()), value_of(peer.receive())} == {("A", 2), ("B", 20)}


@pytest.mark.parametrize("name", ["A", ""])
def test_after_stp_no_more_come(peer: Peer, source: ChangingImages, name: str) -> None:
    peer.send(codec.StartMessage("IMAGE", device_name="A"))
    peer.receive()
    peer.send(codec.StopMessage("IMAGE", device_name=name))
    assert isinstance(peer.receive(), codec.ReturnMessage)
    source.values["A"] = 2
    for _ in range(5):
        peer.send(STATUS)
        assert isinstance(peer.receive(), codec.StatusMessage)


def test_who_starts_again_and_again_does_not_keep_others_from_their_images(
    source: ChangingImages, clock: list[float]
) -> None:
    with (
        net.Server(source, port=0) as server,
        Peer.connect(server.port) as peer,
        Peer.connect(server.port) as busy,
    ):
        start(server, peer, "A")
        source.values["A"] = 2
        for _ in range(20):
            start(server, busy, "B")
            clock[0] += source.seconds_between_images / 3
        assert value_of(peer.receive()) == ("A", 2)


def test_an_image_still_comes_after_one_that_was_sent_slowly(
    source: ChangingImages, clock: list[float]
) -> None:
    limits = net.ServerLimits(bytes_per_second=100)
    with net.Server(source, port=0, limits=limits) as server, Peer.connect(server.port) as peer:
        start(server, peer, "A")
        for value in (2, 3, 4):
            source.values["A"] = value
            while not is_readable(peer.socket):
                clock[0] += source.seconds_between_images / 3
                assert clock[0] < 60, "no more images come"
                server.step()
            for _ in range(1000):  # the rest of it
                clock[0] += source.seconds_between_images / 3
                server.step()
            assert value_of(peer.receive()) == ("A", value)


def test_an_image_that_is_removed_is_said_once(peer: Peer, source: ChangingImages) -> None:
    peer.send(codec.StartMessage("IMAGE", device_name="A"))
    peer.receive()
    source.values["A"] = None
    status = peer.receive()
    assert isinstance(status, codec.StatusMessage)
    assert status.message == "there is no such image"
    assert peer.receive().type_name == "RTS_IMAGE"
    peer.send(STATUS)
    assert peer.receive().code == codec.StatusCode.OK


def test_an_unknown_image_and_a_source_that_does_not_change_are_refused(peer: Peer) -> None:
    peer.send(codec.StartMessage("IMAGE", device_name="C"))
    assert peer.receive().message == "there is no such image"
    with ServerInThread(ImagesInMemory()) as server, Peer.connect(server.port) as other:
        other.send(codec.StartMessage("IMAGE", device_name="A"))
        assert other.receive().code == codec.StatusCode.UNKNOWN_INSTRUCTION


def test_the_seventeenth_image_is_refused(peer: Peer, source: ChangingImages) -> None:
    source.values |= {f"{number}": number for number in range(17)}
    for number in range(16):
        peer.send(codec.StartMessage("IMAGE", device_name=f"{number}"))
        assert isinstance(peer.receive(), codec.ImageMessage)
    peer.send(codec.StartMessage("IMAGE", device_name="16"))
    assert "16 images are sent already" in peer.receive().message


def test_capabilities_name_it(peer: Peer) -> None:
    peer.send(codec.GetMessage("CAPABILITY"))
    assert {"STT_IMAGE", "STP_IMAGE"} <= set(peer.receive().types)
