"""How long a probe waits for a message that has begun."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from helpers.peers import Peer, ScriptedServer, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.net.probe import connection
from IGTLMetaBrowserLib.net.probe.connection import ProbeConnection

PATIENCE_SECONDS = 0.2
PAUSE_SECONDS = 0.05
DATA = codec.pack(make_image(1, (64, 64, 4), "A"))


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_PATIENCE_SECONDS", PATIENCE_SECONDS)


def received_from(pieces: Iterator[bytes]) -> connection.Received | None:
    """Return what a probe gets of a server that pauses after each piece."""

    def send(peer: Peer) -> None:
        for piece in pieces:
            peer.send(piece)
            peer.pause(PAUSE_SECONDS)

    with ScriptedServer(send) as server, server.only_silence_counts():
        probe = ProbeConnection(server.host, server.port, net.ConnectionSettings())
        try:
            return probe.receive(time.monotonic() + PATIENCE_SECONDS)
        finally:
            probe.close()


def test_an_image_over_a_slow_network_is_waited_for() -> None:
    """It was said to end the connection if it took longer than 10 s, with one pause of 10 ms."""
    size = len(DATA) // 20
    received = received_from(DATA[begin : begin + size] for begin in range(0, len(DATA), size))
    assert received is not None
    assert isinstance(received.message, codec.ImageMessage)


def test_one_that_comes_byte_by_byte_is_not() -> None:
    head = DATA[: codec.HEADER_SIZE]
    drops = (bytes([byte]) for byte in DATA[codec.HEADER_SIZE :])
    with pytest.raises(EOFError, match="stopped in the middle of a message"):
        received_from(iter([head, *drops]))
