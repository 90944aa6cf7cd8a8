"""What a trajectory plans, what is odd about it, and what cannot be shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from IGTLMetaBrowserLib.codec import Coordinates, TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import (
    TrajectoryError,
    in_ras,
    length,
    notes,
    planned_points,
    shown_trajectory,
)

ENTRY, TARGET = (10.0, -20.0, 30.5), (-1.5, 2.0, 8.25)
NAN, INFINITY = float("nan"), float("inf")
LINE = TrajectoryItem(name="Left electrode", entry=ENTRY, target=TARGET, diameter=2.5)


@pytest.mark.parametrize(
    ("type_", "points"),
    [
        (TrajectoryType.ENTRY, [(TrajectoryType.ENTRY, ENTRY)]),
        (TrajectoryType.TARGET, [(TrajectoryType.TARGET, TARGET)]),
        (
            TrajectoryType.ENTRY_AND_TARGET,
            [(TrajectoryType.ENTRY, ENTRY), (TrajectoryType.TARGET, TARGET)],
        ),
    ],
)
def test_the_type_says_which_points_are_planned(type_, points):
    assert planned_points(replace(LINE, type=type_)) == points
    assert shown_trajectory(replace(LINE, type=type_)).type is type_


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": 0}, "'Left electrode' has the type 0"),
        ({"type": 200}, "'Left electrode' has the type 200"),
        ({"type": -56}, "'Left electrode' has the type -56"),  # 200 as the wire has it
        ({"entry": (NAN, 0, 0)}, "entry of the trajectory 'Left electrode'.*nan"),
        ({"target": (0, 0, -INFINITY)}, "target of the trajectory 'Left electrode'.*inf"),
        ({"target": (0, 3e38, 0)}, "target .* not within 100 m of the origin"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(change, words):
    item = replace(LINE, **change)
    with pytest.raises(TrajectoryError, match=words):
        planned_points(item)
    assert shown_trajectory(LINE)


def test_a_point_that_the_type_does_not_name_may_be_anything():
    item = replace(LINE, type=TrajectoryType.ENTRY, target=(NAN, INFINITY, 1e38))
    assert planned_points(item) == [(TrajectoryType.ENTRY, ENTRY)]
    # and makes no difference to what is shown, although it does not equal itself
    assert shown_trajectory(item) == shown_trajectory(replace(item, target=(NAN, NAN, NAN)))
    assert notes(item) == ()


@pytest.mark.parametrize(
    ("change", "note"),
    [
        # The reference server sends this.
        (
            {"type": TrajectoryType.TARGET},
            "it also has the entry (10, -20, 30.5), which by its type is not planned",
        ),
        (
            {"type": TrajectoryType.ENTRY},
            "it also has the target (-1.5, 2, 8.25), which by its type is not planned",
        ),
        ({"entry": (0.0, 0.0, 0.0)}, "its entry is the origin, as if it were not set"),
        (
            {"type": 1, "entry": (0.0, 0.0, 0.0), "target": (0.0, 0.0, 0.0)},
            "its entry is the origin, as if it were not set",
        ),
        (
            {"target": ENTRY},
            "entry and target are the same place: it has no length and no direction",
        ),
        ({"diameter": -1.0}, "the diameter is -1 mm: it is shown as a thin line"),
        ({"diameter": NAN}, "the diameter is nan mm: it is shown as a thin line"),
        ({"diameter": 1e30}, "the diameter is 1e+30 mm: it is shown as a thin line"),
        ({"rgba": (0, 0, 0, 0)}, "it has no color: it is shown in yellow"),
        ({"rgba": (9, 9, 9, 0)}, "its opacity is 0: it is in the scene, but nobody sees it"),
    ],
)
def test_what_is_odd_is_noted_and_shown_all_the_same(change, note):
    item = replace(LINE, **change)
    assert notes(item) == (note,)
    assert shown_trajectory(item)


def test_a_usual_trajectory_has_no_notes():
    assert notes(LINE) == ()
    assert notes(replace(LINE, diameter=0.0)) == ()
    assert notes(replace(LINE, type=TrajectoryType.TARGET, entry=(0.0, 0.0, 0.0))) == ()


def test_the_length_is_that_from_entry_to_target():
    assert length(replace(LINE, entry=(1, 2, 3), target=(1, 6, 6))) == 5
    assert length(replace(LINE, type=TrajectoryType.TARGET)) is None
    assert length(replace(LINE, target=(NAN, 0, 0))) is None


def test_points_of_a_server_that_sends_lps_are_turned():
    turned = in_ras(LINE, Coordinates.LPS)
    assert (turned.entry, turned.target) == ((-10, 20, 30.5), (1.5, -2, 8.25))
    assert in_ras(turned, Coordinates.LPS) == LINE
    assert in_ras(LINE, Coordinates.RAS) is in_ras(LINE, None) is LINE
