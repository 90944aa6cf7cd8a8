"""What images are searched for: as a server is asked for it, and as a list is filtered by it."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList
from IGTLMetaBrowserLib.browser.lists.image_search import ImageSearch, parse_day
from IGTLMetaBrowserLib.sources.archive.archive import KEYWORDS


def on(year: int, month: int, day: int, hour: int = 12) -> codec.Timestamp:
    """A time of this computer's time zone."""
    return codec.Timestamp.from_seconds(datetime(year, month, day, hour).timestamp())


ENTRIES = [
    codec.ImageMetaItem("CT head", "a", "CT", "Doe, Jane", "4711", on(2024, 5, 14)),
    codec.ImageMetaItem("T1 head", "b", "MR", "Doe, John", "4712", on(2024, 5, 15, 0)),
    codec.ImageMetaItem("CT liver", "c", "CT", "Müller, Anna", "12", on(2023, 1, 31)),
    codec.ImageMetaItem("No date", "d", "PT/CT", "Smith, Doerte", ""),
]


def found(**search) -> str:
    images = ImageList(ENTRIES)
    images.filter(search=ImageSearch(**search))
    return "".join(images.image_ids(images.rows))


def test_a_server_is_asked_as_qido_has_it():
    search = ImageSearch("Doe Jane", "47", "ct ", date(2024, 5, 1), date(2024, 5, 31), "head")
    assert search.attributes(KEYWORDS) == {
        "PatientName": "*Doe*Jane*",
        "PatientID": "*47*",
        "Modality": "CT",
        "StudyDate": "20240501-20240531",
        "SeriesDescription": "*head*",
    }


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ({"first_day": date(2024, 5, 1)}, "20240501-"),
        ({"last_day": date(2024, 5, 1)}, "-20240501"),
        ({"first_day": date(2024, 5, 1), "last_day": date(2024, 5, 1)}, "20240501"),
        ({"first_day": date.min, "last_day": date.max}, "00010101-99991231"),
    ],
)
def test_ranges_of_days_may_be_open(days, expected):
    assert ImageSearch(**days).attributes(KEYWORDS) == {"StudyDate": expected}


def test_a_name_is_searched_as_people_write_it_or_with_the_users_own_wild_cards():
    assert ImageSearch("Doe, Jane").attributes(KEYWORDS) == {"PatientName": "*Doe*Jane*"}
    assert ImageSearch("Doe^J*").attributes(KEYWORDS) == {"PatientName": "Doe^J*"}
    assert ImageSearch(" , ").attributes(KEYWORDS) == {}


def test_only_what_the_server_searches_by_is_asked_for():
    assert ImageSearch("Doe", "47").attributes(["PatientID"]) == {"PatientID": "*47*"}


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ({}, "abcd"),
        ({"patient": "doe"}, "abd"),
        ({"patient": "DOE^JANE"}, "a"),
        ({"patient": "müller*"}, "c"),
        ({"patient": "muller"}, "c"),
        ({"patient_id": "471"}, "ab"),
        ({"modality": "ct"}, "ac"),  # not PT/CT
        ({"description": "head ct"}, "a"),
        ({"first_day": date(2024, 5, 14)}, "ab"),
        ({"last_day": date(2024, 5, 14)}, "ac"),  # what has no date is not known to be before
        ({"first_day": date(2024, 5, 14), "last_day": date(2024, 5, 14)}, "a"),
        # All that has a date; not all systems know the times of such days.
        ({"first_day": date.min, "last_day": date.max}, "abc"),
        ({"first_day": date(1960, 1, 1), "last_day": date(9999, 12, 31)}, "abc"),
        ({"first_day": date.max}, ""),
        ({"last_day": date.min}, ""),
        ({"patient": "doe", "modality": "MR"}, "b"),
    ],
)
def test_a_list_is_filtered_by_what_all_fields_say(search, ids):
    assert found(**search) == ids


def test_an_empty_list_can_be_filtered_by_it_all():
    images = ImageList()
    images.filter("x", ["CT"], ImageSearch("a", "b", "c", date(2024, 1, 1), None, "d"))
    assert len(images.rows) == 0


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-05-14", date(2024, 5, 14), date(2024, 5, 14)),
        (" 20240514 ", date(2024, 5, 14), date(2024, 5, 14)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("", None, None),
    ],
)
def test_days_months_and_years_are_read(text, first, last):
    assert (parse_day(text), parse_day(text, is_last=True)) == (first, last)


@pytest.mark.parametrize("text", ["yesterday", "2024-13", "2024-02-30", "14.5.2024", "0000"])
def test_what_is_no_day_is_refused_in_words(text):
    for is_last in (False, True):
        with pytest.raises(ValueError, match="is not a day such as 2024-05-14"):
            parse_day(text, is_last=is_last)


def test_what_a_list_has_cut_is_found_by_its_whole_text():
    cut = codec.ImageMetaItem("The head ... of the patient", "a", "MR")
    whole = codec.ImageMetaItem(
        "The head and in the middle of it a tumor of the patient", "a", "MR"
    )
    images = ImageList([cut], long_entries=[whole])
    images.filter("tumor")
    assert len(images.rows) == 1
    images.filter(search=ImageSearch(description="tumor"))
    assert len(images.rows) == 1
    images.filter("kidney")
    assert len(images.rows) == 0
