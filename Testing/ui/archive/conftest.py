"""An archive in which documents are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer

from helpers import orthanc
from helpers.demo_dicom import write_phantom


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture(scope="package")
def orthanc_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[orthanc.Orthanc]:
    with orthanc.running(tmp_path_factory.mktemp("orthanc")) as archive:
        yield archive


@pytest.fixture(scope="package")
def ct(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The files of 16 slices of the phantom's CT."""
    folder = tmp_path_factory.mktemp("phantom")
    write_phantom(folder, 16)
    return sorted((folder / "CT").iterdir())


@pytest.fixture
def emptied(orthanc_of_all: orthanc.Orthanc) -> orthanc.Orthanc:
    """An archive without anything of the test before."""
    for patient in orthanc_of_all.call("GET", "/patients").json():
        orthanc_of_all.call("DELETE", f"/patients/{patient}")
    return orthanc_of_all


@pytest.fixture
def archive(emptied: orthanc.Orthanc, ct: list[Path]) -> orthanc.Orthanc:
    """An archive with the CT."""
    emptied.upload(ct)
    return emptied


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was asked, and has agreed to."""
    asked: list[str] = []
    agree = lambda text: asked.append(text) or True  # noqa: E731
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", agree)
    return asked
