"""While patients are hidden, more of them become known; their names are covered, and come back."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import slicer

from helpers.one_patient import Clinic, connect
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from helpers.scene_texts import texts_in
from helpers.scene_views import store_view, views
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.open_browsers import hide_patients

__all__ = ["views"]


class ClinicThatListsLater(Clinic):
    """Its image is of nobody and called ``name``; other patients are listed later."""

    name = "CT"

    def __init__(self) -> None:
        super().__init__()
        self.later: list[codec.ImageMetaItem] = []

    def images(self) -> list[codec.ImageMetaItem]:
        (entry,) = super().images()
        return [replace(entry, name=self.name, patient_name="", patient_id=""), *self.later]

    def list_patient(self, name: str) -> None:
        (entry,) = super().images()
        number = str(1 + len(self.later))
        self.later.append(replace(entry, id=number, patient_name=name, patient_id=f"No {number}"))

    def image(self, image_id: str) -> codec.ImageMessage:
        return replace(super().image("0"), device_name=image_id)


@pytest.fixture
def clinic() -> ClinicThatListsLater:
    return ClinicThatListsLater()


def load(browser: Browser, server: ServerInThread) -> slicer.vtkMRMLScalarVolumeNode:
    connect(browser, server).list_images()
    return browser.load_image("0")


def names(scene: slicer.vtkMRMLScene, *patients: str) -> list[str]:
    """The texts of a scene that name one of the patients."""
    return [text for text in texts_in(scene).values() if any(name in text for name in patients)]


def test_what_the_user_calls_a_volume(
    unconnected: Browser, clinic: ClinicThatListsLater, clinic_server: ServerInThread
) -> None:
    volume = load(unconnected, clinic_server)
    volume.SetName("Before Meyer")
    unconnected.patients.hide()
    clinic.list_patient("Meyer")
    unconnected.list_images()
    assert not names(unconnected.scene, "Meyer")
    unconnected.patients.hide(False)
    assert volume.GetName() == "Before Meyer"


@pytest.mark.parametrize("new_name", ["After Jones", "With Jones and Meyer"])
def test_what_the_user_calls_a_volume_while_patients_are_hidden(
    new_name: str,
    unconnected: Browser,
    clinic: ClinicThatListsLater,
    clinic_server: ServerInThread,
) -> None:
    """The last name is the one that counts."""
    volume = load(unconnected, clinic_server)
    unconnected.patients.register("Meyer", "No 9")
    volume.SetName("Before Meyer")
    unconnected.patients.hide()
    volume.SetName(new_name)
    clinic.list_patient("Jones")
    unconnected.list_images()
    assert not names(unconnected.scene, "Meyer", "Jones")
    unconnected.patients.hide(False)
    assert volume.GetName() == new_name


def test_a_user_s_name_that_looks_like_the_server_s_without_patients(
    unconnected: Browser, clinic: ClinicThatListsLater, clinic_server: ServerInThread
) -> None:
    clinic.name = "CT of Smith"
    volume = load(unconnected, clinic_server)
    volume.SetName("CT of Jones")
    for name in ("Smith", "Jones"):
        unconnected.patients.register(name, "")
    for _ in range(2):
        unconnected.patients.hide()
        assert volume.GetName() == "CT of (hidden)"
        unconnected.patients.hide(False)
        assert volume.GetName() == "CT of Jones"


def test_what_the_user_calls_a_volume_that_says_of_nobody_and_was_left(
    unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    volume = load(unconnected, clinic_server)
    volume.SetName("Before Meyer")
    unconnected.close()
    late.patients.register("Meyer", "No 9")
    for _ in range(2):
        late.patients.hide()
        assert not names(late.scene, "Meyer")
        late.patients.hide(False)
        assert volume.GetName() == "Before Meyer"


@pytest.mark.parametrize("is_heard", [True, False], ids=["from a list", "otherwise"])
def test_a_name_that_is_another_patient_s_together_with_its_next_word(
    is_heard: bool,
    unconnected: Browser,
    clinic: ClinicThatListsLater,
    clinic_server: ServerInThread,
) -> None:
    clinic.name = "Smith-Jones CT"
    volume = load(unconnected, clinic_server)
    unconnected.patients.register("Smith", "No 9")
    unconnected.patients.hide()
    assert volume.GetName() == "(hidden)-Jones CT"
    if is_heard:
        clinic.list_patient("Smith-Jones")
        unconnected.list_images()
        assert volume.GetName() == "(hidden) CT"
    else:
        unconnected.patients.register("Smith-Jones", "")
    unconnected.patients.hide(False)
    assert volume.GetName() == "Smith-Jones CT"


def test_a_volume_that_a_scene_view_brings_back(
    views, unconnected: Browser, clinic: ClinicThatListsLater, clinic_server: ServerInThread
) -> None:
    """Nobody else knows what the image was called that the scene view was made of."""
    clinic.name = "Smith with Jones"
    volume = load(unconnected, clinic_server)
    store_view(views, volume)
    clinic.name = "CT"
    unconnected.list_images()
    unconnected.load_image("0")
    unconnected.patients.register("Smith", "No 9")
    unconnected.patients.hide()
    clinic.list_patient("Jones")
    unconnected.list_images()
    views.RestoreSceneView(0)
    assert not names(unconnected.scene, "Smith", "Jones")
    unconnected.patients.hide(False)
    assert volume.GetAttribute("IGTLMetaBrowser.Name") == "Smith with Jones"


@pytest.mark.parametrize("is_late", [True, False], ids=["another", "a new"])
def test_who_is_named_by_a_volume_that_a_closed_browser_has_covered(
    is_late: bool,
    unconnected: Browser,
    clinic: ClinicThatListsLater,
    clinic_server: ServerInThread,
) -> None:
    """Another browser of the scene hears of them, or one that was opened when none was left.

    The name comes back as far as there is a browser that knows it.
    """
    clinic.name = "CT of Smith with Jones"
    volume = load(unconnected, clinic_server)
    unconnected.patients.register("Smith", "No 9")
    if not is_late:
        unconnected.patients.hide()
        unconnected.close()
    with closing(Browser(unconnected.scene)) as other:
        hide_patients(True)
        if is_late:
            unconnected.close()
        assert names(other.scene, "Jones")
        clinic.list_patient("Jones")
        connect(other, clinic_server).list_images()
        assert not names(other.scene, "Smith", "Jones")
        hide_patients(False)
        assert is_late == (volume.GetName() == clinic.name)


def test_what_a_closed_browser_alone_has_hidden_stays_so_as_others_hear_of_more(
    unconnected: Browser, late: Browser, clinic: ClinicThatListsLater, clinic_server: ServerInThread
) -> None:
    clinic.name = "CT of Smith with Jones"
    volume = load(unconnected, clinic_server)
    unconnected.patients.register("Smith", "No 9")
    unconnected.patients.hide()
    unconnected.close()
    assert volume.GetName() == "CT of (hidden) with Jones"
    clinic.list_patient("Jones")
    connect(late, clinic_server).list_images()
    late.load_image("1")
    assert volume.GetName() == "CT of (hidden) with (hidden)"
    hide_patients(True)
    hide_patients(False)
    assert volume.GetName() == clinic.name


def test_who_is_named_by_a_volume_that_another_session_has_covered(
    unconnected: Browser,
    clinic: ClinicThatListsLater,
    clinic_server: ServerInThread,
    tmp_path: Path,
) -> None:
    """In a saved scene, which says of nobody whose volume it is."""
    volume = load(unconnected, clinic_server)
    covered = {
        "DICOM.PatientName": "Patient 1",
        "DICOM.SeriesDescription": "With Jones",
        "IGTLMetaBrowser.Name": "With Jones",
        "IGTLMetaBrowser.Patient": f"hidden {uuid4()}",
    }
    for name, text in covered.items():
        volume.SetAttribute(name, text)
    volume.SetName("With Jones")
    path = save_scene(unconnected.scene, tmp_path)
    unconnected.scene.Clear(0)
    unconnected.patients.hide()
    load_scene(unconnected.scene, path)
    clinic.list_patient("Jones")
    unconnected.list_images()
    assert not names(unconnected.scene, "Jones")
    assert "Patient 1" in texts_in(unconnected.scene).values()


@pytest.mark.parametrize("is_reversed", [False, True], ids=["same order", "other order"])
def test_what_the_user_calls_a_volume_of_which_two_browsers_have_covered_a_part_each(
    is_reversed: bool, unconnected: Browser, late: Browser, clinic_server: ServerInThread
) -> None:
    volume = load(unconnected, clinic_server)
    volume.SetName("Smith with Jones")
    unconnected.close()
    with closing(Browser(late.scene)) as other:
        both = [late, other]
        late.patients.register("Smith", "")
        late.patients.hide()
        other.patients.register("Jones", "")
        other.patients.hide()
        assert volume.GetName() == "(hidden) with (hidden)"
        first, last = reversed(both) if is_reversed else both
        first.patients.hide(False)
        assert volume.GetName() == "(hidden) with (hidden)"
        last.patients.hide(False)
        assert volume.GetName() == "Smith with Jones"
