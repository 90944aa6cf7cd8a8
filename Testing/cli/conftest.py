"""What the tests of the command share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli.command import started


@pytest.fixture(scope="session")
def demo_address() -> Iterator[str]:
    """The address of ``igtlmeta serve --demo``."""
    with started("serve", "--demo", "--port", "0") as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:4] == ["serving", "3", "images", "on"]
        yield words[4]
