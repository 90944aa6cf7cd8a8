"""Servers with limits, and what their clients see of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from helpers.patience import Patience
from helpers.peers import PATIENCE, ImagesInMemory, Peer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net

# More than the socket buffers of both ends take.
HUGE = (256, 256, 256)


def get(device_name: str) -> codec.Message:
    """Return the query for an image."""
    return codec.GetMessage("IMAGE", device_name=device_name)


def small_source() -> ImagesInMemory:
    """Return a source with one small image."""
    return ImagesInMemory({"A": make_image(5)})


@contextlib.contextmanager
def serving(source: net.Source | None = None, **options: object) -> Iterator[ServerInThread]:
    """Serve with limits: ``options`` are fields of ``ServerLimits``."""
    server = ServerInThread(source or small_source(), limits=net.ServerLimits(**options))
    with server:
        yield server


def last_words(peer: Peer) -> codec.StatusMessage:
    """Return the STATUS that is the last that a client hears."""
    status = peer.receive()
    assert isinstance(status, codec.StatusMessage)
    with pytest.raises((EOFError, ConnectionError)):
        peer.receive()
    return status


def await_no_clients(server: ServerInThread) -> None:
    """Wait until a server has noticed that all have left."""
    patience = Patience(PATIENCE)
    while server.server.clients:
        assert not patience.is_over, "the server keeps clients that have left"
