"""What the tests of the command share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.command import forked_from_imported
from helpers import demo_dicom


@pytest.fixture(scope="session")
def demo_address() -> Iterator[str]:
    """The address of ``igtlmeta serve --demo``."""
    with forked_from_imported("serve", "--demo", "--port", "0") as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:4] == ["serving", "3", "images", "on"]
        yield words[4]


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantom with 16 slices in each image."""
    folder = tmp_path_factory.mktemp("phantom")
    demo_dicom.write_phantom(folder, 16)
    return folder
