"""What a trajectory plans: its points, what is odd about it, and how it is to look.

TRAJ's type says which of the two points are planned (OpenIGTLink ``trajectory.md``). Real servers
send types that do not fit their points; then the type counts, and a note says what else came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...codec import Coordinates, TrajectoryItem, TrajectoryType, printable
from ...codec.messages.trajectory import Point

# In an item that nobody gave a color all four numbers are 0. It is shown as TRAJ's own default.
DEFAULT_RGBA = (255, 255, 0, 255)
_UNDEFINED_RGBA = (0, 0, 0, 0)
_ORIGIN = (0.0, 0.0, 0.0)
# Views that have to show what is farther away (mm) show nothing else any more.
FARTHEST = 100_000.0
# A tube thicker than a patient is a mistake, and would hide all else.
THICKEST = 1_000.0
_WORDS = {TrajectoryType.ENTRY: "entry", TrajectoryType.TARGET: "target"}


class TrajectoryError(ValueError):
    """A trajectory that cannot be shown; the text says why."""


@dataclass(frozen=True)
class ShownTrajectory:
    """What is shown of a trajectory: two that are equal look the same.

    ``points`` are those that are planned, entry first, as (which, mm); ``diameter`` is in mm, 0
    for a thin line; ``rgba`` has four numbers from 0 to 255.
    """

    name: str
    group: str
    owner: str
    points: tuple[tuple[TrajectoryType, Point], ...]
    rgba: tuple[int, int, int, int]
    diameter: float

    @property
    def type(self) -> TrajectoryType:
        """Which points are planned."""
        return TrajectoryType(sum(which for which, _ in self.points))


def shown_trajectory(item: TrajectoryItem) -> ShownTrajectory:
    """Return what is shown of a trajectory. Raises ``TrajectoryError`` if it cannot be shown."""
    return ShownTrajectory(
        printable(item.name),
        printable(item.group),
        item.owner,
        tuple(planned_points(item)),
        visible_rgba(item.rgba),
        tube_diameter(item.diameter),
    )


def planned_points(item: TrajectoryItem) -> list[tuple[TrajectoryType, Point]]:
    """Return the points that the trajectory's type names, entry first, as (which, mm).

    Raises ``TrajectoryError`` if the type is unknown, or a point that it names is no place.
    """
    if item.type not in (*_WORDS, TrajectoryType.ENTRY_AND_TARGET):
        raise TrajectoryError(
            f"the trajectory {printable(item.name)!r} has the type {int(item.type)}; "
            "1 (entry), 2 (target) and 3 (both) exist"
        )
    named = [(which, point) for which, point in _both(item) if item.type & which]
    for which, point in named:
        if not all(abs(number) <= FARTHEST for number in point):  # nor is what is not a number
            raise TrajectoryError(
                f"the {_WORDS[which]} of the trajectory {printable(item.name)!r} is {point} mm, "
                f"which is not within {FARTHEST / 1000:g} m of the origin"
            )
    return named


def notes(item: TrajectoryItem) -> tuple[str, ...]:
    """Return what is odd about a trajectory that can be shown, a sentence for each."""
    texts = [text for which, point in _both(item) if (text := _point_note(item, which, point))]
    if item.type == TrajectoryType.ENTRY_AND_TARGET and item.entry == item.target:
        texts.append("entry and target are the same place: it has no length and no direction")
    if item.diameter != 0 and not tube_diameter(item.diameter):
        texts.append(f"the diameter is {item.diameter:g} mm: it is shown as a thin line")
    if item.rgba == _UNDEFINED_RGBA:
        texts.append("it has no color: it is shown in yellow")
    elif item.rgba[3] == 0:
        texts.append("its opacity is 0: it is in the scene, but nobody sees it")
    return tuple(texts)


def length(item: TrajectoryItem) -> float | None:
    """Return the distance from entry to target in mm, or None if not both are planned."""
    if item.type != TrajectoryType.ENTRY_AND_TARGET:
        return None
    distance = math.dist(item.entry, item.target)
    return distance if math.isfinite(distance) else None


def tube_diameter(diameter: float) -> float:
    """Return the diameter (mm) of the tube to show, or 0 for a thin line."""
    return diameter if 0 < diameter <= THICKEST else 0.0


def visible_rgba(rgba: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Return the color to show, 0 to 255 each."""
    return DEFAULT_RGBA if tuple(rgba) == _UNDEFINED_RGBA else rgba


def in_ras(item: TrajectoryItem, coordinates: Coordinates | None) -> TrajectoryItem:
    """Return a trajectory with its points in RAS, which come in ``coordinates`` (None: RAS).

    The way back is the same.
    """
    return item.flipped() if coordinates == Coordinates.LPS else item


def _both(item: TrajectoryItem) -> tuple[tuple[TrajectoryType, Point], ...]:
    return (TrajectoryType.ENTRY, item.entry), (TrajectoryType.TARGET, item.target)


def _point_note(item: TrajectoryItem, which: TrajectoryType, point: Point) -> str:
    """Return where a point contradicts the type, or an empty text."""
    is_set = tuple(point) != _ORIGIN and all(map(math.isfinite, point))
    if item.type & which:
        return "" if is_set else f"its {_WORDS[which]} is the origin, as if it were not set"
    if not is_set:
        return ""
    place = ", ".join(f"{number:g}" for number in point)
    return f"it also has the {_WORDS[which]} ({place}), which by its type is not planned"
