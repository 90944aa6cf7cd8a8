"""An archive in which documents are stored."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import slicer

from cli import forked
from cli.command import IMPORT_ROOT
from helpers import orthanc
from helpers.demo_dicom import write_phantom
from IGTLMetaBrowserLib.browser.endpoints import command_process


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


@pytest.fixture
def forked_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that the window starts are forked where all that they need is imported.

    That saves a second each; how they are started in Slicer is seen in ``test_archive.py``.
    """

    def start(
        _python: str,
        _module: str,
        arguments: Sequence[str],
        variables: Mapping[str, str] | None,
        **options: Any,
    ) -> forked.ForkedPopen:
        environment = {**os.environ, **(variables or {}), "PYTHONPATH": str(IMPORT_ROOT)}
        return forked.ForkedPopen(arguments, environment, options["stdout"], options["stderr"])

    monkeypatch.setattr(command_process, "start_module", start)
