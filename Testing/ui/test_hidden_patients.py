"""Hide patient names: nobody who looks at the screen, the scene or the log learns who it is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import QModelIndex, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QTableView, QWidget

from helpers.clinic import SECRETS, Clinic, clinic_server
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser import Browser

MODULE = Path(__file__).parents[2] / "IGTLMetaBrowser" / "IGTLMetaBrowser.py"
SETTING = "IGTLMetaBrowser/HidePatientNames"
IMAGES = ("HEAD", "LINDQVIST_MR", "PET", "BROKEN")


@pytest.fixture(autouse=True)
def everything_is_logged(caplog) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.fixture
def doctor(user) -> Iterator[Any]:
    with clinic_server(Clinic()) as server:
        user.server_port = server.port
        yield user


def connect(user) -> None:
    user.connect_to(user.server_port)
    user.wait_for_status("offers 4 images")
    user.ui.detailsCollapsibleButton.collapsed = False


def click_check_box(user) -> None:
    user.press_key(user.ui.hidePatientsCheckBox, Qt.Key_Space)


def load_all(user) -> None:
    for image_id in IMAGES:
        user.load(image_id)
    details = user.panel.images.details
    user.wait_for(lambda: not details._timer.isActive(), "the details")


# What can be seen


def table_texts(view: QTableView) -> Iterator[str]:
    model = view.model()
    for row in range(model.rowCount(QModelIndex())):
        for column in range(model.columnCount(QModelIndex())):
            for role in (Qt.DisplayRole, Qt.ToolTipRole):
                yield str(model.data(model.index(row, column), role))


def texts_on_screen(user) -> str:
    texts = []
    for widget in user.module.window.findChildren(QWidget):
        texts.append(widget.toolTip)
        if isinstance(widget, (QLabel, QLineEdit)):
            texts.append(widget.text)
        if isinstance(widget, QTableView):
            texts += table_texts(widget)
    for image_id in IMAGES:
        row = user.panel.model.row(image_id)
        user.ui.imageTableView.setCurrentIndex(user.panel.model.index(row, 0))
        texts += table_texts(user.ui.detailsTableView)
    return "\n".join(texts)


def copied_texts(user) -> str:
    user.panel.images.details.copyAll()
    texts = [QApplication.clipboard().text()]
    user.panel.images.selectAll()
    user.panel.images.copying.copyIds()
    return "\n".join([*texts, QApplication.clipboard().text()])


def scene_as_file(host) -> str:
    """The text of a scene that is saved, without the names that all scenes have."""
    scene = host.mrmlScene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    scene.SetSaveToXMLString(0)
    return scene.GetSceneXMLString()


def leaks(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, "Müller", "Jörg", "W-0877") if secret in text]


def hierarchy_names(host) -> set[str]:
    hierarchy = host.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(host.mrmlScene)
    nodes = (hierarchy.GetItemByName(f"Patient {number}") for number in range(1, 9))
    return {hierarchy.GetItemName(item) for item in nodes if item}


# The tests


def test_hidden_from_the_beginning(doctor, slicer_host, caplog, capfd):
    click_check_box(doctor)
    connect(doctor)
    load_all(doctor)
    assert leaks(texts_on_screen(doctor)) == []
    assert leaks(copied_texts(doctor)) == []
    assert leaks(scene_as_file(slicer_host)) == []
    assert leaks(caplog.text + capfd.readouterr().err) == []
    assert hierarchy_names(slicer_host) == {"Patient 1", "Patient 2"}


def test_without_it_all_of_that_would_be_seen(doctor, slicer_host):
    connect(doctor)
    load_all(doctor)
    for text in (texts_on_screen(doctor), scene_as_file(slicer_host)):
        assert {"Lindqvist", "W-1021", "19500203"} <= set(leaks(text))
    assert "LINDQVIST" in leaks(copied_texts(doctor))


def test_hidden_when_everything_is_there_already(doctor, slicer_host, caplog, capfd):
    connect(doctor)
    load_all(doctor)
    caplog.clear()
    doctor.type_filter("LINDQVIST")
    click_check_box(doctor)
    assert leaks(capfd.readouterr().err) == []  # where VTK and Qt write
    assert doctor.ui.filterLineEdit.text == ""
    assert leaks(texts_on_screen(doctor)) == []
    assert leaks(copied_texts(doctor)) == []
    assert leaks(scene_as_file(slicer_host)) == []
    assert leaks(caplog.text) == []


def test_what_was_hidden_comes_back(doctor, slicer_host):
    connect(doctor)
    load_all(doctor)
    node = doctor.panel.browser.images.node("LINDQVIST_MR")
    texts, in_scene = texts_on_screen(doctor), leaks(scene_as_file(slicer_host))
    click_check_box(doctor)
    assert node.GetName() == "MR of (hidden)"
    click_check_box(doctor)
    assert node.GetName() == "MR of Astrid LINDQVIST"
    assert leaks(scene_as_file(slicer_host)) == in_scene
    assert hierarchy_names(slicer_host) == set()
    assert leaks(texts_on_screen(doctor)) == leaks(texts)


def test_the_volume_keeps_everything_that_names_nobody(doctor):
    click_check_box(doctor)
    connect(doctor)
    doctor.load("HEAD")
    node = doctor.panel.browser.images.node("HEAD")
    attributes = {name: node.GetAttribute(name) for name in node.GetAttributeNames()}
    assert attributes["DICOM.PatientName"] == "Patient 1"
    assert attributes["DICOM.StudyInstanceUID"] == "1.2.3"
    assert attributes["DICOM.StudyDescription"] == "Head of A. (hidden) ((hidden))"
    assert attributes["OpenIGTLink.PixelSpacing"] == "2\\1"
    assert attributes["OpenIGTLink.Remark"] == "born (hidden)"
    assert "DICOM.PatientID" not in attributes
    assert "DICOM.AccessionNumber" not in attributes
    assert "OpenIGTLink.OtherPatientNames" not in attributes


def test_the_user_s_own_name_for_a_volume_stays(doctor):
    connect(doctor)
    doctor.load("HEAD")
    node = doctor.panel.browser.images.node("HEAD")
    node.SetName("To be drilled")
    click_check_box(doctor)
    click_check_box(doctor)
    assert node.GetName() == "To be drilled"


def test_filter_and_sorting_know_the_pseudonyms_alone(doctor):
    click_check_box(doctor)
    connect(doctor)
    doctor.type_filter("lindqvist")
    doctor.press_key(doctor.ui.filterLineEdit, Qt.Key_Return)
    assert doctor.ids() == []
    doctor.ui.filterLineEdit.selectAll()
    QTest.keyClicks(doctor.ui.filterLineEdit, "patient 2")
    doctor.press_key(doctor.ui.filterLineEdit, Qt.Key_Return)
    assert doctor.ids() == ["PET"]


def test_details_tell_that_there_is_something(doctor):
    click_check_box(doctor)
    connect(doctor)
    doctor.load("HEAD")
    model = doctor.panel.images.details.model
    doctor.wait_for(lambda: "Remark" in model.lines(range(model.rowCount())), "the details")
    lines = model.lines(range(model.rowCount())).splitlines()
    assert "Patient name\tPatient 1\tMetadata" in lines
    assert "Patient birth date\t(hidden)\tMetadata" in lines
    assert "Remark\tborn (hidden)\tMetadata" in lines


def test_the_search_in_details_does_not_find_what_is_hidden(doctor):
    click_check_box(doctor)
    connect(doctor)
    doctor.select("HEAD")
    QTest.keyClicks(doctor.ui.detailsSearchLineEdit, "w-1021")
    assert doctor.panel.images.details.model.rowCount() == 0


def test_images_can_be_loaded_and_calibrated_by_their_real_ids(doctor):
    click_check_box(doctor)
    connect(doctor)
    doctor.load("LINDQVIST_MR")
    assert doctor.state("LINDQVIST_MR") == "loaded"
    doctor.ui.spacingLineEdit.text = "0.5 0.5"
    doctor.press(doctor.ui.calibrateButton)
    assert doctor.panel.browser.images.node("LINDQVIST_MR").GetSpacing()[:2] == (0.5, 0.5)
    assert doctor.status == "'MR of (hidden)' is calibrated: pixel spacing 0.5 × 0.5 mm."


def test_two_patients_stay_two(doctor, slicer_host):
    connect(doctor)
    load_all(doctor)
    click_check_box(doctor)
    hierarchy = slicer_host.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(
        slicer_host.mrmlScene
    )

    def patient(image_id):
        item = hierarchy.GetItemByDataNode(doctor.panel.browser.images.node(image_id))
        return hierarchy.GetItemAncestorAtLevel(item, "Patient")

    assert patient("HEAD") == patient("LINDQVIST_MR") != patient("PET")


def test_another_session_s_patient_1_is_not_taken_for_this_one(doctor, slicer_host):
    hierarchy = slicer_host.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(
        slicer_host.mrmlScene
    )
    hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient 1")
    click_check_box(doctor)
    connect(doctor)
    doctor.load("HEAD")
    item = hierarchy.GetItemByDataNode(doctor.panel.browser.images.node("HEAD"))
    patient = hierarchy.GetItemAncestorAtLevel(item, "Patient")
    assert hierarchy.GetItemName(patient) == "Patient 1_1"


def test_it_is_the_user_s_choice_for_all_scenes_and_sessions(doctor, slicer_host):
    click_check_box(doctor)
    assert QSettings().value(SETTING) in (True, "true")
    slicer_host.mrmlScene.Clear()
    assert doctor.ui.hidePatientsCheckBox.checked
    logic = type(doctor.module.widget.logic)()  # as a script makes one
    assert logic.browser.patients.is_hidden
    logic.close()
    click_check_box(doctor)
    assert QSettings().value(SETTING) in (False, "false")


def test_what_is_chosen_in_one_panel_is_done_in_all_and_by_scripts(doctor, slicer_host, caplog):
    """Their images are in one scene, and they write one log."""
    widget = type(doctor.module.widget)()  # a panel in a window of its own
    other = type(doctor)(SimpleNamespace(widget=widget, window=widget.parent))
    other.server_port = doctor.server_port
    script = Browser(slicer_host.mrmlScene)
    script.connect("127.0.0.1", doctor.server_port)
    script.load_image("HEAD")
    script.disconnect()
    connect(other)
    other.load("LINDQVIST_MR")
    click_check_box(doctor)
    caplog.clear()
    assert other.ui.hidePatientsCheckBox.checked
    assert script.patients.is_hidden
    assert leaks(scene_as_file(slicer_host)) == leaks(texts_on_screen(other)) == []
    later = Browser(slicer_host.mrmlScene)
    assert later.patients.is_hidden
    other.panel.browser.disconnect()
    later.connect("127.0.0.1", doctor.server_port)
    later.load_image("PET")
    assert leaks(scene_as_file(slicer_host)) == leaks(caplog.text) == []
    click_check_box(other)
    assert not doctor.ui.hidePatientsCheckBox.checked
    assert [one.patients.is_hidden for one in (script, later)] == [False, False]
    assert "Lindqvist" in leaks(scene_as_file(slicer_host))
    for browser in (script, later):
        browser.close()
    widget.cleanup()


def test_a_script_hides_the_patients_of_its_browser_alone(doctor, slicer_host):
    script = Browser(slicer_host.mrmlScene)
    script.patients.hide()
    assert not doctor.ui.hidePatientsCheckBox.checked
    doctor.panel.browser.patients.hide()
    assert doctor.ui.hidePatientsCheckBox.checked
    assert QSettings().value(SETTING) not in (True, "true")  # the user has not chosen that
    script.close()


def test_a_module_that_is_opened_beside_a_script_that_hides_them_does_not_show_them(
    load_slicer_module, slicer_host
):
    script = Browser(slicer_host.mrmlScene)
    script.patients.hide()
    widget = load_slicer_module(MODULE).widget
    assert widget.ui.hidePatientsCheckBox.checked
    assert widget.logic.browser.patients.is_hidden
    script.close()


@pytest.mark.parametrize("stored", [True, "true"])  # as settings come back, by their file
def test_the_choice_counts_from_the_first_moment(load_slicer_module, slicer_host, stored):
    QSettings().setValue(SETTING, stored)
    widget = load_slicer_module(MODULE).widget
    assert widget.ui.hidePatientsCheckBox.checked
    assert widget.logic.browser.patients.is_hidden


def test_the_tool_tip_tells_what_is_hidden_and_what_is_not(doctor):
    tip = doctor.ui.hidePatientsCheckBox.toolTip
    assert all(word in tip for word in ("Patient 1", "subject hierarchy", "log", "pixels"))


def test_one_hidden_patient_is_named_once_above_the_table(user, offer):
    offer([codec.ImageMetaItem(name, name, patient_name="Lindqvist") for name in ("A", "B")])
    assert user.ui.listedLabel.toolTip.count("All images: Patient Lindqvist ·")
    click_check_box(user)
    assert user.ui.listedLabel.toolTip.count("All images: Patient 1 ·")
