"""Images of a scene that was saved while patients were hidden: whose are they when it is opened?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import slicer

from helpers.hospital import parents
from helpers.one_patient import JONES, NOBODY, SMITH, Clinic, connect
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, ImageStatus
from IGTLMetaBrowserLib.privacy import hidden_patients
from IGTLMetaBrowserLib.scene.hidden_patients.patient_marks import PATIENT_ATTRIBUTE

Open = Callable[[bool], slicer.vtkMRMLScalarVolumeNode]


@pytest.fixture
def opened(unconnected: Browser, clinic_server: ServerInThread, tmp_path: Path) -> Open:
    """Opens a scene in which Smith's image was saved; returns the volume."""

    def open_scene(is_hidden: bool) -> slicer.vtkMRMLScalarVolumeNode:
        unconnected.patients.hide(is_hidden)
        connect(unconnected, clinic_server).list_images()
        unconnected.load_image("0")
        unconnected.disconnect()
        path = save_scene(unconnected.scene, tmp_path)
        assert not (is_hidden and any(word in path.read_text() for word in SMITH))
        unconnected.scene.Clear()
        load_scene(unconnected.scene, path)
        return unconnected.scene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    return open_scene


@pytest.mark.parametrize("is_hidden", [False, True])
@pytest.mark.parametrize("patient", [SMITH, JONES], ids=str)
def test_in_the_same_session_it_is_known_whose_it_is(
    is_hidden: bool,
    patient: tuple[str, str],
    opened: Open,
    unconnected: Browser,
    clinic: Clinic,
    clinic_server: ServerInThread,
):
    """Hidden or not, the image of the same patient is loaded, and that of the next one is not."""
    volume = opened(is_hidden)
    clinic.patient = patient
    connect(unconnected, clinic_server).list_images()
    assert unconnected.images.node("0") is volume
    (line,) = unconnected.load_trajectories()
    assert (parents(line) == parents(volume)) is (patient == SMITH)


@pytest.mark.parametrize("patient", [SMITH, JONES, NOBODY], ids=str)
def test_of_a_patient_hidden_in_another_session_the_image_is_the_users(
    patient: tuple[str, str],
    opened: Open,
    unconnected: Browser,
    clinic: Clinic,
    clinic_server: ServerInThread,
    monkeypatch: pytest.MonkeyPatch,
):
    """No id tells whose it is: a server that is started again may give it to the next patient."""
    volume = opened(True)
    monkeypatch.setattr(hidden_patients, "_patients_of_uids", {})  # the memory of that process
    later, told = Browser(unconnected.scene), []
    later.add_observer(lambda event: told.append(str(event.error)), Failed)
    clinic.patient = patient
    connect(later, clinic_server).list_images()
    assert later.images.states.of("0").status is not ImageStatus.LOADED
    assert later.images.node("0") is None
    name, voxels = volume.GetName(), volume.GetImageData()
    image = later.load_image("0")
    assert image is not volume
    assert (volume.GetName(), volume.GetImageData()) == (name, voxels)
    later.disconnect()
    connect(later, clinic_server).list_images()
    assert later.images.node("0") is image
    (text,) = told  # once
    assert f"whose images {name} are" in text
    later.close()


def test_shown_again_the_volume_says_so_by_its_own_attributes(
    unconnected: Browser, clinic_server: ServerInThread
):
    unconnected.patients.hide()
    connect(unconnected, clinic_server).list_images()
    volume = unconnected.load_image("0")
    assert volume.GetAttribute(PATIENT_ATTRIBUTE).startswith("hidden ")
    unconnected.patients.hide(False)
    assert volume.GetAttribute(PATIENT_ATTRIBUTE) is None
    assert volume.GetAttribute("DICOM.PatientID") == SMITH[0]
