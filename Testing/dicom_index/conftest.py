"""A folder and its index, which is tested as it is outside Slicer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from helpers import radiotherapy as study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A patient's radiotherapy: 3 CT slices and 5 files that belong to them."""
    study.write_study(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "index.csv"


@pytest.fixture(autouse=True)
def _outside_slicer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within Slicer no processes are started, and tests of the window leave its stand-in behind."""
    monkeypatch.delattr(sys.modules.get("slicer"), "app", raising=False)
