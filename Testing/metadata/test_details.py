"""All that is known of an image, row by row, as a panel shows it."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.metadata.details import DetailRow, OtherValue, detail_rows
from IGTLMetaBrowserLib.metadata.modules import IMAGE_PLANE, OTHER, PATIENT
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import NOTHING, MetadataProviders, Priority


@pytest.fixture
def standard(providers, entry, image):
    """A server's list says one thing of image A, the message with it nearly the same."""
    standard = StandardProviders(providers, {"A": entry}.get)
    standard.messages.keep(
        "A", {"PatientName": "Phantom^Head", "PatientID": "P7", "Position": "unknown"}
    )
    standard.headers.keep("A", image)
    return standard


def row(providers, keyword):
    (found,) = (row for row in detail_rows(providers, "A") if row.keyword == keyword)
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
    rows = detail_rows(providers, "A")
    shown = (PATIENT, IMAGE_PLANE, OTHER)
    assert [(row.module, row.keyword) for row in rows if row.module in shown] == [
        ("patient", "PatientName"),
        ("patient", "PatientID"),
        ("imagePlane", "PixelSpacing"),
        ("imagePlane", "ImageOrientationPatient"),
        ("imagePlane", "ImagePositionPatient"),
        ("imagePlane", "SpacingBetweenSlices"),
        ("other", "Position"),
    ]


@pytest.mark.parametrize(
    "module", [{7: "seven"}, {"Rows": 10**5000}], ids=["a number for a keyword", "too many digits"]
)
def test_a_provider_that_says_what_cannot_be_shown_is_passed_over(providers, standard, module):
    def unsound(type_: str, _image_id: str) -> object:
        return module if type_ == PATIENT else NOTHING

    providers.add_provider(unsound, Priority.USER)
    assert row(providers, "PatientName").value == "Phantom^Head"
    assert row(providers, "Modality").value == "CT"


def test_each_value_fits_into_a_line_of_printable_text(providers, standard):
    standard.messages.keep("A", {"PatientComments": "first\nsecond\x1b[31m", "Key\n": "\ud800"})
    assert row(providers, "PatientComments").value == "first�second�[31m"
    assert row(providers, "Key�").value == "�"
