"""The programs of the C++ library that the tests here talk to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interop import reference_library
from interop.reference_library import BuildExample


@pytest.fixture(scope="session")
def build_example(tmp_path_factory: pytest.TempPathFactory) -> BuildExample:
    """Return what builds an example by its name, such as ``"ImageMeta/ImageMetaClient"``."""
    if reason := reference_library.why_missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("openigtlink-examples")
    return lambda name: reference_library.build_example(name, folder)


@pytest.fixture(scope="session")
def image_database_server(build_example: BuildExample) -> Path:
    """Build the server with three images that cannot be asked more than a hundred times."""
    return build_example("ImageDatabaseServer/ImageDatabaseServer")


@pytest.fixture(scope="session")
def trajectory_server(build_example: BuildExample) -> Path:
    """Build the server that pushes trajectories to who connects, and closes after a second."""
    return build_example("Trajectory/TrajectoryServer")


@pytest.fixture
def database_port(image_database_server: Path) -> Iterator[int]:
    """Run ImageDatabaseServer; give its port."""
    folder = reference_library.IMAGE_FOLDER
    with reference_library.running(image_database_server, folder) as port:
        yield port


@pytest.fixture
def trajectory_port(trajectory_server: Path) -> Iterator[int]:
    """Run TrajectoryServer; give its port."""
    with reference_library.running(trajectory_server) as port:
        yield port
