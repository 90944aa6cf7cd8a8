"""What an archive's list is compared with: patterns of QIDO (PS3.18 8.3.4.1)."""

from __future__ import annotations

import random
import re
import unicodedata

import pytest

from IGTLMetaBrowserLib.sources.archive.archive import Series, matches

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


def test_names_are_compared_without_case():
    assert matches(Series({"PatientName": "Doe^Jane^^^=山田^太郎"}), {"PatientName": "doe^J*"})
    assert matches(Series({"PatientName": "Doe^Jane^^^=山田^太郎"}), {"PatientName": "山田*"})
    assert matches(Series({"PatientName": "Doe^Jane"}), {"PatientName": "Doe^Jane^^^"})
    dots_behind = unicodedata.normalize("NFD", "Müller^Jörg")
    assert matches(Series({"PatientName": dots_behind}), {"PatientName": "müller^jörg"})
    assert not matches(Series({"SeriesDescription": "Head"}), {"SeriesDescription": "Head^"})
    assert not matches(Series({"PatientID": "a1"}), {"PatientID": "A1"})
