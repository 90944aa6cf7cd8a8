"""The index is tested as it is outside Slicer."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def _outside_slicer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within Slicer no processes are started, and tests of the window leave its stand-in behind."""
    monkeypatch.delattr(sys.modules.get("slicer"), "app", raising=False)
