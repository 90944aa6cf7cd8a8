"""Which texts a de-identified server sends: sentences of our own, and nothing that has a name."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.privacy.kept_texts import (
    is_technical,
    kept_mark,
    kept_notices,
    kept_values,
)
from IGTLMetaBrowserLib.sources.dicom import series_offers as dicom_offers
from IGTLMetaBrowserLib.sources.dicom.volumes import pixel_sizes as dicom_sizes
from IGTLMetaBrowserLib.sources.dicom.volumes import spacing as dicom_spacing
from IGTLMetaBrowserLib.sources.dicom.volumes import stacks as dicom_stacks

OURS = [
    dicom_offers.RESAMPLED,
    dicom_sizes.AT_DETECTOR,
    dicom_sizes.NOT_KNOWN,
    f"{dicom_sizes.NOT_KNOWN} wide and 1.25 mm high (PixelAspectRatio)",
    dicom_stacks.REVERSED_ROWS,
    dicom_stacks.MORE_BYTES,
    "offered in parts: a slice is missing between z = -60.5 and z = 65 mm",
    "offered in parts: its spacing changes from 2.5 mm, between z = 0 and z = 5 mm",
    "tilted gantry: its slices follow each other 15.0 degrees off their normal, "
    "and so does the third axis of the matrix",
    "mm only inside columns 10 to 600, rows 20 to 400",
    "3 of its slices are there twice, and offered once",
    "1 of its files cannot be used",
    "its frames follow each other along k, and nothing tells their place in space or time",
    "a film: its frames follow each other along k in time, 33.3 ms apart, not in space",
]
NAMES = [
    "fractional segmentation: probability of Mustermann's tumor, from 0 to 1",
    "the archive has 3 patients with the ID 4711",
    "slices of /data/mustermann/1.dcm are missing",
    "the slice 19610412 is missing",
    "Müller",
]


@pytest.mark.parametrize("sentence", OURS)
def test_what_a_user_has_to_know_of_the_geometry_is_sent(sentence: str) -> None:
    assert kept_notices(sentence) == sentence


@pytest.mark.parametrize("sentence", NAMES)
def test_a_sentence_with_another_word_or_a_long_number_is_not(sentence: str) -> None:
    assert kept_notices(f"{OURS[0]}; {sentence}") == OURS[0]


def test_the_mark_of_sizes_that_are_not_known_stays() -> None:
    assert kept_mark("Mustermann, knee (mm not known)") == " (mm not known)"
    assert kept_mark("Mustermann, knee") == ""


def test_texts_by_which_a_sequence_is_ordered_are_numbered() -> None:
    assert kept_values("s", ["0", "1.5"]) == ("0", "1.5")
    assert kept_values("", ["Mustermann", "M. again"]) == ("1", "2")
    assert kept_values("s", ["19610412", "19610413"]) == ("1", "2")


@pytest.mark.parametrize(
    "text", ["", "CT", "2.46", r"1.0\0.0\-1e-05", r"SE\IR", "1H", "PALETTE COLOR", "15000"]
)
def test_numbers_and_defined_terms_are_technical(text: str) -> None:
    assert is_technical(text)


@pytest.mark.parametrize("text", ["Mustermann", r"SE\Mustermann", "19610412", "1 H of M."])
def test_what_else_stands_in_a_technical_attribute_may_be_a_name(text: str) -> None:
    assert not is_technical(text)


def test_the_reasons_are_those_of_the_sources() -> None:
    """Another wording there would be taken for a name: this test has to know it."""
    import numpy as np

    depth = np.array([0.0, 1, 2, 3, 6, 7, 8, 9])
    positions = np.outer(depth, [0, 0, 1])
    reasons = dicom_spacing.why_parts(positions, np.eye(3), dicom_spacing.even_parts(depth))
    assert reasons
    assert all(kept_notices(reason) == reason for reason in reasons)
