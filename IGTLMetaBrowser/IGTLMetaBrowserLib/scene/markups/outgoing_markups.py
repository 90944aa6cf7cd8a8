"""Markups as the items of a message: the way out, so that a plan made here reaches other systems.

What came in by TRAJ or POINT and was not changed goes out as it came, to the last bit: control
points hold the float32 numbers of the wire exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonTransforms import vtkGeneralTransform

from ... import codec
from ..errors import SceneError
from ..images.moved_images import moved_back, movement
from ..server_nodes.attributes import read_id, uncovered
from .display import diameter_of, rgba_of
from .new_markups import LINE_CLASS, POINT_CLASS
from .trajectory_decoding import FARTHEST, tube_diameter
from .trajectory_markups import GROUP_ATTRIBUTE, OWNER_ATTRIBUTE, TYPE_ATTRIBUTE

_Type = codec.TrajectoryType
# Bytes of the fields of TRAJ and POINT (OpenIGTLink trajectory.md, point.md).
_SIZES = {"name": 64, "group": 32, "owner": 20}


def is_trajectory(node: Any) -> bool:
    """Whether a markups node is a trajectory: a line, or a point that came as one."""
    return node.GetClassName() == LINE_CLASS or (
        node.GetClassName() == POINT_CLASS and node.GetAttribute(TYPE_ATTRIBUTE) is not None
    )


def trajectory_item(
    node: Any, image: Any = None, owner: str | None = None, moved: np.ndarray | None = None
) -> codec.TrajectoryItem:
    """Return a markups line, or a point that came as a trajectory, as it goes into TRAJ.

    Points are RAS mm as the image ``image`` has them, without the transform that it is under in the
    scene; without an image they are those of the scene's world, before they were ``moved`` (4, 4)
    as an image that is not there. ``owner`` is the image's id for the receiver; without one it is
    what came with the trajectory. Raises ``SceneError`` if the node is no trajectory or not all of
    its points are placed.
    """
    if not is_trajectory(node):
        raise SceneError(f"{node.GetName()!r} is neither a markups line nor a planned point")
    is_line = node.GetClassName() == LINE_CLASS
    expected = 2 if is_line else 1
    # A planned point may have the user's behind it.
    points = defined_points(node, image, moved)[:expected]
    if len(points) < expected:
        raise SceneError(
            f"{node.GetName()!r} has {len(points)} of {expected} points; place them all to send it"
        )
    if not all(map(_can_be_sent, points)):
        raise SceneError(f"{node.GetName()!r} is not within {FARTHEST / 1000:g} m of the origin")
    type_ = _Type.ENTRY_AND_TARGET if is_line else _point_type(node)
    position = {_Type.ENTRY: points[0], _Type.TARGET: points[-1]}
    none = (0.0, 0.0, 0.0)
    rgba, diameter = _look(node, is_line)
    return codec.TrajectoryItem(
        type=type_,
        rgba=rgba,
        entry=position[_Type.ENTRY] if type_ & _Type.ENTRY else none,
        target=position[_Type.TARGET] if type_ & _Type.TARGET else none,
        diameter=diameter,
        **_texts(node, node.GetName(), owner),
    )


def point_items(node: Any, owner: str | None = None) -> list[codec.PointItem]:
    """Return a markups point list as it goes into POINT; see ``trajectory_item``.

    Without points that are farther away than any is shown that comes: they are a mistake, and
    numbers that float32 does not hold would fail the message with all the others.
    """
    rgba, diameter = _look(node, is_line=False)
    labels = [
        node.GetNthControlPointLabel(index)
        for index in range(node.GetNumberOfControlPoints())
        if _is_placed(node, index)
    ]
    return [
        codec.PointItem(rgba=rgba, position=point, diameter=diameter, **_texts(node, label, owner))
        for label, point in zip(labels, defined_points(node, None), strict=True)
        if _can_be_sent(point)
    ]


def defined_points(
    node: Any, image: Any, moved: np.ndarray | None = None
) -> list[tuple[float, float, float]]:
    """Return the points of a markups node that are placed, as ``image`` or else the world has them.

    Where both are under the same transform, and the image was not moved, the numbers are those of
    the node itself.
    """
    frame = None if image is None else image.GetParentTransformNode()
    is_same = node.GetParentTransformNode() is frame
    transform = vtkGeneralTransform()
    if not is_same:
        slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
            node.GetParentTransformNode(), frame, transform
        )
    positions = [
        node.GetNthControlPointPosition(index)
        for index in range(node.GetNumberOfControlPoints())
        if _is_placed(node, index)
    ]
    points = [
        tuple(position) if is_same else transform.TransformPoint(*position)
        for position in positions
    ]
    return moved_back(points, moved if image is None else movement(image))


def _can_be_sent(point: tuple[float, float, float]) -> bool:
    return all(abs(number) <= FARTHEST for number in point)  # not of NaN


def _is_placed(node: Any, index: int) -> bool:
    return node.GetNthControlPointPositionStatus(index) == node.PositionDefined


def _point_type(node: Any) -> codec.TrajectoryType:
    is_entry = node.GetAttribute(TYPE_ATTRIBUTE) == str(int(_Type.ENTRY))
    return _Type.ENTRY if is_entry else _Type.TARGET


def _look(node: Any, is_line: bool) -> tuple[tuple[int, int, int, int], float]:
    """Return color and diameter, 0 if there is no such tube; without a display, a new item's."""
    display = node.GetDisplayNode()
    if display is None:
        return codec.TrajectoryItem().rgba, 0.0
    return rgba_of(display), tube_diameter(diameter_of(display, is_line))


def _texts(node: Any, name: str, owner: str | None) -> dict[str, str]:
    """Return name, group and owner, cut to what the message holds. A cut id would be another id."""
    if owner is None:
        owner = read_id(node.GetAttribute(OWNER_ATTRIBUTE))
    return {
        "name": codec.cut_text(name or "", _SIZES["name"]),
        "group": codec.cut_text(uncovered(node.GetAttribute(GROUP_ATTRIBUTE)), _SIZES["group"]),
        "owner": owner if len(owner.encode("utf-8", "replace")) <= _SIZES["owner"] else "",
    }
