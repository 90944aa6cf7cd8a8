"""A calibrated pixel spacing: typed in, used by the volume, marked, and undone."""

from __future__ import annotations

import pytest
import vtk
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.clinic import SPACING, Clinic, clinic_server
from helpers.peers import ServerInThread


@pytest.fixture
def doctor(user):
    with clinic_server(Clinic()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.ui.detailsCollapsibleButton.collapsed = False
        yield user


def type_spacing(user, text: str) -> None:
    user.ui.spacingLineEdit.selectAll()
    QTest.keyClicks(user.ui.spacingLineEdit, text)


def calibrate(user, text: str) -> None:
    type_spacing(user, text)
    user.press(user.ui.calibrateButton)


def details(user, attribute: str) -> tuple[str, ...]:
    model = user.panel.images.details.model
    rows = [[model.data(model.index(row, c)) for c in range(3)] for row in range(model.rowCount())]
    (found,) = [row for row in rows if row[0] == attribute]
    return tuple(found)


def wait_for_details(user) -> None:
    timer = user.panel.images.details._timer
    user.wait_for(lambda: not timer.isActive(), "the details")


def directions_of(node) -> list[float]:
    result = vtk.vtkMatrix4x4()
    node.GetIJKToRASDirectionMatrix(result)
    return [result.GetElement(row, column) for row in range(3) for column in range(3)]


def test_a_spacing_that_is_typed_in_before_is_used_when_the_volume_is_made(doctor):
    doctor.select("PET")
    calibrate(doctor, "0.5 0.25")
    assert doctor.status == "'PET' is calibrated: pixel spacing 0.5 × 0.25 mm."
    assert doctor.state("PET") == "calibrated"
    doctor.load("PET")
    assert doctor.panel.browser.images.node("PET").GetSpacing() == (0.5, 0.25, 3.0)
    assert "calibrated pixel spacing: 0.5 × 0.25 mm" in doctor.status


def test_it_is_applied_to_a_volume_that_is_there_and_undone(doctor):
    doctor.load("PET")
    node = doctor.panel.browser.images.node("PET")
    origin, directions = node.GetOrigin(), directions_of(node)
    doctor.ui.spacingLineEdit.setFocus()
    type_spacing(doctor, "0.5 0.25 2")
    doctor.press_key(doctor.ui.spacingLineEdit, Qt.Key_Return)
    assert node.GetSpacing() == (0.5, 0.25, 2.0)
    assert (node.GetOrigin(), directions_of(node)) == (origin, directions)
    assert node.GetAttribute("IGTLMetaBrowser.CalibratedSpacing") == "0.5 0.25 2.0"
    doctor.press(doctor.ui.removeCalibrationButton)
    assert node.GetSpacing() == SPACING
    assert node.GetAttribute("IGTLMetaBrowser.CalibratedSpacing") is None
    assert doctor.status == "'PET' uses its own pixel spacing again."
    assert doctor.state("PET") == "loaded"
    assert not doctor.ui.removeCalibrationButton.enabled


def test_one_that_is_changed_twice_is_undone_to_the_image_s_own(doctor):
    doctor.load("PET")
    calibrate(doctor, "0.5 0.5 0.5")
    calibrate(doctor, "0.7 0.7")
    node = doctor.panel.browser.images.node("PET")
    assert node.GetSpacing() == (0.7, 0.7, 3.0)
    doctor.press(doctor.ui.removeCalibrationButton)
    assert node.GetSpacing() == SPACING


def test_it_is_marked_wherever_it_is_shown(doctor):
    doctor.load("HEAD")
    calibrate(doctor, "0.5 0.25")
    wait_for_details(doctor)
    # DICOM has rows before columns.
    assert details(doctor, "Pixel spacing")[1:] == (
        "0.25\\0.5 (calibrated)",
        "Calibration (others differ)",
    )
    assert details(doctor, "Pixel spacing calibration description")[2] == "Calibration"
    assert details(doctor, "Note")[1] == "calibrated pixel spacing: 0.5 × 0.25 mm"
    assert doctor.state("HEAD") == "loaded, calibrated"
    row = doctor.panel.model.row("HEAD")
    tip = doctor.panel.model.data(doctor.panel.model.index(row, 0), Qt.ToolTipRole)
    assert "calibrated pixel spacing: 0.5 × 0.25 mm" in tip


def test_an_image_that_is_loaded_again_stays_calibrated_and_can_be_undone(doctor):
    doctor.load("PET")
    calibrate(doctor, "0.5 0.5")
    doctor.load("PET")
    node = doctor.panel.browser.images.node("PET")
    assert node.GetSpacing() == (0.5, 0.5, 3.0)
    doctor.press(doctor.ui.removeCalibrationButton)
    assert node.GetSpacing() == SPACING


def test_the_box_shows_the_spacing_of_the_image_that_is_selected(doctor):
    doctor.select("PET")
    calibrate(doctor, "0.5 0.25")
    doctor.select("HEAD")
    assert doctor.ui.spacingLineEdit.text == ""
    assert not doctor.ui.removeCalibrationButton.enabled
    doctor.select("PET")
    assert doctor.ui.spacingLineEdit.text == "0.5 0.25"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "two numbers"),
        ("0.5", "two numbers"),
        ("1 2 3 4", "two numbers"),
        ("0.5 -1", "from 0.0001 to 100"),
        ("0 1", "from 0.0001 to 100"),
        ("nan 1", "from 0.0001 to 100"),
        ("1e999 1", "from 0.0001 to 100"),
        ("1e9 1", "from 0.0001 to 100"),
        ("0.5 0.00001", "from 0.0001 to 100"),
        ("half a mm", "not a pixel spacing"),
        ("0.5,0.5", "not a pixel spacing"),
    ],
)
def test_what_is_no_spacing_is_refused_in_words(doctor, text, words):
    doctor.load("PET")
    calibrate(doctor, text)
    assert words in doctor.status
    assert doctor.state("PET") == "loaded"
    assert doctor.panel.browser.images.node("PET").GetSpacing() == SPACING


@pytest.mark.parametrize("text", ["0.5 0.25", "0,5 0,25", "0.5, 0.25", "0.5;0.25", "0,5 × 0,25"])
def test_two_numbers_can_be_written_in_several_ways(doctor, text):
    doctor.select("PET")
    doctor.ui.spacingLineEdit.text = text  # QTest has no key for ×
    doctor.press(doctor.ui.calibrateButton)
    assert doctor.status == "'PET' is calibrated: pixel spacing 0.5 × 0.25 mm."


def test_a_calibration_is_for_one_server_s_image_and_there_again_with_the_server(doctor):
    port = doctor.ui.portSpinBox.value
    doctor.load("PET")
    calibrate(doctor, "0.5 0.5")
    calibrated = doctor.panel.browser.images.node("PET")
    with ServerInThread(Clinic()) as other:
        doctor.press(doctor.ui.connectButton)
        doctor.connect_to(other.port)
        doctor.wait_for_status("offers 4 images")
        doctor.load("PET")
        assert doctor.panel.browser.images.node("PET").GetSpacing() == SPACING
        doctor.press(doctor.ui.connectButton)
    doctor.connect_to(port)
    doctor.wait_for_status("offers 4 images")
    doctor.select("PET")
    doctor.press(doctor.ui.removeCalibrationButton)
    assert calibrated.GetSpacing() == SPACING
