"""What the tests of the network package share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from helpers.peers import TRAJECTORY, ImagesInMemory, ServerInThread, make_image


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
