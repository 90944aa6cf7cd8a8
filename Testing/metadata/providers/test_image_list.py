"""What a server's list tells of an image."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.metadata.modules import (
    GENERAL_IMAGE,
    GENERAL_SERIES,
    GENERAL_STUDY,
    IMAGE_PIXEL,
    PATIENT,
    VOLUME_GEOMETRY,
    GeneralImage,
    GeneralSeries,
    ImagePixel,
    Patient,
    VolumeGeometry,
)
from IGTLMetaBrowserLib.metadata.providers.image_list import ImageMetaProvider
from IGTLMetaBrowserLib.metadata.registry import NOTHING


@pytest.fixture
def listing(entry):
    return ImageMetaProvider({"A": entry}.get)


def test_it_knows_patient_and_series(listing):
    assert listing(PATIENT, "A") == Patient(PatientName="Phantom, Head", PatientID="P1")
    assert listing(GENERAL_SERIES, "A") == GeneralSeries(Modality="CT", SeriesDescription="CT head")


def test_it_knows_when_the_image_was_made_in_utc(listing):
    assert listing(GENERAL_IMAGE, "A") == GeneralImage(
        AcquisitionDateTime="20240514083000.250000+0000"
    )


def test_it_knows_size_and_type_of_the_pixels(listing):
    assert listing(IMAGE_PIXEL, "A") == ImagePixel(
        Rows=5, Columns=7, BitsAllocated=16, PixelRepresentation=1
    )
    assert listing(VOLUME_GEOMETRY, "A") == VolumeGeometry(Size=(7, 5, 3))


@pytest.mark.parametrize(
    ("type_", "image_id"), [(GENERAL_STUDY, "A"), ("rainfall", "A"), (PATIENT, "UNKNOWN")]
)
def test_it_knows_nothing_else(listing, type_, image_id):
    assert listing(type_, image_id) is NOTHING


@pytest.mark.parametrize(
    "type_", [PATIENT, GENERAL_SERIES, GENERAL_IMAGE, IMAGE_PIXEL, VOLUME_GEOMETRY]
)
def test_empty_fields_are_left_to_others(type_):
    listing = ImageMetaProvider({"A": codec.ImageMetaItem(id="A")}.get)
    assert listing(type_, "A") is NOTHING


@pytest.mark.parametrize(
    ("scalar_type", "bits", "representation"),
    [(codec.ScalarType.UINT8, 8, 0), (codec.ScalarType.FLOAT64, 64, None), (99, None, None)],
)
def test_a_scalar_type_says_what_it_can(entry, scalar_type, bits, representation):
    entry.scalar_type = scalar_type
    pixels = ImageMetaProvider({"A": entry}.get)(IMAGE_PIXEL, "A")
    assert (pixels.BitsAllocated, pixels.PixelRepresentation) == (bits, representation)


def test_another_list_is_seen_when_it_is_told_of(providers, entry):
    entries = {"A": entry}
    listing = ImageMetaProvider(entries.get)
    providers.add_provider(listing)
    assert providers.get(PATIENT, "A").PatientID == "P1"
    entries["A"] = codec.ImageMetaItem(id="A", patient_id="P2")
    listing.entries_changed()
    assert providers.get(PATIENT, "A").PatientID == "P2"
