"""A list of trajectories: filtered by its texts, sorted by its columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from IGTLMetaBrowserLib.browser.lists.trajectory_list import TrajectoryList
from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType

LINE = TrajectoryItem(target=(0.0, 0.0, 10.0))


@dataclass
class Row:
    """What the scene has of a trajectory, as far as the list looks at it."""

    item: TrajectoryItem


def rows(*items: TrajectoryItem) -> TrajectoryList:
    return TrajectoryList([Row(item) for item in items])


def test_a_new_list_has_all_in_its_order() -> None:
    assert rows(LINE, LINE, LINE).rows.tolist() == [0, 1, 2]
    assert len(rows()) == 0
    assert rows().rows.tolist() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2]),
        ("LEFT", [0, 2]),
        ("left elec", [0]),
        ("straße", [1]),
        ("STRASSE", [1]),
        ("rìght", [1]),
        ("rightelec", []),  # no word reaches over the end of a text
        ("mr_1", [2]),
    ],
)
def test_every_word_is_in_one_of_the_texts(text: str, expected: list[int]) -> None:
    trajectories = rows(
        replace(LINE, name="Left", group="Electrodes"),
        replace(LINE, name="Right Straße", group="Electrodes"),
        replace(LINE, name="Left", group="Drains", owner="MR_1"),
    )
    trajectories.filter(text)
    assert trajectories.rows.tolist() == expected


@pytest.mark.parametrize("is_descending", [False, True])
def test_what_is_no_number_is_the_greatest_and_equal_ones_stay(is_descending: bool) -> None:
    diameters = (math.nan, 2.0, 1.0, 2.0, math.inf, -1.0)
    trajectories = rows(*[replace(LINE, diameter=diameter) for diameter in diameters])
    trajectories.sort("diameter", is_descending)
    up = [5, 2, 1, 3, 4, 0]
    down = [0, 4, 1, 3, 2, 5]
    assert trajectories.rows.tolist() == (down if is_descending else up)


def test_what_has_no_length_is_the_shortest() -> None:
    point = replace(LINE, type=TrajectoryType.TARGET)
    trajectories = rows(LINE, point, replace(LINE, target=(0.0, 0.0, 0.0)))
    trajectories.sort("length")
    assert trajectories.rows.tolist() == [1, 2, 0]


def test_a_filter_keeps_the_order_and_sorting_keeps_the_filter() -> None:
    trajectories = rows(*[replace(LINE, name=name) for name in ("c1", "a", "c2", "b")])
    trajectories.sort("name", descending=True)
    trajectories.filter("c")
    assert trajectories.rows.tolist() == [2, 0]
    trajectories.sort(None)
    assert trajectories.rows.tolist() == [0, 2]
    trajectories.filter()
    assert trajectories.rows.tolist() == [0, 1, 2, 3]


def test_what_has_moved_is_sorted_by_where_it_is_now() -> None:
    trajectories = rows(LINE, replace(LINE, target=(0.0, 0.0, 20.0)))
    trajectories.trajectories[0].item = replace(LINE, target=(0.0, 0.0, 30.0))
    trajectories.sort("length")
    assert trajectories.rows.tolist() == [1, 0]


def test_ten_thousand_are_filtered_and_sorted_by_any_column() -> None:
    items = [replace(LINE, name=f"T {n}", group=f"G {n % 7}") for n in range(10_000)]
    trajectories = rows(*items)
    trajectories.filter("t 99")
    for field in ("name", "group", "owner", "type", "length", "diameter"):
        trajectories.sort(field)
    assert len(trajectories.rows) == 280
