"""A server ends: what is being sent is finished, within a time."""

from __future__ import annotations

import threading

from helpers.limited_servers import HUGE, get
from helpers.peers import PATIENCE, ImagesInMemory, Peer, make_image
from IGTLMetaBrowserLib import codec, net


def test_shutting_down_finishes_the_image_that_is_being_sent():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(get("HUGE"))
        while not source.asked_for:
            server.step()
        received: list[codec.Message] = []
        reader = threading.Thread(target=lambda: received.append(peer.receive()))
        reader.start()
        server.shut_down(PATIENCE)
        reader.join(PATIENCE)
        assert received[0].pixels.nbytes == make_image(1, HUGE).pixels.nbytes


def test_shutting_down_does_not_wait_for_who_does_not_read():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(get("HUGE"))
        while not source.asked_for:
            server.step()
        server.shut_down(0.1)
        assert server.clients == []


def test_shutting_down_does_not_wait_for_what_the_source_waits_for():
    """As for a scan of a large folder, or an archive that does not answer: service managers lose
    patience after some seconds."""

    class Waiting(ImagesInMemory):
        def images(self) -> list[codec.ImageMetaItem]:
            self.asked_for.append("list")
            raise net.NotReadyError(retry_after=0.01)

    source = Waiting()
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMGMETA"))
        while not source.asked_for:
            server.step(0.01)
        ending = threading.Thread(target=server.shut_down, args=(1e6,), daemon=True)
        ending.start()
        ending.join(PATIENCE)
        assert not ending.is_alive()
