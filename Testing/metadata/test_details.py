"""All that is known of an image, row by row, as a panel shows it."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.details import DetailRow, OtherValue, detail_rows
from IGTLMetaBrowserLib.metadata.modules import IMAGE_PLANE, OTHER, PATIENT, STUDY_DATA
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders


@pytest.fixture
def standard(providers, entry, image):
    """A server's list says one thing of image A, the message with it nearly the same."""
    standard = StandardProviders(providers, {"A": entry}.get)
    standard.messages.keep(
        "A", {"PatientName": "Phantom^Head", "PatientID": "P7", "Position": "unknown"}
    )
    standard.headers.keep("A", image)
    return standard


def row(providers, keyword, search=""):
    (found,) = (row for row in detail_rows(providers, "A", search) if row.keyword == keyword)
    return found


def test_nothing_is_known_of_an_unknown_image():
    assert detail_rows(MetadataProviders(), "UNKNOWN") == []


def test_a_row_says_what_is_known_and_who_knows_it(providers, standard):
    assert row(providers, "Modality") == DetailRow(
        "generalSeries", "Modality", "CT", "image list", ()
    )
    assert row(providers, "SlicePlane").provider == "computed"
    assert row(providers, "SamplesPerPixel").provider == "image header"


def test_what_others_say_instead_is_a_conflict(providers, standard):
    patient = row(providers, "PatientID")
    assert (patient.value, patient.provider) == ("P7", "message metadata")
    assert patient.conflicts == (OtherValue("P1", "image list"),)


def test_the_same_in_other_words_is_no_conflict(providers, standard):
    """The list has "Phantom, Head" where DICOM has "Phantom^Head"."""
    name = row(providers, "PatientName")
    assert (name.value, name.conflicts) == ("Phantom^Head", ())
    assert row(providers, "Rows").conflicts == ()  # from the list and from the header


def test_a_name_in_two_alphabets_is_compared_in_its_first(providers, standard):
    standard.messages.keep("A", {"PatientName": "Phantom^Head=幻影^頭"})
    assert row(providers, "PatientName").conflicts == ()


def test_a_calibration_is_shown_with_what_it_replaces(providers, standard):
    standard.calibration.calibrate("A", 0.4)
    assert row(providers, "PixelSpacing") == DetailRow(
        "imagePlane",
        "PixelSpacing",
        "0.4\\0.4",
        "calibration",
        (OtherValue("0.5\\0.25", "computed"),),
    )


def test_rows_are_in_the_order_of_modules_and_fields(providers, standard):
    rows = detail_rows(providers, "A", types=[IMAGE_PLANE, PATIENT, OTHER])
    assert [(row.module, row.keyword) for row in rows] == [
        ("imagePlane", "PixelSpacing"),
        ("imagePlane", "ImageOrientationPatient"),
        ("imagePlane", "ImagePositionPatient"),
        ("imagePlane", "SpacingBetweenSlices"),
        ("patient", "PatientName"),
        ("patient", "PatientID"),
        ("other", "Position"),
    ]


@pytest.mark.parametrize(
    ("search", "keywords"),
    [
        ("patientn", ["PatientName"]),
        ("P7", ["PatientID"]),
        ("p1", ["PatientID"]),  # what another provider says
        ("LIST modality", ["Modality"]),
        ("phantom  message", ["PatientName"]),
        ("phantom rainfall", []),
    ],
)
def test_a_search_finds_rows_that_have_all_its_words(providers, standard, search, keywords):
    rows = detail_rows(providers, "A", search)
    assert [row.keyword for row in rows] == keywords


def test_a_script_s_own_module_is_shown_too(providers, standard):
    def weather(type_, image_id):
        return {"Rain": 0.5, "Wind": ""}

    providers.add_provider(weather)
    assert detail_rows(providers, "A", types=["weather"]) == [
        DetailRow("weather", "Rain", "0.5", "weather", ())
    ]


def test_a_normalized_view_can_be_shown(providers, standard):
    rows = detail_rows(providers, "A", types=[STUDY_DATA])
    assert [row.keyword for row in rows] == ["PatientName", "PatientID"]


def test_each_value_fits_into_a_line_of_printable_text(providers, standard):
    standard.messages.keep("A", {"PatientComments": "first\nsecond\x1b[31m", "Key\n": "\ud800"})
    assert row(providers, "PatientComments").value == "first�second�[31m"
    assert row(providers, "Key�").value == "�"
