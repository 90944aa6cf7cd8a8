"""What the browser's metadata providers tell follows its list."""

from __future__ import annotations

from dataclasses import replace

from IGTLMetaBrowserLib.metadata.modules import PATIENT, Patient
from IGTLMetaBrowserLib.metadata.registry import NOTHING


def test_another_list_is_believed_at_once(browser, hospital):
    entry = browser.images.entry("CT")
    assert browser.metadata.registry.get(PATIENT, "CT") == Patient(
        entry.patient_name, entry.patient_id
    )

    renamed = [replace(item, patient_id="P99") for item in hospital.images()]
    hospital.images = lambda: renamed
    browser.list_images()
    assert browser.metadata.registry.get(PATIENT, "CT").PatientID == "P99"


def test_without_a_server_nothing_is_known(browser):
    assert browser.metadata.registry.get(PATIENT, "CT")
    browser.disconnect()
    assert browser.metadata.registry.get(PATIENT, "CT") is NOTHING
