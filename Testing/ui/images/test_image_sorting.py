"""Sorting the table: by any column, up and down, and back to the server's order."""

from __future__ import annotations

import pytest

from IGTLMetaBrowserLib import codec

STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID = range(9)
HOUR = 3600
ENTRIES = [
    codec.ImageMetaItem("Head 10", "b", "MR", "Smith", "P9", codec.Timestamp(0), (4, 4, 30)),
    codec.ImageMetaItem(
        "Head 2", "a", "CT", "Jones", "P10", codec.Timestamp.from_seconds(HOUR), (9, 1, 1)
    ),
    codec.ImageMetaItem(
        "head 1", "c", "PT", "adams", "P9", codec.Timestamp.from_seconds(9), (200, 2, 2), 11
    ),
]


@pytest.fixture
def source(offer):
    return offer(ENTRIES)


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        (NAME, "cab"),  # 2 before 10
        (MODALITY, "abc"),
        (PATIENT, "cab"),  # small letters as great ones
        (PATIENT_ID, "bca"),  # P9 before P10
        (SCAN_TIME, "bca"),  # not set, 9 s, one hour
        (SIZE, "abc"),  # 9, 480 and 800 voxels
        (TYPE, "bac"),
        (ID, "abc"),
    ],
)
def test_clicks_on_a_header_sort_up_then_down_then_not_at_all(user, source, column, ids):
    up = list(ids)
    user.panel.images.columns.choose(column, True)
    user.wait_for(lambda: True, "the columns")
    user.click_header(column)
    assert user.ids() == up
    header = user.ui.imageTableView.horizontalHeader()
    assert (header.sortIndicatorSection(), int(header.sortIndicatorOrder())) == (column, 0)

    user.click_header(column)
    assert user.ids()[0] == up[-1]
    assert int(header.sortIndicatorOrder()) == 1

    user.click_header(column)
    assert user.ids() == ["b", "a", "c"]
    assert header.sortIndicatorSection() not in range(9)


def test_a_click_on_another_header_begins_anew(user, source):
    user.click_header(ID)
    user.click_header(ID)
    user.click_header(SIZE)
    assert user.ids() == ["a", "b", "c"]


def test_the_menu_sorts_as_listed(user, source):
    user.click_header(ID)
    menu = user.open_menu("a")
    user.choose(menu.unsort)
    assert user.ids() == ["b", "a", "c"]
    assert not user.open_menu("a").unsort.enabled
    menu.menu.close()


def test_what_is_loaded_comes_first_when_sorted_by_state(user, source):
    user.load("c")
    user.click_header(STATE)
    assert user.ids() == ["c", "b", "a"]


def test_a_list_that_is_read_again_is_sorted_as_before(user, source):
    user.click_header(ID)
    source.entries.append(codec.ImageMetaItem("Knee", "aa"))
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 4, "the new image")
    assert user.ids() == ["a", "aa", "b", "c"]
