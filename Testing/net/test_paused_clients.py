"""Clients that the server leaves alone for a while, with a message of theirs that is not whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from helpers.peers import ImagesInMemory, Peer, make_image
from helpers.silence import is_readable
from IGTLMetaBrowserLib import codec, net

QUERY = codec.pack(codec.GetMessage("IMAGE", device_name="A"))
PUSHED = codec.pack(codec.StringMessage("x" * 2000))


class Slow(ImagesInMemory):
    """Is ready with its image once ``is_ready`` is true; is asked again after a time."""

    def __init__(self) -> None:
        super().__init__({"A": make_image(5)})
        self.is_ready = False

    def image(self, image_id: str) -> codec.ImageMessage:
        self.asked_for.append(image_id)
        if not self.is_ready:
            raise net.NotReadyError(retry_after=1000.0)
        return super().image(image_id)


@contextlib.contextmanager
def paused(source: Slow, **limits: object) -> Iterator[tuple[net.Server, Peer]]:
    """Serve a client that waits for its image, and has sent the first half of something else."""
    with (
        net.Server(source, port=0, limits=net.ServerLimits(**limits)) as server,
        Peer.connect(server.port) as peer,
    ):
        peer.send(QUERY + PUSHED[: len(PUSHED) // 2])
        while not source.asked_for:
            server.step()
        (client,) = server.clients
        assert client.resume_at is not None
        assert client.unfinished
        yield server, peer


def next_message(server: net.Server, peer: Peer) -> codec.Message:
    for _ in range(6000):
        if is_readable(peer.socket):
            return peer.receive()
        server.step(0.01)
    raise AssertionError("the server says nothing")


def test_a_paused_client_is_turned_away_if_others_send_much(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("IGTLMetaBrowserLib.net.server.server._SMALL", 0)
    with (
        paused(Slow(), unfinished_size=3000) as (server, peer),
        Peer.connect(server.port) as other,
    ):
        # Less than the paused client's message: that is the one to go.
        other.send(codec.pack(codec.StringMessage("x" * 1500))[:900])
        assert next_message(server, peer).code == codec.StatusCode.BUSY
        assert len(server.clients) == 1


def test_a_paused_client_is_not_blamed_for_what_the_server_does_not_read(clock: list[float]):
    source = Slow()
    with paused(source, receive_timeout=60.0) as (server, peer):
        clock[0] = 100.0
        server.step()
        source.is_ready = True
        clock[0] = 1001.0
        assert next_message(server, peer).pixels[0, 0, 0] == 5
        # From now on the other half is waited for: none of that time has passed before.
        clock[0] = 1030.0
        server.step()
        assert server.clients
        clock[0] = 1070.0
        assert next_message(server, peer).code == codec.StatusCode.TIME_OUT


def test_a_client_is_turned_away_once(clock: list[float], caplog: pytest.LogCaptureFixture):
    """It has some seconds to read the words; its message is still not whole meanwhile."""
    with (
        net.Server(Slow(), port=0, limits=net.ServerLimits(receive_timeout=60.0)) as server,
        Peer.connect(server.port) as peer,
    ):
        peer.send(PUSHED[:900])
        while not any(client.unfinished for client in server.clients):
            server.step(0.01)
        for seconds in (61.0, 62.0):
            clock[0] = seconds
            server.step()
        assert caplog.text.count("was not whole within 60 s") == 1
        assert next_message(server, peer).code == codec.StatusCode.TIME_OUT
