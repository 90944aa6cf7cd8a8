"""Many clients, slow clients, and clients that leave: nobody keeps the others waiting."""

from __future__ import annotations

import socket
import threading
import tracemalloc

import numpy as np
import pytest

from helpers.peers import (
    PATIENCE,
    ImagesInMemory,
    Peer,
    ServerInThread,
    make_image,
    open_descriptors,
    step_until,
)
from IGTLMetaBrowserLib import codec, net

# More than the socket buffers of both ends take.
HUGE = (256, 256, 256)


def get(device_name: str) -> codec.Message:
    return codec.GetMessage("IMAGE", device_name=device_name)


def step_until_idle(server: net.Server) -> None:
    """Serve until nothing is left that can be done without a client doing something."""
    for _ in range(1000):
        server.step()


def test_several_clients_at_once(running_server: ServerInThread):
    clients = [running_server.client() for _ in range(20)]
    queries = [client.ask("IMAGE", "AB"[number % 2]) for number, client in enumerate(clients)]
    for client, query in zip(clients, queries, strict=True):
        step_until(client, lambda query=query: query.is_done)
    assert [query.answer.device_name for query in queries] == ["A", "B"] * 10
    for client in clients:
        client.close()


def test_clients_in_threads_each_get_their_own_images(running_server: ServerInThread):
    wrong: list[str] = []

    def fetch(image_id: str, shade: int) -> None:
        with running_server.client() as client:
            for _ in range(20):
                if client.get_image(image_id).pixels[0, 0, 0] != shade:
                    wrong.append(image_id)

    ids = [("A", 1), ("B", 2), ("LARGE", 3)] * 2
    threads = [threading.Thread(target=fetch, args=args) for args in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []


def test_a_client_that_does_not_read_keeps_nobody_waiting():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE), "A": make_image(2)})
    with ServerInThread(source) as server, Peer.connect(server.port) as sluggard:
        sluggard.send(get("HUGE"))
        with server.client() as client:
            assert client.get_image("A").pixels[0, 0, 0] == 2
            assert len(client.list_images()) == 2
        # It gets its own when it reads after all.
        assert np.array_equal(sluggard.receive().pixels, source.image("HUGE").pixels)


def test_a_client_that_asks_for_a_thousand_images_and_reads_none_costs_the_memory_of_one():
    class FreshImages(ImagesInMemory):
        """Reads each image anew, as from a disk."""

        def image(self, image_id: str) -> codec.ImageMessage:
            self.asked_for.append(image_id)
            return make_image(0, HUGE)

    source = FreshImages()
    size = make_image(0, HUGE).pixels.nbytes
    with net.Server(source, port=0) as server, Peer.connect(server.port) as glutton:
        glutton.send(*[get("HUGE")] * 1000)
        tracemalloc.start()
        try:
            step_until_idle(server)
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert source.asked_for == ["HUGE"]
    assert size <= used < 1.5 * size


def test_a_client_that_asks_much_and_reads_it_all_keeps_nobody_waiting():
    source = ImagesInMemory({"EAGER": make_image(1), "MODEST": make_image(2)})
    with (
        net.Server(source, port=0) as server,
        Peer.connect(server.port) as eager,
        Peer.connect(server.port) as modest,
    ):
        for _ in range(4):
            server.step()  # both are accepted
        eager.send(*[get("EAGER")] * 500)
        modest.send(get("MODEST"))
        for _ in range(20):
            server.step()
        assert "MODEST" in source.asked_for[:40]
        assert modest.receive().device_name == "MODEST"


def test_answers_keep_the_order_of_the_queries(running_server: ServerInThread):
    names = ["A", "LARGE", "B", "Z", "A", "LARGE"]
    with Peer.connect(running_server.port) as peer:
        peer.send(*map(get, names))
        answers = [peer.receive() for _ in range(len(names) + 1)]  # the refusal of Z has two parts
    assert [answer.device_name for answer in answers] == ["A", "LARGE", "B", "Z", "Z", "A", "LARGE"]


def test_partial_writes_through_small_socket_buffers():
    source = ImagesInMemory({"A": make_image(1, (64, 64, 6))})
    server = ServerInThread(source)
    # Connections inherit the sizes of the listening socket.
    with socket.socket(fileno=server.server.fileno()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        listener.detach()
    with server, Peer.connect(server.port) as peer:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.send(get("A"))
        assert np.array_equal(peer.receive().pixels, source.image("A").pixels)


def test_thousands_of_small_messages(running_server: ServerInThread):
    chatter = codec.pack(codec.StatusMessage()) * 20_000
    with Peer.connect(running_server.port) as peer:
        peer.send(chatter, get("A"))
        assert peer.receive().device_name == "A"


@pytest.mark.parametrize("read_first", [0, 100_000])
def test_a_client_that_leaves_in_the_middle_of_an_image_is_forgotten(read_first: int):
    source = ImagesInMemory({"HUGE": make_image(1, HUGE), "A": make_image(2)})
    before = open_descriptors()
    with ServerInThread(source) as server:
        serving = open_descriptors()
        for _ in range(5):
            with Peer.connect(server.port) as leaver:
                leaver.send(*[get("HUGE")] * 3)
                if read_first:
                    assert leaver.socket.recv(read_first)
        with server.client() as client:
            assert client.get_image("A").pixels[0, 0, 0] == 2
        with Peer.connect(server.port) as last:
            # The server has dropped the others, at the latest when this one is served again.
            while open_descriptors() > serving + 2:
                last.send(get("A"))
                last.receive()
    assert open_descriptors() <= before  # fewer if others of before are gone by now


def test_a_client_that_resets_its_connection_is_forgotten(running_server: ServerInThread):
    for _ in range(5):
        with Peer.connect(running_server.port) as peer:
            peer.send(get("LARGE"))
            # Closing with this option sends RST, as a crashed machine does when it is back.
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with running_server.client() as client:
        assert client.get_image("A").device_name == "A"


def test_a_hundred_clients_come_and_go(running_server: ServerInThread):
    with running_server.client() as first:
        first.list_images()
        before = open_descriptors()
        for _ in range(100):
            with running_server.client() as client:
                assert client.get_image("A").device_name == "A"
        while open_descriptors() > before:
            first.list_images()
        assert open_descriptors() <= before  # fewer if others of before are gone by now
