"""Records of DICOM's modules: read from what somebody knows, and put together from several."""

from __future__ import annotations

import dataclasses
import logging

import pytest
from pydicom.datadict import dictionary_keyword, tag_for_keyword

from IGTLMetaBrowserLib.metadata.modules import (
    DICOM_RECORDS,
    IMAGE_PLANE,
    PATIENT,
    PATIENT_STUDY,
    RECORDS,
    TYPES,
    Patient,
    known_fields,
    known_module,
    read_module,
)
from IGTLMetaBrowserLib.metadata.registry import NOTHING, MetadataProviders
from IGTLMetaBrowserLib.metadata.values import is_known, module_items


@pytest.fixture
def providers() -> MetadataProviders:
    providers = MetadataProviders()
    providers.add_provider(lambda type_, _: Patient("From the list", "P1"))
    providers.add_provider(lambda type_, _: Patient("From the message", ""), priority=10)
    return providers


@pytest.mark.parametrize("type_", DICOM_RECORDS)
def test_fields_are_dicom_keywords(type_):
    for field in dataclasses.fields(DICOM_RECORDS[type_]):
        tag = tag_for_keyword(field.name)
        assert tag is not None, field.name
        assert dictionary_keyword(tag) == field.name


@pytest.mark.parametrize("record", RECORDS.values())
def test_a_record_knows_nothing_at_first_cannot_be_changed_and_says_what_it_is(record):
    module = record()
    assert not any(is_known(value) for _, value in module_items(module))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(module, dataclasses.fields(module)[0].name, "changed")
    assert "PS3." in record.__doc__ or "no module of DICOM's" in record.__doc__


def test_the_modules_that_are_written_onto_nodes_are_some_of_these():
    assert set(TYPES) <= set(DICOM_RECORDS)


def test_a_module_is_read_by_its_keywords():
    known = {"PixelSpacing": "0.5\\0.25", "SliceThickness": "2", "Weather": "fine"}
    plane = read_module(IMAGE_PLANE, known.get)
    assert (plane.PixelSpacing, plane.SliceThickness) == ((0.5, 0.25), 2.0)
    assert plane.ImagePositionPatient is None


@pytest.mark.parametrize("type_", [PATIENT, "rainfall", "derived"])
def test_a_module_of_which_nothing_is_known_is_nothing(type_):
    assert read_module(type_, {"NumberOfSlices": "4"}.get) is NOTHING


def test_a_value_of_the_wrong_kind_is_reported_and_passed_over(caplog):
    with caplog.at_level(logging.WARNING):
        study = read_module(PATIENT_STUDY, {"PatientWeight": "heavy", "PatientAge": "045Y"}.get)
    assert (study.PatientWeight, study.PatientAge) == (None, "045Y")
    assert "PatientWeight is passed over: it is not a number" in caplog.text
    assert "heavy" not in caplog.text  # values may name a patient


def test_each_field_comes_from_the_first_provider_that_knows_it(providers):
    assert known_module(providers, PATIENT, "A") == Patient("From the message", "P1")


def test_a_module_of_which_nobody_knows_anything_is_empty():
    assert known_module(MetadataProviders(), PATIENT, "A") == Patient()


def test_a_module_may_be_a_mapping_and_may_know_more(providers):
    providers.add_provider(lambda type_, _: {"PatientSex": "F", "Weather": "fine"}, 20)
    module = known_module(providers, PATIENT, "A")
    assert module == Patient("From the message", "P1", PatientSex="F")


def test_fields_as_texts(providers):
    providers.add_provider(lambda type_, _: {"PatientSize": 1.75}, 20)
    assert known_fields(providers, PATIENT_STUDY, "A") == {
        "PatientAge": "",
        "PatientSize": "1.75",
        "PatientWeight": "",
        "AdditionalPatientHistory": "",
    }
    fields = known_fields(providers, PATIENT, "A")
    assert (fields["PatientName"], fields["PatientID"]) == ("From the message", "P1")
    assert set(fields.values()) == {"From the message", "P1", ""}
