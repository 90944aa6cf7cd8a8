"""Whether an id is another patient's than before, by two lists of one server."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib.browser.lists.listed_patients import ListedPatients
from IGTLMetaBrowserLib.codec import ImageMetaItem


@pytest.mark.parametrize(
    ("before", "now", "is_another"),
    [
        (("1", "Smith"), ("1", "Jones"), False),
        (("1", "Smith"), ("2", "Smith"), True),
        (("", "Smith^John"), ("", "JOHN SMITH"), False),
        (("", "Smith^John"), ("", "Smith^Joan"), True),
        (("", "M\u00fcller"), ("", "M\u00fcller "), False),
        (("", "M\u00fcller"), ("", "M\u00f6ller"), True),
        (("1", "Smith"), ("", "Smith"), False),
        (("1", "Smith"), ("", ""), True),
        (("", "S" * 70), ("", "S" * 63), False),
    ],
)
def test_patients_are_told_apart_by_id_or_else_by_the_words_of_their_names(before, now, is_another):
    """Where it cannot be told, they are others: nothing may stand beside the next patient."""
    lists = [
        ImageMetaItem(id="A", patient_id=id_, patient_name=name) for id_, name in (before, now)
    ]
    patients = ListedPatients()
    patients.remember(["A"], lambda _id: lists[0])
    of_others, of_same = patients.others(lambda _id: lists[1])
    assert (of_others, of_same) == (["A"] if is_another else [], [])
