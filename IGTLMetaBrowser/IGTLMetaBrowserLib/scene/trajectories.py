"""Trajectories as markups nodes.

Entry and target make a line; a trajectory of which only one point is planned makes a point. The
nodes are locked: a plan is not moved by a slip of the mouse.
"""

from __future__ import annotations

import math
from typing import Any

from ..codec import TrajectoryItem, TrajectoryType, printable
from .errors import SceneError

GROUP_ATTRIBUTE = "IGTLMetaBrowser.TrajectoryGroup"
OWNER_ATTRIBUTE = "IGTLMetaBrowser.TrajectoryOwner"

_POINT_LABELS = {
    TrajectoryType.ENTRY: "entry",
    TrajectoryType.TARGET: "target",
}


def show_trajectory(scene: Any, item: TrajectoryItem, node: Any = None) -> Any:
    """Return the markups node (line or fiducial) that shows a trajectory, in RAS mm.

    ``node`` is the one that showed it before: it is moved, and keeps the user's colours.
    Raises ``SceneError`` where the type is unknown or a point it names is not finite.
    """
    points = planned_points(item)
    class_name = "vtkMRMLMarkupsLineNode" if len(points) == 2 else "vtkMRMLMarkupsFiducialNode"
    if node is not None and node.GetClassName() != class_name:
        if node.GetDisplayNode() is not None:
            scene.RemoveNode(node.GetDisplayNode())
        scene.RemoveNode(node)
        node = None
    is_new = node is None
    if node is None:
        node = scene.AddNewNodeByClass(class_name, printable(item.name))
    node.CreateDefaultDisplayNodes()  # the user may have removed the one there was
    modified = node.StartModify()
    node.SetName(printable(item.name))
    node.SetAttribute(GROUP_ATTRIBUTE, printable(item.group))
    node.SetAttribute(OWNER_ATTRIBUTE, printable(item.owner))
    _set_points(node, item, points)
    if is_new:
        _set_display(node.GetDisplayNode(), item)
    _set_diameter(node.GetDisplayNode(), item.diameter)
    node.EndModify(modified)
    return node


def planned_points(item: TrajectoryItem) -> list[tuple[TrajectoryType, tuple[float, ...]]]:
    """Return the points that the trajectory's type names, entry first, as (which, RAS mm)."""
    points = {TrajectoryType.ENTRY: item.entry, TrajectoryType.TARGET: item.target}
    if item.type not in (*points, TrajectoryType.ENTRY_AND_TARGET):
        raise SceneError(
            f"the trajectory {printable(item.name)!r} has the type {int(item.type)}; "
            "1 (entry), 2 (target) and 3 (both) exist"
        )
    named = [(which, point) for which, point in points.items() if item.type & which]
    for which, point in named:
        if not all(math.isfinite(coordinate) for coordinate in point):
            raise SceneError(
                f"the {which.name.lower()} of the trajectory {printable(item.name)!r} is "
                f"{point}, which is no place"
            )
    return named


def _set_points(
    node: Any, item: TrajectoryItem, points: list[tuple[TrajectoryType, tuple[float, ...]]]
) -> None:
    node.SetLocked(False)
    for index, (which, point) in enumerate(points):
        label = _POINT_LABELS[which] if len(points) == 2 else printable(item.name)
        if index >= node.GetNumberOfControlPoints():
            node.AddControlPointWorld(*point, label)
        else:
            node.SetNthControlPointPositionWorld(index, *point)
            node.SetNthControlPointLabel(index, label)
    node.SetLocked(True)


def _set_display(display: Any, item: TrajectoryItem) -> None:
    red, green, blue, alpha = (number / 255 for number in item.rgba)
    display.SetSelectedColor(red, green, blue)
    display.SetColor(red, green, blue)
    display.SetOpacity(alpha)
    # A plan inside the head is seen through it.
    display.SetOccludedVisibility(True)
    is_line = item.type == TrajectoryType.ENTRY_AND_TARGET
    # A line is labelled once, by its name; a single point by its own label, which is the name.
    display.SetPropertiesLabelVisibility(is_line)
    display.SetPointLabelsVisibility(not is_line)


def _set_diameter(display: Any, diameter: float) -> None:
    """Show a tube of ``diameter`` mm, or a thin line where there is none that can be shown."""
    is_tube = math.isfinite(diameter) and diameter > 0
    display.SetCurveLineSizeMode(display.UseLineDiameter if is_tube else display.UseLineThickness)
    display.SetUseGlyphScale(not is_tube)
    if is_tube:
        display.SetLineDiameter(diameter)
        display.SetGlyphSize(diameter)
