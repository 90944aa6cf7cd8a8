"""What the tests of the network package share."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from helpers.peers import TRAJECTORY, ImagesInMemory, ServerInThread, make_image
from helpers.queries import TIMEOUT
from IGTLMetaBrowserLib.net.client.queries import Queries


@pytest.fixture
def source() -> ImagesInMemory:
    """Offer two small images, A and B, one of 2 MB, and one trajectory."""
    return ImagesInMemory(
        {"A": make_image(1), "B": make_image(2), "LARGE": make_image(3, (128, 128, 64))},
        [TRAJECTORY],
    )


@pytest.fixture
def running_server(source: ImagesInMemory) -> Iterator[ServerInThread]:
    """Serve ``source`` in a thread."""
    with ServerInThread(source) as server:
        yield server


@pytest.fixture
def queries() -> Queries:
    """Return what matches messages to queries; none is asked yet."""
    return Queries(TIMEOUT)


@pytest.fixture(params=[None, 1], ids=["whole messages", "single bytes"])
def piece_size(request: pytest.FixtureRequest) -> int | None:
    """Return how many bytes come at a time, or None for whole messages."""
    return request.param


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The only item is the time, in seconds: it passes as the test says."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now
