"""What a listing and a message's own metadata tell of an image."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.codec import ImageMetaItem
from IGTLMetaBrowserLib.metadata.modules import (
    GENERAL_SERIES,
    GENERAL_STUDY,
    PATIENT,
    GeneralSeries,
    GeneralStudy,
    ImageMetaProvider,
    MessageMetadataProvider,
    Patient,
    known_fields,
)
from IGTLMetaBrowserLib.metadata.providers import NOTHING, MetadataProviders

ENTRY = ImageMetaItem(
    name="CT head", id="A", modality="CT", patient_name="Phantom, Head", patient_id="P1"
)
UIDS = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.3.4"}


@pytest.fixture
def listing():
    return ImageMetaProvider({"A": ENTRY}.get)


@pytest.fixture
def messages():
    provider = MessageMetadataProvider()
    provider.keep("A", {"PatientID": "P7", "Modality": "MR", "StudyDescription": "Head", **UIDS})
    return provider


def test_the_listing_knows_patient_and_series(listing):
    assert listing(PATIENT, "A") == Patient(PatientName="Phantom, Head", PatientID="P1")
    assert listing(GENERAL_SERIES, "A") == GeneralSeries(Modality="CT", SeriesDescription="CT head")


@pytest.mark.parametrize(
    ("type_", "image_id"), [(GENERAL_STUDY, "A"), ("rainfall", "A"), (PATIENT, "UNKNOWN")]
)
def test_the_listing_has_nothing_else(listing, type_, image_id):
    assert listing(type_, image_id) is NOTHING


def test_a_message_tells_what_its_keywords_say(messages):
    assert messages(PATIENT, "A") == Patient(PatientID="P7")
    assert messages(GENERAL_STUDY, "A") == GeneralStudy("1.2.3", "Head")
    assert messages(GENERAL_SERIES, "A") == GeneralSeries("MR", "", "1.2.3.4")


def test_a_message_without_fields_of_a_module_leaves_it_to_others(messages):
    messages.keep("A", {"Weather": "fine"})
    assert messages(PATIENT, "A") is NOTHING
    assert messages("Weather", "A") is NOTHING
    assert messages(PATIENT, "UNKNOWN") is NOTHING


def test_what_is_kept_does_not_change_with_the_message():
    provider, metadata = MessageMetadataProvider(), {"PatientID": "P7"}
    provider.keep("A", metadata)
    metadata["PatientID"] = "P8"
    assert provider(PATIENT, "A") == Patient(PatientID="P7")


def test_a_registry_takes_from_each_what_it_knows(listing, messages):
    providers = MetadataProviders()
    providers.add_provider(listing)
    providers.add_provider(messages, priority=10)
    messages.keep("A", {"StudyDescription": "Head"})
    assert providers.get(GENERAL_STUDY, "A") == GeneralStudy(StudyDescription="Head")
    assert providers.get(PATIENT, "A") == Patient("Phantom, Head", "P1")


def test_each_field_comes_from_the_first_provider_that_knows_it() -> None:
    providers = MetadataProviders()
    providers.add_provider(lambda type_, _: Patient("From the list", "P1"))
    providers.add_provider(lambda type_, _: Patient("From the message", ""), priority=10)

    known = known_fields(providers, PATIENT, "A")

    assert known == {"PatientName": "From the message", "PatientID": "P1"}
