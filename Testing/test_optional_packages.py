"""Packages that a user may have in a version that is too old are as good as missing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.optional_packages import OLDEST, is_installed, pip_command, requirement
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

TOP = Path(__file__).parents[1]


def install(folder: Path, module: str, version: str) -> None:
    """As pip leaves a package there."""
    (folder / module).mkdir()
    (folder / module / "__init__.py").touch()
    about = folder / f"{module}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {module}\nVersion: {version}\n")


@pytest.mark.parametrize(
    ("version", "enough"),
    [("2.4.5", False), ("3.0.0", True), ("3", True), ("3.1.0.dev0", True), ("10.0", True)],
)
def test_a_package_is_installed_from_its_oldest_version_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, enough: bool
):
    install(tmp_path, "pynetdicom", version)
    monkeypatch.syspath_prepend(tmp_path)
    assert is_installed("pynetdicom") is enough


def test_a_folder_is_not_served_with_a_pydicom_that_is_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It ended in a traceback as soon as there was an image."""
    install(tmp_path, "pydicom", "2.4.4")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pydicom", raising=False)
    with pytest.raises(SourceError, match=r'or too old. Install it: pip install "pydicom>=3"'):
        DicomFolderSource(tmp_path)


def test_pip_is_told_the_versions():
    assert pip_command("pydicom", "highdicom") == 'pip install "pydicom>=3" "highdicom>=0.27"'
    assert requirement("gdcm") == "python-gdcm>=3.0.25"


def test_they_are_those_of_the_project():
    text = (TOP / "pyproject.toml").read_text(encoding="utf-8")
    named = {line.replace(" ", "") for line in re.findall(r'"([\w-]+ >=[\d.]+)"', text)}
    assert {requirement(module) for module in OLDEST} <= named
