"""What the browser's metadata providers tell follows its list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from IGTLMetaBrowserLib.metadata.modules import PATIENT, Patient
from IGTLMetaBrowserLib.metadata.registry import NOTHING


def test_another_list_is_believed_at_once(browser, hospital):
    entry = browser.images.listing.entry("CT")
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


def test_what_is_known_by_study_series_and_instance(browser):
    entry = browser.images.listing.entry("CT")
    known = browser.metadata.normalized("CT")
    assert known["study"]["PatientID"] == entry.patient_id
    assert known["series"]["Modality"] == "CT"
    assert known["instance"]["Rows"] == entry.size[1]


def test_with_hidden_patients_nobody_is_named_in_it(browser):
    entry = browser.images.listing.entry("CT")
    browser.patients.hide(True)
    known = browser.metadata.normalized("CT")
    assert entry.patient_id not in str(known)
    assert entry.patient_name not in str(known)
    assert known["series"]["Modality"] == "CT"


def test_a_value_that_the_user_sets_counts_until_it_is_removed(browser):
    browser.metadata.set_value("CT", "Modality", "OT")
    assert browser.metadata.normalized("CT")["series"]["Modality"] == "OT"
    browser.metadata.remove_value("CT", "Modality")
    assert browser.metadata.normalized("CT")["series"]["Modality"] == "CT"


def test_a_value_that_does_not_fit_its_keyword_is_refused(browser):
    with pytest.raises(ValueError, match="cannot be the Rows"):
        browser.metadata.set_value("CT", "Rows", "many")


def test_servers_that_were_left_are_asked_nothing_more(browser):
    """Each of them left a provider that asked the others: 25 servers later a step took seconds."""
    asked = []

    def count(type_, image_id):
        asked.append(type_)
        return NOTHING

    def questions() -> int:
        asked.clear()
        assert browser.metadata.normalized("CT") == {}
        return len(asked)

    browser.metadata.registry.add_provider(count)
    browser.metadata.select_server("server 0")
    once = questions()
    for number in range(1, 12):
        browser.metadata.select_server(f"server {number}")
    assert questions() == once
