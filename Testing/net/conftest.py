"""What the tests of the network room share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from IGTLMetaBrowserLib import codec
from peers import ImagesInMemory, ServerInThread, test_image

TRAJECTORY = codec.TrajectoryItem(
    name="Left electrode",
    group="Trajectory",
    rgba=(255, 128, 0, 255),
    entry=(10.0, 20.0, 30.0),
    target=(-1.5, 0.0, 8.25),
    diameter=2.5,
    owner="A",
)


@pytest.fixture
def source() -> ImagesInMemory:
    """Offer two small images, A and B, one of 2 MB, and one trajectory."""
    return ImagesInMemory(
        {"A": test_image(1), "B": test_image(2), "LARGE": test_image(3, (128, 128, 64))},
        [TRAJECTORY],
    )


@pytest.fixture
def running_server(source: ImagesInMemory) -> Iterator[ServerInThread]:
    """Serve ``source`` in a thread."""
    with ServerInThread(source) as server:
        yield server
