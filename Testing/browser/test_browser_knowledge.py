"""What a script can have a browser know of images: calibrations, and that patients are hidden."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from helpers.hospital import parents
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.metadata.modules import IMAGE_PLANE, known_module


def test_a_calibration_is_used_known_and_undone(browser):
    browser.metadata.calibrate("MR", (0.5, 0.25))
    node = browser.load_image("MR")
    assert node.GetSpacing() == (0.5, 0.25, 1.0)
    assert known_module(browser.metadata.registry, IMAGE_PLANE, "MR").PixelSpacing == (0.25, 0.5)
    browser.metadata.remove_calibration("MR")
    assert node.GetSpacing() == (1.0, 1.0, 1.0)
    assert known_module(browser.metadata.registry, IMAGE_PLANE, "MR").PixelSpacing == (1.0, 1.0)


@pytest.mark.parametrize("spacing", [(), (0.5,), (1, 2, 3, 4), (0, 1), (1, 2, -3)])
def test_what_is_no_spacing_is_refused_and_nothing_changes(browser, spacing):
    node = browser.load_image("MR")
    with pytest.raises(ValueError, match=r"two numbers|from 0.0001 to 100"):
        browser.metadata.calibrate("MR", spacing)
    assert browser.metadata.calibration("MR") is None
    assert node.GetSpacing() == (1.0, 1.0, 1.0)


def test_each_server_s_images_have_their_own_calibrations(browser, server, hospital):
    browser.metadata.calibrate("MR", (0.5, 0.25))
    with ServerInThread(hospital) as other:
        browser.connect(other.host, other.port)
        assert browser.metadata.calibration("MR") is None
    browser.connect(server.host, server.port)
    assert browser.metadata.calibration("MR").column_spacing == 0.5


@pytest.mark.parametrize("is_reconnected", [False, True])
@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({"patient_id": "P2"}, True),
        ({"patient_id": "", "patient_name": "Roe, Jack"}, True),
        ({"patient_name": "PHANTOM, Head"}, False),
        ({"modality": "CT"}, False),
        ({"name": "Spine", "scan_time": codec.Timestamp.from_seconds(9)}, True),
        ({"name": "Head, corrected"}, False),
        ({"scan_time": codec.Timestamp.from_seconds(9)}, False),  # of the list, as some write
        ({"size": (9, 9, 9)}, True),
    ],
)
def test_what_is_known_of_an_image_is_not_kept_for_another(
    browser, server, hospital, change, is_another, is_reconnected
):
    """Of a server that numbers its images, and goes on with the next one, or the next patient."""
    hospital.entries[0] = replace(hospital.entries[0], scan_time=codec.Timestamp.from_seconds(5))
    browser.list_images()
    browser.load_image("MR")
    browser.metadata.calibrate("MR", (0.5, 0.25))
    browser.metadata.set_value("MR", "PatientID", "corrected")
    hospital.entries[0] = replace(hospital.entries[0], **change)
    if is_reconnected:
        browser.connect(server.host, server.port)
    browser.list_images()
    node = browser.load_image("MR")
    study = browser.metadata.normalized("MR")["study"]
    if is_another:
        assert node.GetSpacing() == (1.0, 1.0, 1.0)
        assert study.get("PatientID", "") == hospital.entries[0].patient_id
    else:
        assert node.GetSpacing() == (0.5, 0.25, 1.0)
        assert study["PatientID"] == "corrected"


def test_hidden_patients_have_pseudonyms_in_the_scene(browser, events):
    browser.patients.hide(True)
    node = browser.load_image("MR")
    assert parents(node) == ["Patient 1"]
    assert node.GetAttribute("DICOM.PatientName") == "Patient 1"
    assert node.GetAttribute("DICOM.PatientID") is None
    browser.patients.hide(False)
    assert parents(node) == ["Phantom, Head"]
    assert node.GetAttribute("DICOM.PatientID") == "P1"


def test_a_browser_that_is_closed_leaves_the_log_as_it_was(scene):
    package = logging.getLogger("IGTLMetaBrowserLib")
    browser = Browser(scene)
    browser.patients.hide(True)
    assert not package.propagate
    browser.close()
    assert package.propagate
    assert package.handlers == []
