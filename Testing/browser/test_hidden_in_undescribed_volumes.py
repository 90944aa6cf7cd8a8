"""Patients are hidden in volumes that no open browser has described, and shown again."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
import slicer

from helpers.hospital import parents
from helpers.one_patient import JONES, SMITH, Clinic, connect
from helpers.peers import ServerInThread
from helpers.perfusion import perfusion
from helpers.saved_scene import load_scene, save_scene
from helpers.scene_texts import dicom_texts, texts_in
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageStatus
from IGTLMetaBrowserLib.scene.server_nodes.attributes import IMAGE_ID_ATTRIBUTE
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

__all__ = ["perfusion"]
OF_PATIENT = ("Phantom, Head", "P1")


@pytest.mark.parametrize("is_saved", [False, True], ids=["of a closed browser", "of a saved scene"])
def test_the_volume_and_its_patient_s_folder(
    browser: Browser, late: Browser, scene: slicer.vtkMRMLScene, is_saved: bool, tmp_path: Path
) -> None:
    browser.load_image("CT")
    browser.close()
    if is_saved:
        path = save_scene(scene, tmp_path)
        scene.Clear(0)
        load_scene(scene, path)
    before = texts_in(scene)
    assert set(OF_PATIENT) <= {*before.values()}
    late.patients.hide()
    assert not set(OF_PATIENT) & {*texts_in(scene).values()}
    late.patients.hide(False)
    assert texts_in(scene) == before


def test_a_scene_that_is_opened_while_patients_are_hidden(
    browser: Browser, server: ServerInThread, scene: slicer.vtkMRMLScene, tmp_path: Path
) -> None:
    """Its images are found as those of the server, and named when patients are shown."""
    browser.load_image("CT")
    path = save_scene(scene, tmp_path)
    scene.Clear(0)
    browser.patients.hide()
    load_scene(scene, path)
    assert not set(OF_PATIENT) & {*texts_in(scene).values()}
    assert browser.images.states.of("CT").status is ImageStatus.LOADED
    browser.patients.hide(False)
    assert dicom_texts(browser.images.node("CT"))["DICOM.PatientName"] == OF_PATIENT[0]
    assert not any("hidden" in text for text in texts_in(scene).values())


def test_what_an_open_browser_has_described_is_hidden_by_that_one(
    browser: Browser, late: Browser, scene: slicer.vtkMRMLScene
) -> None:
    """It knows more than the node says."""
    browser.load_image("CT")
    before = texts_in(scene)
    late.patients.hide()
    assert texts_in(scene) == before
    browser.patients.hide()
    assert not set(OF_PATIENT) & {*texts_in(scene).values()}
    late.patients.hide(False)
    browser.patients.hide(False)
    assert texts_in(scene) == before


def test_the_frames_of_a_4d_series_and_what_replays_them(
    unconnected: Browser, late: Browser, scene, sequences, perfusion: Path
) -> None:
    with ServerInThread(DicomFolderSource(perfusion)) as server:
        browser = connect(unconnected, server)
        browser.list_images()
        entries = browser.images.listing.entries
        player = browser.load_sequence(entries[0].id)
        browser.close()
    names = {entries[0].patient_name, entries[0].patient_id}
    for number in (2, 0):
        player.SetSelectedItemNumber(number)
    before = texts_in(scene)
    assert names <= {*before.values()}
    late.patients.hide()
    player.SetSelectedItemNumber(2)
    assert not names & {*texts_in(scene).values()}
    late.patients.hide(False)
    # The volume says what the frame says that it shows now.
    volume = player.GetProxyNode(player.GetMasterSequenceNode())
    frame = player.GetMasterSequenceNode().GetNthDataNode(2)
    assert volume.GetAttribute("IGTLMetaBrowser.ImageId") == entries[2].id
    assert dicom_texts(volume) == dicom_texts(frame)
    player.SetSelectedItemNumber(0)
    assert texts_in(scene) == before
    late.patients.register(entries[0].name, "")  # so that the names of the images name a patient
    for is_hidden in (True, False):
        late.patients.hide(is_hidden)
        for name in ("IGTLMetaBrowser.Name", "Sequences.BaseName"):
            assert ("(hidden)" in volume.GetAttribute(name)) is is_hidden


@pytest.mark.parametrize("is_users", [False, True], ids=["one id", "the user's"])
def test_of_two_patients_each_volume_gets_its_own_name_again(
    late: Browser, scene: slicer.vtkMRMLScene, clinic: Clinic, is_users: bool
) -> None:
    """Two servers give one id to both; what has become the user's has none."""
    next_door = Clinic()
    next_door.patient = JONES
    closed = Browser(scene)
    for one in (clinic, next_door):
        with ServerInThread(one) as server:
            connect(closed, server).list_images()
            volume = closed.load_image("0")
            if is_users:
                volume.RemoveAttribute(IMAGE_ID_ATTRIBUTE)
    closed.close()
    before = texts_in(scene)
    late.patients.hide()
    assert not {*SMITH, *JONES} & {*texts_in(scene).values()}
    late.patients.hide(False)
    assert texts_in(scene) == before


def test_what_has_come_meanwhile_is_not_written_over(
    late: Browser, scene: slicer.vtkMRMLScene, clinic: Clinic, clinic_server: ServerInThread
) -> None:
    """A server that was started again gives the id to the next patient's image."""
    with closing(Browser(scene)) as closed:
        connect(closed, clinic_server).list_images()
        closed.load_image("0")
    late.patients.hide()
    clinic.patient = JONES
    connect(late, clinic_server).list_images()
    volume = late.load_image("0")
    late.patients.hide(False)
    assert volume.GetAttribute("DICOM.PatientName") == JONES[1]
    assert parents(volume) == [JONES[1]]


def test_a_volume_that_is_saved_and_opened_again_while_they_are_hidden(
    browser: Browser, late: Browser, scene: slicer.vtkMRMLScene, tmp_path: Path
) -> None:
    browser.load_image("CT")
    browser.close()
    before = {*texts_in(scene).values()}
    late.patients.hide()
    path = save_scene(scene, tmp_path)
    assert not any(word in path.read_text(encoding="utf-8") for word in OF_PATIENT)
    scene.Clear(0)
    load_scene(scene, path)
    late.patients.hide(False)
    assert before <= {*texts_in(scene).values()}


def test_a_patient_with_an_id_who_is_called_as_a_pseudonym(
    late: Browser, scene: slicer.vtkMRMLScene, clinic: Clinic, clinic_server: ServerInThread
) -> None:
    """So studies call those who take part."""
    clinic.patient = ("W-1021", "Patient 7")
    with closing(Browser(scene)) as closed:
        connect(closed, clinic_server).list_images()
        closed.load_image("0")
    before = texts_in(scene)
    late.patients.hide()
    assert not {*clinic.patient} & {*texts_in(scene).values()}
    late.patients.hide(False)
    assert texts_in(scene) == before
