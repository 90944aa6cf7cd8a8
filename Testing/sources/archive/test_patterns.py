"""What an archive's list is compared with: patterns of QIDO (PS3.18 8.3.4.1)."""

from __future__ import annotations

import itertools
import random
import re
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest

from helpers.empty_archive import SERIES, empty_archive
from helpers.ready_sources import ready
from IGTLMetaBrowserLib.sources.archive.archive import Series
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.lists.patterns import common_range, is_within, matches
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource

DESCRIPTION = Series({"SeriesDescription": "Thorax 1_Thorax Routine (Adult)"})


@pytest.mark.parametrize("pattern", ["*?" * 28 + "X", "*" * 100_000 + "X", "?" * 100_000])
def test_no_pattern_takes_long(pattern):
    """A regular expression would try all ways to place the wild cards: for years."""
    assert not matches(DESCRIPTION, {"SeriesDescription": pattern})


def test_wild_cards_are_those_of_the_standard():
    draw = random.Random(1)
    for _ in range(5000):
        value = "".join(draw.choices("ab[", k=draw.randint(1, 7)))
        pattern = "".join(draw.choices("ab[*?", k=draw.randint(1, 7)))
        expected = re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), value)
        found = matches(Series({"StudyID": value}), {"StudyID": pattern})
        assert found == (expected is not None), (value, pattern)


def test_a_pattern_within_another_one():
    """An archive is asked for it in place of the other one, and so lists what is wanted first."""
    values = [
        "".join(some) for size in range(1, 7) for some in itertools.product("ab", repeat=size)
    ]
    draw = random.Random(1)
    found = 0
    for _ in range(3000):
        inner, outer = ("".join(draw.choices("ab*?", k=draw.randint(1, 5))) for _ in range(2))
        if is_within("PatientID", inner, outer):
            found += 1
            of_inner = (one for one in values if matches(Series({"ID": one}), {"ID": inner}))
            assert all(matches(Series({"ID": one}), {"ID": outer}) for one in of_inner), (
                inner,
                outer,
            )
    assert found > 100
    for inner, outer in (("4711", "4*"), ("47*", "4*"), ("4?", "??"), ("4*1", "??*"), ("*", "*")):
        assert is_within("PatientID", inner, outer)
    for inner, outer in (("4*", "4?"), ("*", "?"), ("*", "4711"), ("5*", "4*"), ("4*", "47*")):
        assert not is_within("PatientID", inner, outer)


def test_days_that_are_in_two_ranges():
    days = [f"2024010{day}" for day in range(1, 6)]
    ranges = ["", "*", *days, *(f"{day}-" for day in days), *(f"-{day}" for day in days)]
    ranges += [f"{first}-{last}" for first in days for last in days if first <= last]
    for first, second in itertools.product(ranges, repeat=2):
        both = common_range("StudyDate", first, second)
        for day in days:
            one = Series({"StudyDate": day})
            is_in_both = all(matches(one, {"StudyDate": text}) for text in (first, second))
            is_found = both is not None and matches(one, {"StudyDate": both})
            assert is_found == is_in_both, (day, first, second)


def test_times_that_are_in_two_ranges():
    """What is not said of a time may be anything (PS3.5 6.2, TM)."""
    times = ["08", "0830", "083000", "083000.25", "09", "093059", "23"]
    ranges = ["", "*", *times, *(f"{time}-" for time in times), *(f"-{time}" for time in times)]
    ranges += [f"{first}-{last}" for first in times for last in times if first <= last]
    for first, second in itertools.product(ranges, repeat=2):
        both = common_range("StudyTime", first, second)
        for time in (*times, "000000", "08:30:00", "235959.999999"):
            one = Series({"StudyTime": time})
            is_in_both = all(matches(one, {"StudyTime": text}) for text in (first, second))
            is_found = both is not None and matches(one, {"StudyTime": both})
            assert is_found == is_in_both, (time, first, second, both)


@pytest.mark.parametrize(
    ("time", "pattern", "is_found"),
    [
        ("083000", "08-12", True),
        ("120000", "08-12", True),  # the twelfth hour is in it
        ("130000", "08-12", False),
        ("075959.9", "08-", False),
        ("083000", "-0830", True),
        ("083000", "0830", True),
        ("083100", "0830", False),
        ("083000", "08:30-09:00", True),
        ("08:31:00", "08:30", False),
        ("", "08-12", False),
        ("", "*", True),
        ("of day", "08-12", False),
    ],
)
def test_times_are_compared_as_those_of_a_day(time, pattern, is_found):
    for keyword in ("StudyTime", "SeriesTime"):
        assert matches(Series({keyword: time}), {keyword: pattern}) == is_found


def test_with_a_range_of_days_times_may_be_those_of_its_first_and_last_day():
    """Some archives take them so (combined datetime matching, PS3.4 C.2.2.2.5), others do not."""
    query = {"StudyDate": "20240101-20240103", "StudyTime": "10-12"}

    def is_found(day: str, time: str, **other: str) -> bool:
        return matches(Series({"StudyDate": day, "StudyTime": time}), {**query, **other})

    assert is_found("20240102", "110000")
    assert is_found("20240102", "200000")
    assert not is_found("20240102", "200000", StudyDate="20240101-")
    assert not is_found("20240102", "200000", StudyDate="20240102")
    assert not is_found("20240101", "090000")
    assert not is_found("20240103", "130000")


def test_names_are_compared_without_case():
    assert matches(Series({"PatientName": "Doe^Jane^^^=山田^太郎"}), {"PatientName": "doe^J*"})
    assert matches(Series({"PatientName": "Doe^Jane^^^=山田^太郎"}), {"PatientName": "山田*"})
    assert matches(Series({"PatientName": "Doe^Jane"}), {"PatientName": "Doe^Jane^^^"})
    dots_behind = unicodedata.normalize("NFD", "Müller^Jörg")
    assert matches(Series({"PatientName": dots_behind}), {"PatientName": "müller^jörg"})
    assert not matches(Series({"SeriesDescription": "Head"}), {"SeriesDescription": "Head^"})
    assert not matches(Series({"PatientID": "a1"}), {"PatientID": "A1"})


def test_a_name_is_searched_for_in_another_spelling_than_the_filter_has(tmp_path: Path):
    """They are of one person, whom the archive may have in both."""
    name = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}
    with empty_archive() as archive:
        archive.series = [SERIES | {"00100010": {"vr": "PN", "Value": [name]}}]
        cache = SeriesCache(tmp_path, 1 << 20)
        with closing(
            ArchiveSource(DicomWebArchive(archive.url), cache, {"PatientName": "山田*"})
        ) as source:
            (found,), _ = ready(source.search, {"PatientName": "Yamada^Tarou"})
            assert found.patient_id == "4711"
            assert ready(source.search, {"PatientName": "Doe^Jane"}) == ((), "")
