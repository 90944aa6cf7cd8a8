"""Trajectories as markups nodes.

Entry and target make a line; a trajectory of which only one point is planned makes a point. The
nodes are locked: a plan is not moved by a slip of the mouse. Positions are RAS mm in the node's own
coordinates, so that a transform of the node's moves them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from functools import partial
from typing import Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkVector3d

from ...codec import TrajectoryType
from ..images.moved_images import moved_by
from ..nodes.new_nodes import add_display
from ..nodes.node_names import savable_name
from ..server_nodes.attributes import KEY_ATTRIBUTE, written_id
from ..server_nodes.released_nodes import release
from ..subject_hierarchy.group_folders import remove_node
from .display import set_color, set_diameter, set_labels
from .new_markups import LINE_CLASS, POINT_CLASS, new_markups
from .trajectory_decoding import ShownTrajectory

GROUP_ATTRIBUTE = "IGTLMetaBrowser.TrajectoryGroup"
OWNER_ATTRIBUTE = "IGTLMetaBrowser.TrajectoryOwner"
TYPE_ATTRIBUTE = "IGTLMetaBrowser.TrajectoryType"
"""1 entry, 2 target, 3 both."""

_POINT_LABELS = {TrajectoryType.ENTRY: "entry", TrajectoryType.TARGET: "target"}


def show_trajectory(
    scene: Any,
    shown: ShownTrajectory,
    node: Any = None,
    written: ShownTrajectory | None = None,
    attributes: Callable[[], Mapping[str, str]] = dict,
    moved: np.ndarray | None = None,
) -> Any:
    """Return the markups node (line or fiducial) that shows a trajectory.

    ``node`` showed it before, and ``written`` is what was written into it then: what is the same
    in both is not touched, so that it stays as the user may have changed it. A new node gets
    the attributes that ``attributes`` returns. ``moved``, of shape (4, 4), is by what the image
    was moved in the scene.
    """
    if node is not None and is_as_written(node, shown, written):
        return node
    class_name = LINE_CLASS if len(shown.points) == 2 else POINT_CLASS
    if node is not None and node.GetClassName() == class_name:
        _write_display(node, shown, written)
        _write_node(node, shown, written, moved)
        return node
    # A line becomes a point, or the other way round: another node, as visible as it was.
    is_hidden = node is not None and not node.GetDisplayVisibility()
    if node is not None:
        remove_trajectory(scene, node)
    node = new_markups(scene, class_name, partial(_write_new, shown, attributes, moved))
    if is_hidden:
        node.SetDisplayVisibility(False)
    return node


def remove_trajectory(scene: Any, node: Any) -> None:
    """Remove the node of a trajectory; points that the user has added to it stay, as the user's."""
    if node.GetClassName() == LINE_CLASS or node.GetNumberOfControlPoints() < 2:
        remove_node(scene, node)
    else:
        node.RemoveNthControlPoint(0)
        release(node, KEY_ATTRIBUTE, TYPE_ATTRIBUTE)


def _write_new(
    shown: ShownTrajectory,
    attributes: Callable[[], Mapping[str, str]],
    moved: np.ndarray | None,
    node: Any,
    display: Any,
) -> None:
    node.SetLocked(True)
    _label_by_name_alone(node)
    for name, value in attributes().items():
        node.SetAttribute(name, value)
    set_labels(display, at_line=False, at_points=False)
    set_color(display, shown.rgba)
    set_diameter(display, shown.diameter)
    _write_node(node, shown, None, moved)


def is_as_written(node: Any, shown: ShownTrajectory, written: ShownTrajectory | None) -> bool:
    """Whether a node shows a trajectory already, so that nothing has to be touched."""
    return shown == written and _has_all_points(node, shown) and node.GetDisplayNode() is not None


class NameLabel(Enum):
    """Where the name of a trajectory stands in the views.

    Slicer places the label of each line as if there were no others, in the middle of the line or at
    its points. The plans of an operation lie side by side, or meet in one target: in their middles
    the labels of all of them would lie over each other, in 3D and in each slice that a target is
    in. Their entry points are the farthest apart. Of lines that enter close together, they overlap.
    """

    NONE = auto()
    MIDDLE = auto()
    """Of the line: in slices, if its entry or its target is in the slice."""
    ENTRY = auto()
    """In slices, if the entry is in the slice."""


def set_label(node: Any, label: NameLabel) -> None:
    """Label the markups node of a trajectory, or do not; one that is a point has one place for it.

    The labels of a line's points are for the tables of other modules, unless they are seen.
    """
    display, is_line = node.GetDisplayNode(), node.GetClassName() == LINE_CLASS
    if display is None:
        return
    if is_line and label is NameLabel.ENTRY:
        _label_points(node, (node.GetName(), ""))
    elif is_line and _is_labeled_at_entry(node):
        _label_points(node, tuple(_POINT_LABELS.values()))
    modified = display.StartModify()
    at_points = label is NameLabel.ENTRY or (label is NameLabel.MIDDLE and not is_line)
    set_labels(display, label is NameLabel.MIDDLE and is_line, at_points)
    display.EndModify(modified)


def _is_labeled_at_entry(node: Any) -> bool:
    return node.GetNumberOfControlPoints() == 2 and not node.GetNthControlPointLabel(1)


def _label_points(node: Any, texts: Sequence[str]) -> None:
    modified = node.StartModify()
    for index, text in enumerate(texts[: node.GetNumberOfControlPoints()]):
        node.SetNthControlPointLabel(index, text)
    node.EndModify(modified)


def _label_by_name_alone(node: Any) -> None:
    # A line's label has all measurements that are enabled, and a new line's length is.
    for index in range(node.GetNumberOfMeasurements()):
        node.GetNthMeasurement(index).SetEnabled(False)


def _has_all_points(node: Any, shown: ShownTrajectory) -> bool:
    # More of them are the user's: a planned point is a list with room for others.
    return node.GetNumberOfControlPoints() >= len(shown.points)


def _write_node(
    node: Any, shown: ShownTrajectory, written: ShownTrajectory | None, moved: np.ndarray | None
) -> None:
    modified = node.StartModify()
    if written is None or written.name != shown.name:
        node.SetName(savable_name(shown.name))
    if written is None or _attributes(written) != _attributes(shown):
        for name, value in _attributes(shown).items():
            node.SetAttribute(name, value)
    is_same = written is not None and (written.points, written.name) == (shown.points, shown.name)
    if not (is_same and _has_all_points(node, shown)):
        _write_points(node, shown, moved)
    node.EndModify(modified)


def mark_as_trajectory(node: Any, attributes: Mapping[str, str]) -> None:
    """Prepare a line of the user's for ``show_trajectory``, as if that had made it."""
    for name, value in attributes.items():
        node.SetAttribute(name, value)
    _label_by_name_alone(node)


def _attributes(shown: ShownTrajectory) -> dict[str, str]:
    return {
        GROUP_ATTRIBUTE: shown.group,
        OWNER_ATTRIBUTE: written_id(shown.owner),
        TYPE_ATTRIBUTE: str(int(shown.type)),
    }


def _write_points(node: Any, shown: ShownTrajectory, moved: np.ndarray | None) -> None:
    # Of a line that has both, each has its label, see ``set_label``.
    is_labeled = len(shown.points) == 2 and _has_all_points(node, shown)
    for index, (which, planned) in enumerate(shown.points):
        point = moved_by(moved, planned)
        label = _POINT_LABELS[which] if len(shown.points) == 2 else shown.name
        if index >= node.GetNumberOfControlPoints():
            node.AddControlPoint(vtkVector3d(*point), label)
        else:
            node.SetNthControlPointPosition(index, *point)
            if not is_labeled:
                node.SetNthControlPointLabel(index, label)


def _write_display(node: Any, shown: ShownTrajectory, written: ShownTrajectory | None) -> None:
    display = node.GetDisplayNode()
    if display is None:  # the user may have removed the one there was
        display, written = add_display(node.GetScene(), node), None
    modified = display.StartModify()
    if written is None:
        set_labels(display, at_line=False, at_points=False)
    if written is None or written.rgba != shown.rgba:
        set_color(display, shown.rgba)
    if written is None or written.diameter != shown.diameter:
        set_diameter(display, shown.diameter)
    display.EndModify(modified)
