"""Clients that leave at whatever stage of an answer: nothing of theirs is counted any more."""

from __future__ import annotations

import pytest

from helpers.limited_servers import get
from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.server import replies
from IGTLMetaBrowserLib.net.server.arriving_images import ArrivingImage

SIZE = (256, 256, 32)
DELTAS = (codec.PartEncoding.ZIGZAG_DELTAS,)
QUERIES = {
    "an image": get("A"),
    "one that grows": codec.GetMessage("IMAGE", device_name="A", header_version=2),
    "slices": codec.GetImagePartMessage(size=(256, 256, 16), device_name="A"),
    "a copy": codec.GetImagePartMessage(size=(255, 256, 32), device_name="A"),
    "an encoded copy": codec.GetImagePartMessage(
        size=(255, 255, 20), encodings=DELTAS, device_name="A"
    ),
    "a thumbnail": codec.GetMessage("IMGTHUMB", device_name="A", header_version=2),
}


class Growing:
    """An image of which eight slices come at a time."""

    def __init__(self, message: codec.ImageMessage) -> None:
        self.message = message
        self._count = 0

    def slices(self) -> int:
        self._count = min(self._count + 8, len(self.message.pixels))
        return self._count


class Arriving(ImagesInMemory):
    """Has its images while they come, but is not ready each third time."""

    asked = 0

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        return "1"

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage:
        self.asked += 1
        if self.asked % 3 == 0:
            raise net.NotReadyError(0.001)
        return ArrivingImage(self.image(request.device_name), "1")

    def growing_image(self, image_id: str) -> Growing:
        return Growing(self.image(image_id))


class Failing(Arriving):
    """Its images grow by eight slices, and then it fails as nobody has foreseen."""

    def growing_image(self, image_id: str) -> Growing:
        growing = super().growing_image(image_id)
        counts = iter([8])
        growing.slices = counts.__next__
        return growing


def test_no_words_come_in_the_middle_of_an_image():
    """They would be taken for voxels."""
    source = Failing({"A": make_image(1, SIZE)})
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        peer.send(QUERIES["one that grows"])
        received = b""
        while b"STATUS" not in received and (piece := peer.socket.recv(1 << 20)):
            received += piece
    assert b"STATUS" not in received
    assert len(received) > 8 * 2 * SIZE[0] * SIZE[1]


def test_an_image_of_which_nothing_was_sent_is_refused_in_words_alone():
    """Memory may be there again a moment later: nobody would wait for the image then."""

    class FailsOnce(Arriving):
        def growing_image(self, image_id: str) -> Growing:
            growing = super().growing_image(image_id)
            slices = growing.slices

            def fail() -> int:
                growing.slices = slices
                raise MemoryError

            growing.slices = fail
            return growing

    source = FailsOnce({"A": make_image(1, SIZE)})
    with ServerInThread(source) as server, Peer.connect(server.port) as peer:
        peer.send(QUERIES["one that grows"], codec.GetMessage("STATUS"))
        assert "the answer failed (MemoryError)" in peer.receive().message
        assert isinstance(peer.receive(), codec.ReturnMessage)
        assert peer.receive().message == "ready"


@pytest.mark.parametrize("kind", [ImagesInMemory, Arriving], ids=["whole", "arriving"])
@pytest.mark.parametrize("limit", [1 << 10, 1 << 30], ids=["no room for two", "room"])
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_who_leaves_at_any_stage_leaves_nothing_behind(
    kind: type[ImagesInMemory],
    limit: int,
    query: codec.Message,
    monkeypatch: pytest.MonkeyPatch,
):
    """Another one is sent an image meanwhile, for which the first may have to wait."""
    monkeypatch.setattr(replies, "_TURN_SECONDS", 0.0)
    source = kind({"A": make_image(1, SIZE), "B": make_image(2, SIZE)})
    limits = net.ServerLimits(image_cache_size=limit)
    with net.Server(source, port=0, limits=limits) as server:
        for steps in (0, 1, 2, 3, 4, 5, 6, 8, 12, 20, 40):
            with Peer.connect(server.port) as other, Peer.connect(server.port) as leaving:
                while len(server.clients) < 2:
                    server.step()
                other.send(get("B"))
                leaving.send(query)
                leaving.send(query)
                for _ in range(steps):
                    server.step()
            patience = Patience(PATIENCE)
            while server.clients:
                assert not patience.is_over, "the server does not notice that they are gone"
                server.step()
            assert server.cached_bytes == 0
            assert [*server.sockets.values()] == [1], "only its own one is watched"
            assert server.next_deadline is None
