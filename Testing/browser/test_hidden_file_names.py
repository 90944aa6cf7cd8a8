"""Volumes that were saved, in files that are called after patients who are hidden then."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import slicer

from helpers.names_in_images import clinic, load
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser

__all__ = ["clinic"]

FILE = "Head_of_Smith.nrrd"


@pytest.fixture
def saved(unconnected: Browser, clinic_server: ServerInThread, tmp_path: Path) -> Browser:
    """The volume of an image was saved under its name."""
    save(unconnected, load(unconnected, clinic_server, "1"), tmp_path / FILE)
    return unconnected


def save(browser: Browser, volume: slicer.vtkMRMLScalarVolumeNode, path: Path) -> None:
    storage = browser.scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
    volume.SetAndObserveStorageNodeID(storage.GetID())
    storage.SetFileName(str(path))
    assert storage.WriteData(volume)
    assert not volume.GetModifiedSinceRead()


def file_of(browser: Browser, image_id: str = "1") -> str:
    return Path(browser.images.node(image_id).GetStorageNode().GetFileName()).name


def bundle(scene: slicer.vtkMRMLScene, path: Path) -> str:
    """Save a scene without Slicer's dialog; return the names and the scene that are in the file."""
    assert scene.WriteToMRB(str(path))
    with zipfile.ZipFile(path) as saved:
        texts = [saved.read(name) for name in saved.namelist() if name.endswith(".mrml")]
        return "".join((*saved.namelist(), *map(str, texts)))


def test_a_bundle_that_is_saved_meanwhile_names_nobody(saved: Browser, tmp_path: Path):
    assert "Smith" in bundle(saved.scene, tmp_path / "shown.mrb")
    saved.patients.hide()
    assert "Smith" not in bundle(saved.scene, tmp_path / "hidden.mrb")


def test_it_counts_as_modified_and_shown_again_its_file_is_that_of_before(
    saved: Browser, tmp_path: Path
):
    """So Slicer's Save dialog saves it, under its other name; the file itself stays."""
    voxels = (tmp_path / FILE).read_bytes()
    for _ in range(2):
        saved.patients.hide()
        assert file_of(saved) == "Head_of_(hidden).nrrd"
        assert saved.images.node("1").GetModifiedSinceRead()
        saved.patients.hide(False)
        assert file_of(saved) == FILE
    assert (tmp_path / FILE).read_bytes() == voxels


def test_saved_meanwhile_its_file_is_the_new_one(saved: Browser, tmp_path: Path):
    saved.patients.hide()
    volume = saved.images.node("1")
    assert volume.GetStorageNode().WriteData(volume)
    saved.patients.hide(False)
    assert file_of(saved) == "Head_of_(hidden).nrrd"
    assert (tmp_path / file_of(saved)).exists()


def test_of_two_patients_whose_files_look_alike_each_has_its_own(saved: Browser, tmp_path: Path):
    save(saved, saved.load_image("0"), tmp_path / "Head_of_Jones.nrrd")
    saved.patients.register("Jones", "P2")
    saved.patients.hide()
    names = {file_of(saved, "0"), file_of(saved, "1")}
    assert names == {"Head_of_(hidden).nrrd", "Head_of_(hidden)_1.nrrd"}
    saved.patients.hide(False)
    assert (file_of(saved, "0"), file_of(saved, "1")) == ("Head_of_Jones.nrrd", FILE)
