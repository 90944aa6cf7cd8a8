"""Images by patient and study."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np

from helpers import windows
from helpers.long_lists import count_prepared_rows, make_long_list
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists import local_days
from IGTLMetaBrowserLib.browser.lists.image_groups import ImageGroups
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList
from IGTLMetaBrowserLib.codec import text_rows
from IGTLMetaBrowserLib.turns import at_once


def image(name: str, patient: str, patient_id: str, *moment: int) -> codec.ImageMetaItem:
    time = codec.Timestamp.from_seconds(datetime(*moment).timestamp()) if moment else None
    others = {} if time is None else {"scan_time": time}
    return codec.ImageMetaItem(name, name, "CT", patient, patient_id, **others)


def groups_of(*entries: codec.ImageMetaItem) -> ImageGroups:
    return at_once(ImageGroups.of(ImageList(entries)))


def test_id_and_name_make_a_patient():
    """Of an ID that two have, no image may stand below the name of the other one."""
    groups = groups_of(
        image("a", "Smith", "1"), image("b", "Roe", "1"), image("c", "Smith", ""),
        image("d", "Smith", ""), image("e", "", ""), image("f", "1", ""),
        image("g", "Smith", "1"), image("h", "2", "2"), image("i", "3", "3"),
    )  # fmt: skip
    assert groups.patient_total == 7
    shown = at_once(groups.arrange(np.arange(9), are_open=True))
    assert [groups.group(-1 - code).patient_name for code in shown.shown if code < 0][::2] == [
        "Smith", "Roe", "Smith", "", "1", "2", "3",
    ]  # fmt: skip


def test_a_study_is_what_one_patient_has_on_one_local_day():
    groups = groups_of(
        image("a", "S", "1", 2024, 3, 31, 0, 30), image("b", "S", "1", 2024, 3, 31, 23, 30),
        image("c", "S", "1", 2024, 4, 1, 0, 30), image("d", "S", "1"),
        image("e", "T", "2", 2024, 4, 1),
    )  # fmt: skip
    rows = at_once(groups.arrange(np.arange(5), are_open=True))
    found = [groups.group(-1 - code) for code in rows.shown if code < 0]
    assert [(group.level, group.day) for group in found] == [
        (0, None), (1, date(2024, 3, 31)), (1, date(2024, 4, 1)), (1, None), (0, None),
        (1, date(2024, 4, 1)),
    ]  # fmt: skip


def test_groups_come_in_the_order_of_their_first_images():
    groups = groups_of(image("a", "S", "1"), image("b", "T", "2"), image("c", "S", "1"))
    rows = at_once(groups.arrange(np.array([1, 2, 0]), are_open=True))
    assert [code for code in rows.shown.tolist() if code >= 0] == [1, 2, 0]
    assert rows.images_of(-1 - rows.shown[2 + 1]).tolist() == [2, 0]


def test_exceptions_are_collapsed_and_known_by_a_key_that_lasts():
    entries = [image("a", "S", "1"), image("b", "T", "2")]
    groups = groups_of(*entries)
    key = groups.group(0).key
    assert groups.number(key) == 0
    later = groups_of(*reversed(entries))
    rows = at_once(
        later.arrange(np.arange(2), True, [key, (("gone", "", ""), None), (("1", "", ""), 5)])
    )
    assert [int(code) for code in rows.shown if code >= 0] == [0]  # T is open, S is collapsed
    assert rows.image_total(later.number(key)) == 1


def test_one_id_of_several_issuers_is_of_as_many_patients():
    """As the list says it; who names no issuer may mean any."""
    entries = [image(name, "Smith", "1") for name in "abcd"]
    images = ImageList(entries, issuers={"a": "North", "b": "South", "d": "North", "gone": "West"})
    groups = at_once(ImageGroups.of(images))
    assert groups.patient_total == 3
    assert [groups.group(number).issuer for number in range(3)] == ["North", "South", ""]
    rows = at_once(groups.arrange(np.arange(4), are_open=True))
    assert rows.images_of(0).tolist() == [0, 3]
    assert [groups.number(groups.group(number).key) for number in range(6)] == [*range(6)]


def test_of_many_images_with_issuers_each_issuer_is_looked_at_once(monkeypatch):
    """For each of 100,000 images, that would be a step of two seconds."""
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 100)
    issuers = {f"IMAGE_{number:08d}": f"Hospital {number % 3}" for number in range(1000)}
    images = ImageList(make_long_list(1000), issuers=issuers)
    counts = count_prepared_rows(monkeypatch)
    assert sum(1 for _ in ImageGroups.of(images)) > 2 * len(issuers) / 100
    assert counts.count(1) == 3


def test_a_study_of_the_first_day_of_1970(monkeypatch):
    """So clocks say that were not set."""
    patched = windows.refuse_before_1970(datetime)
    monkeypatch.setattr(local_days, "datetime", patched, raising=False)
    groups = groups_of(image("a", "Smith", "1", 1970, 1, 1, 20))
    assert [groups.group(number).day for number in range(2)] == [None, date(1970, 1, 1)]


def test_an_empty_list_has_no_groups():
    groups = groups_of()
    assert at_once(groups.arrange(np.arange(0), True)).shown.tolist() == []
