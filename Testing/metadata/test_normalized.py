"""Modules merged into one flat set of DICOM keywords, each value with its provider."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.modules import (
    GENERAL_SERIES,
    GENERAL_STUDY,
    PATIENT,
    GeneralSeries,
    GeneralStudy,
    Patient,
)
from IGTLMetaBrowserLib.metadata.registry import NOTHING, MetadataProviders


def archive(type_, image_id):
    modules = {
        PATIENT: Patient("Doe^Jane", "42"),
        GENERAL_STUDY: GeneralStudy(StudyInstanceUID="1.2.3"),
    }
    return modules.get(type_, NOTHING)


def scanner(type_, image_id):
    modules = {
        PATIENT: Patient("Doe^J", ""),
        GENERAL_SERIES: GeneralSeries("CT", SeriesNumber=0),
    }
    return modules.get(type_, NOTHING)


@pytest.fixture
def providers() -> MetadataProviders:
    providers = MetadataProviders()
    providers.add_provider(archive)
    providers.add_provider(scanner, 1)
    return providers


def test_all_modules_become_one_set(providers):
    normalized = providers.get_normalized("A", [PATIENT, GENERAL_STUDY, GENERAL_SERIES])
    assert {keyword: known.value for keyword, known in normalized.items()} == {
        "PatientName": "Doe^J",
        "PatientID": "42",
        "StudyInstanceUID": "1.2.3",
        "Modality": "CT",
        "SeriesNumber": 0,
    }


def test_each_value_has_the_provider_that_gave_it(providers):
    normalized = providers.get_normalized("A", [PATIENT])
    assert normalized["PatientName"].provider is scanner
    assert normalized["PatientID"].provider is archive
    assert normalized["PatientID"].type_ == PATIENT


def test_only_the_types_that_are_asked_for_are_merged(providers):
    assert set(providers.get_normalized("A", [GENERAL_STUDY])) == {"StudyInstanceUID"}
    assert providers.get_normalized("A", []) == {}


def test_a_later_type_counts_more_than_an_earlier_one(providers):
    providers.add_provider(lambda type_, _: {"Color": type_} if type_ in "ab" else NOTHING)
    for types in (["a", "b"], ["b", "a"]):
        color = providers.get_normalized("A", types)["Color"]
        assert (color.value, color.type_) == (types[-1], types[-1])


def test_a_later_type_that_does_not_know_leaves_what_is_known(providers):
    words = {"a": {"Color": "red"}, "b": {"Color": ""}, "c": {"Color": None}}
    providers.add_provider(lambda type_, _: words.get(type_, NOTHING))
    assert providers.get_normalized("A", ["a", "b", "c"])["Color"].value == "red"


def test_an_answer_that_is_no_module_has_no_keywords(providers):
    providers.add_provider(lambda type_, _: {"number": 4, "none": None}.get(type_, NOTHING))
    assert providers.get_normalized("A", ["number", "none"]) == {}
