"""What the metadata of a version-3 message tell of an image."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.modules import (
    GENERAL_SERIES,
    GENERAL_STUDY,
    IMAGE_PLANE,
    OTHER,
    PATIENT,
    GeneralSeries,
    GeneralStudy,
    Patient,
)
from IGTLMetaBrowserLib.metadata.providers.message_metadata import MessageMetadataProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING

UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"}


@pytest.fixture
def messages():
    provider = MessageMetadataProvider()
    provider.keep("A", {"PatientID": "P7", "Modality": "MR", "StudyDescription": "Head", **UIDS})
    return provider


def test_a_message_tells_what_its_keywords_say(messages):
    assert messages(PATIENT, "A") == Patient(PatientID="P7")
    assert messages(GENERAL_STUDY, "A") == GeneralStudy("1.2.3", "Head")
    assert messages(GENERAL_SERIES, "A") == GeneralSeries("MR", "", "1.2.3.4")


def test_several_numbers_are_joined_by_a_backslash(messages):
    messages.keep("A", {"PixelSpacing": "0.5\\0.25"})
    assert messages(IMAGE_PLANE, "A").PixelSpacing == (0.5, 0.25)


def test_a_message_without_fields_of_a_module_leaves_it_to_others(messages):
    messages.keep("A", {"Weather": "fine"})
    assert messages(PATIENT, "A") is NOTHING
    assert messages("Weather", "A") is NOTHING
    assert messages(PATIENT, "UNKNOWN") is NOTHING


def test_keys_that_are_no_keywords_are_kept_together(messages):
    messages.keep("A", {"Weather": "fine", "PatientID": "P7", "Size": "large"})
    assert messages(OTHER, "A") == {"Weather": "fine", "Size": "large"}
    messages.keep("A", UIDS)
    assert messages(OTHER, "A") is NOTHING


def test_what_is_kept_does_not_change_with_the_message():
    provider, metadata = MessageMetadataProvider(), {"PatientID": "P7"}
    provider.keep("A", metadata)
    metadata["PatientID"] = "P8"
    assert provider(PATIENT, "A") == Patient(PatientID="P7")


def test_the_next_message_takes_the_place_of_the_one_before(providers, messages):
    providers.add_provider(messages)
    assert providers.get(GENERAL_SERIES, "A").Modality == "MR"
    messages.keep("A", {"Modality": "CT"})
    assert providers.get(GENERAL_SERIES, "A") == GeneralSeries("CT")
    messages.forget("A")
    assert providers.get(GENERAL_SERIES, "A") is NOTHING


def test_the_same_metadata_again_change_nothing(messages):
    changes = []
    messages.changed.connect(changes.append)
    for _ in range(10):
        messages.keep("B", UIDS)
    assert changes == ["B"]


def test_the_oldest_image_is_forgotten_where_there_are_too_many(providers):
    messages = MessageMetadataProvider(most_characters=200_000)
    providers.add_provider(messages)
    messages.keep("A", {"PatientID": "P7"})
    assert providers.get(PATIENT, "A") == Patient(PatientID="P7")
    for image_id in "BCD":
        messages.keep(image_id, {"PatientID": image_id, "Novel": "x" * 90_000})
    assert providers.get(PATIENT, "A") is NOTHING
    assert providers.get(PATIENT, "B") is NOTHING
    assert providers.get(PATIENT, "D") == Patient(PatientID="D")


def test_metadata_without_end_is_cut(messages):
    messages.keep("A", {"PatientID": "P7", "Novel": "x" * 1_000_000, "Modality": "CT"})
    assert messages(PATIENT, "A") == Patient(PatientID="P7")
    assert messages(OTHER, "A") is NOTHING
