"""Markups that Slicer saved (``.mrk.json``), as trajectories and points.

The layout is that of ``markups-schema-v1.0.3.json`` (Slicer 5.12, Modules/Loadable/Markups).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import codec
from ...codec.geometry import flip_lps_ras
from ...lengths import LONGEST
from ...net.source import SourceError
from ...system_errors import reason_of
from ..json_file import read_json

_NAME_BYTES, _GROUP_BYTES = 64, 32
_YELLOW = (255, 255, 0, 255)
# Slicer's names, and the numbers of older files; any other is an error to Slicer, too.
_COORDINATES = {"LPS": True, "1": True, "RAS": False, "0": False}

Position = tuple[float, float, float]


@dataclass
class Markups:
    """What markups files hold; all positions are RAS mm."""

    trajectories: list[codec.TrajectoryItem]
    points: list[codec.PointItem]

    def add(self, other: Markups) -> None:
        """Add those of another file."""
        self.trajectories += other.trajectories
        self.points += other.points


def read_markups(path: Path) -> Markups:
    """Read a file; raises ``SourceError``, which says what is wrong in it.

    A line's first point is its entry, the second its target.
    """
    try:
        nodes = read_json(path)["markups"]
        found = Markups([], [])
        for number, node in enumerate(nodes, start=1):
            name = str(node.get("name") or path.name.partition(".")[0])
            points = list(_defined_points(node))
            if node["type"] == "Line" and len(points) == 2:
                found.trajectories.append(_trajectory(node, name, points))
            elif node["type"] == "Line":
                raise ValueError(f"markup {number} is a line of {len(points)} points")
            else:
                found.points += [_point(node, name, *point) for point in points]
    except OSError as error:
        raise SourceError(f"it cannot be read: {reason_of(error)}") from None
    except RecursionError:
        raise SourceError("it is not a markups file of Slicer: it is nested too deep") from None
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise SourceError(f"it is not a markups file of Slicer: {what}") from None
    return found


def _defined_points(node: Mapping[str, Any]) -> Iterator[tuple[str, Position]]:
    """Yield the labels and positions of the points that have a place."""
    # Files before 5.0 may lack the field: Slicer then reads LPS.
    is_lps = _COORDINATES.get(str(node.get("coordinateSystem", "LPS")))
    if is_lps is None:
        raise ValueError(f"its coordinates are {str(node['coordinateSystem'])[:20]!r}")
    if (units := node.get("coordinateUnits", "mm")) != "mm" and units[:1] != ["mm"]:
        raise ValueError("its coordinates are not in mm")
    for point in node.get("controlPoints", ()):
        if point.get("positionStatus", "defined") == "defined":
            x, y, z = map(_length, point["position"])
            yield str(point.get("label", "")), flip_lps_ras((x, y, z)) if is_lps else (x, y, z)


def _trajectory(
    node: Mapping[str, Any], name: str, points: list[tuple[str, Position]]
) -> codec.TrajectoryItem:
    (_, entry), (_, target) = points
    return codec.TrajectoryItem(
        name=codec.cut_text(name, _NAME_BYTES),
        group="Trajectory",
        type=codec.TrajectoryType.ENTRY_AND_TARGET,
        rgba=_rgba(node),
        entry=tuple(entry),
        target=tuple(target),
        diameter=_diameter(node),
    )


def _point(node: Mapping[str, Any], group: str, label: str, position: Position) -> codec.PointItem:
    return codec.PointItem(
        name=codec.cut_text(label or group, _NAME_BYTES),
        group=codec.cut_text(group, _GROUP_BYTES),
        rgba=_rgba(node),
        position=tuple(position),
        diameter=_diameter(node),
    )


def _rgba(node: Mapping[str, Any]) -> tuple[int, int, int, int]:
    display = node.get("display") or {}
    color = display.get("selectedColor") or display.get("color")
    if color is None:
        return _YELLOW
    return rgba_of(color, display.get("opacity", 1.0))


def rgba_of(color: Iterable[Any], opacity: Any = 1.0) -> tuple[int, int, int, int]:
    """Return a color of three numbers from 0 to 1 as bytes. Raises ``ValueError``."""
    red, green, blue, alpha = (
        round(255 * min(max(float(part), 0.0), 1.0)) for part in (*color, opacity)
    )
    return red, green, blue, alpha


def _length(number: Any) -> float:
    length = float(number)
    if not abs(length) <= LONGEST:
        raise ValueError(f"{length:g} mm cannot be")
    return length


def _diameter(node: Mapping[str, Any]) -> float:
    """Return the size of the points in mm, if the file has one; Slicer has no other field."""
    display = node.get("display") or {}
    size = 0.0 if display.get("useGlyphScale", True) else _length(display.get("glyphSize", 0.0))
    if size < 0:
        raise ValueError(f"points of {size:g} mm cannot be")
    return size
