"""The server as a caller with an event loop of its own drives it, and a server without descriptors.

``sockets`` and ``next_deadline`` are all that such a caller knows; here ``select`` is its loop.
"""

from __future__ import annotations

import selectors
import socket
import time

import pytest

from helpers.descriptors import no_more_descriptors
from helpers.patience import Patience
from helpers.peers import (
    PATIENCE,
    ImagesInMemory,
    Peer,
    ServerInThread,
    make_image,
    open_descriptors,
)
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.listener import PAUSE_SECONDS

# More than the socket buffers of both ends take.
HUGE = (256, 256, 256)


def wait_for_sockets(server: net.Server) -> None:
    """Wait as an event loop does, and let the server work."""
    with selectors.DefaultSelector() as selector:
        for sock, events in server.sockets.items():
            selector.register(sock, events)
        assert selector.select(PATIENCE), "the server waits for nothing that happens"
    server.step()


def ask_and_wait(server: net.Server, client: net.Client, image_id: str) -> codec.Message:
    query = client.ask("IMAGE", image_id)
    end = time.monotonic() + PATIENCE
    while not query.is_done:
        assert time.monotonic() < end, "no answer came"
        server.step()
        client.step()
    if query.error is not None:
        raise query.error
    return query.answer


def test_an_idle_server_waits_for_its_listening_socket_alone():
    with net.Server(ImagesInMemory(), port=0) as server:
        ((listener, events),) = server.sockets.items()
        assert (listener.fileno(), events) == (server.fileno(), selectors.EVENT_READ)
        assert server.next_deadline is None


def test_a_server_that_is_owed_a_question_waits_to_read_and_then_to_write():
    source = ImagesInMemory({"HUGE": make_image(1, HUGE)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        wait_for_sockets(server)  # accepts
        assert sorted(server.sockets.values()) == [selectors.EVENT_READ] * 2
        peer.send(codec.GetMessage("IMAGE", device_name="HUGE"))
        wait_for_sockets(server)  # answers, as far as the socket takes it
        assert sorted(server.sockets.values()) == [selectors.EVENT_READ, selectors.EVENT_WRITE]


def test_waiting_for_its_sockets_is_enough_to_serve_a_client():
    source = ImagesInMemory({"A": make_image(5)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as peer:
        peer.send(codec.GetMessage("IMAGE", device_name="A"))
        while not source.asked_for:
            wait_for_sockets(server)
        assert peer.receive().pixels[0, 0, 0] == 5
    assert server.sockets == {}


# Images that are made in small steps


class SlowSource(ImagesInMemory):
    """Asks for more time ``patience`` times before it has an image."""

    def __init__(self, patience: int) -> None:
        super().__init__({"A": make_image(1), "B": make_image(2)})
        self.patience = patience

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "A" and self.asked_for.count("A") < self.patience:
            self.asked_for.append("A")
            raise net.NotReadyError
        return super().image(image_id)


def test_an_image_that_takes_several_turns_keeps_nobody_waiting():
    source = SlowSource(patience=50)
    with (
        net.Server(source, port=0) as server,
        net.Client("127.0.0.1", server.port) as patient,
        net.Client("127.0.0.1", server.port) as other,
    ):
        slow = patient.ask("IMAGE", "A")
        while "A" not in source.asked_for:
            server.step()
            patient.step()
        assert ask_and_wait(server, other, "B").pixels[0, 0, 0] == 2
        assert not slow.is_done
        assert 0 < source.asked_for.count("A") < 50
        while not slow.is_done:
            server.step()
            patient.step()
        assert slow.answer.pixels[0, 0, 0] == 1


def test_answers_keep_the_order_of_the_queries_where_one_takes_several_turns():
    with ServerInThread(SlowSource(patience=5)) as server, Peer.connect(server.port) as peer:
        queries = [codec.pack(codec.GetMessage("IMAGE", device_name=name)) for name in "AB"]
        peer.send(b"".join(queries))
        assert [peer.receive().device_name for _ in range(2)] == ["A", "B"]


def test_a_client_that_leaves_while_its_image_is_made_is_forgotten():
    source = SlowSource(patience=10)
    with net.Server(source, port=0) as server:
        with Peer.connect(server.port) as leaver:
            leaver.send(codec.GetMessage("IMAGE", device_name="A"))
            while "A" not in source.asked_for:
                server.step()
        end = time.monotonic() + PATIENCE
        while len(server.sockets) > 1:
            assert time.monotonic() < end, "the server still waits for a client that has left"
            server.step()


# Without descriptors


def test_a_server_without_descriptors_does_not_spin_and_accepts_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    now = [0.0]  # it passes as the test says
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    source = ImagesInMemory({"A": make_image(5)})
    with net.Server(source, port=0) as server, Peer.connect(server.port) as first:
        server.step()
        with Peer.connect(server.port) as late:
            before = open_descriptors()
            with no_more_descriptors():
                server.step()
                # It does not wait for what it could not take, and is called again in time.
                assert server.fileno() not in [sock.fileno() for sock in server.sockets]
                assert 0.0 < server.next_deadline <= PAUSE_SECONDS
                # Who is connected is served meanwhile.
                first.send(codec.GetMessage("IMAGE", device_name="A"))
                while not source.asked_for:
                    server.step()
            assert open_descriptors() <= before  # fewer if others of before are gone by now
            late.send(codec.GetMessage("IMAGE", device_name="A"))
            now[0] = PAUSE_SECONDS
            patience = Patience(PATIENCE)
            while len(source.asked_for) < 2:
                assert not patience.is_over, "the server does not listen again"
                server.step()
            assert late.receive().pixels[0, 0, 0] == 5
        assert first.receive().pixels[0, 0, 0] == 5
    refusals = [line for line in caplog.messages if "could not be accepted" in line]
    assert len(refusals) == 1


# All addresses


def test_the_host_of_all_ipv6_addresses_means_ipv4_too():
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no sockets for IPv6 and IPv4 at once")
    with ServerInThread(ImagesInMemory({"A": make_image(5)}), "::") as server:
        for host in ("127.0.0.1", "::1"):
            with net.Client(host, server.port) as client:
                assert client.get_image("A").pixels[0, 0, 0] == 5
