"""Trajectories as a file that Slicer opens: markups JSON (``.mrk.json``).

The layout is that of ``markups-schema-v1.0.3.json`` (Slicer 5.12, Modules/Loadable/Markups), which
Slicer reads since 5.0. Positions are LPS mm, as Slicer itself writes them. The format has no field
for the diameter of a line: a line's thickness is relative to that of its ends, so that ends of the
diameter and a relative thickness of 1 make a tube of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..codec import TrajectoryItem, TrajectoryType, printable
from ..codec.geometry import flip_lps_ras
from ..scene.markups.trajectory_decoding import ShownTrajectory, shown_trajectory
from ..system_errors import why_not_written
from ..whole_file import replaced_at_end
from .parser import CommandError

ENDING = ".mrk.json"
# Slicer compares the name with the one it has written since before its branch was renamed.
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/"
    "Schema/markups-schema-v1.0.3.json#"
)
_LABELS = {TrajectoryType.ENTRY: "entry", TrajectoryType.TARGET: "target"}


def write_markups(path: Path, items: Iterable[TrajectoryItem]) -> None:
    """Write trajectories, each a markups line or, if only one point is planned, a point.

    An older file of that name is replaced once the new one is complete. Raises ``PlanError`` if one
    cannot be shown, and ``CommandError``.
    """
    markups = [_markup(shown_trajectory(item)) for item in items]
    text = json.dumps({"@schema": _SCHEMA, "markups": markups}, indent=1, allow_nan=False)
    try:
        with replaced_at_end(path) as part:
            part.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(why_not_written(error, path)) from None


def _markup(trajectory: ShownTrajectory) -> dict[str, Any]:
    is_line = len(trajectory.points) == 2
    return {
        "type": "Line" if is_line else "Fiducial",
        "name": trajectory.name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "controlPoints": [
            {
                "id": str(number),
                "label": _LABELS[which] if is_line else trajectory.name,
                "description": _description(trajectory),
                "position": list(flip_lps_ras(point)),
                "positionStatus": "defined",
            }
            for number, (which, point) in enumerate(trajectory.points, start=1)
        ],
        "display": _display(trajectory, is_line),
    }


def _description(trajectory: ShownTrajectory) -> str:
    """What the format has no other place for, in words for whoever opens the file."""
    parts = {
        "group": trajectory.group,
        "image": printable(trajectory.owner),
        "diameter": f"{trajectory.diameter:g} mm" if trajectory.diameter else "",
    }
    return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def _display(trajectory: ShownTrajectory, is_line: bool) -> dict[str, Any]:
    red, green, blue, alpha = (number / 255 for number in trajectory.rgba)
    display: dict[str, Any] = {
        "visibility": True,
        "opacity": alpha,
        "color": [red, green, blue],
        "selectedColor": [red, green, blue],
        "propertiesLabelVisibility": is_line,
        "pointLabelsVisibility": not is_line,
    }
    if trajectory.diameter:
        display |= {"useGlyphScale": False, "glyphSize": trajectory.diameter, "lineThickness": 1.0}
    return display
