"""Trajectories as markups nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.trajectories import (
    GROUP_ATTRIBUTE,
    OWNER_ATTRIBUTE,
    show_trajectory,
)

ENTRY, TARGET = (10.0, -20.0, 30.5), (-1.5, 2.0, 8.25)
NAN, INFINITY = float("nan"), float("inf")
LINE = TrajectoryItem(
    name="Left electrode",
    group="Electrodes",
    rgba=(255, 51, 0, 102),
    entry=ENTRY,
    target=TARGET,
    diameter=2.5,
    owner="IMAGE_0",
)


def points(node):
    """Positions (RAS mm) and labels of a node's control points."""
    return [
        (tuple(node.GetNthControlPointPositionWorld(index)), node.GetNthControlPointLabel(index))
        for index in range(node.GetNumberOfControlPoints())
    ]


def test_entry_and_target_make_a_locked_line(scene):
    node = show_trajectory(scene, LINE)
    assert (node.GetClassName(), node.GetName()) == ("vtkMRMLMarkupsLineNode", "Left electrode")
    assert points(node) == [(ENTRY, "entry"), (TARGET, "target")]
    assert node.GetLocked()
    assert node.GetAttribute(GROUP_ATTRIBUTE) == "Electrodes"
    assert node.GetAttribute(OWNER_ATTRIBUTE) == "IMAGE_0"


@pytest.mark.parametrize(
    ("type_", "point"), [(TrajectoryType.ENTRY, ENTRY), (TrajectoryType.TARGET, TARGET)]
)
def test_a_single_point_is_a_locked_fiducial_under_its_own_name(scene, type_, point):
    node = show_trajectory(scene, replace(LINE, type=type_))
    assert node.GetClassName() == "vtkMRMLMarkupsFiducialNode"
    assert points(node) == [(point, "Left electrode")]
    assert node.GetLocked()


@pytest.mark.parametrize("type_", TrajectoryType)
def test_the_plan_has_its_own_colour_and_opacity(scene, type_):
    display = show_trajectory(scene, replace(LINE, type=type_)).GetDisplayNode()
    assert display.GetSelectedColor() == pytest.approx((1, 0.2, 0))
    assert display.GetColor() == pytest.approx((1, 0.2, 0))
    assert display.GetOpacity() == pytest.approx(0.4)


def test_a_line_is_labelled_once_by_its_name_and_a_point_by_its_label(scene):
    line = show_trajectory(scene, LINE).GetDisplayNode()
    point = show_trajectory(scene, replace(LINE, type=TrajectoryType.ENTRY)).GetDisplayNode()
    assert (line.GetPropertiesLabelVisibility(), line.GetPointLabelsVisibility()) == (True, False)
    assert (point.GetPropertiesLabelVisibility(), point.GetPointLabelsVisibility()) == (False, True)


def test_a_line_is_as_thick_as_its_diameter(scene):
    display = show_trajectory(scene, LINE).GetDisplayNode()
    assert display.GetCurveLineSizeMode() == display.UseLineDiameter
    assert display.GetLineDiameter() == 2.5


@pytest.mark.parametrize("diameter", [0.0, -1.0, NAN, INFINITY])
def test_without_a_usable_diameter_a_line_is_as_thick_as_slicer_draws_it(scene, diameter):
    display = show_trajectory(scene, replace(LINE, diameter=diameter)).GetDisplayNode()
    assert display.GetCurveLineSizeMode() != display.UseLineDiameter


def test_a_new_plan_moves_the_same_node_and_leaves_the_users_display(scene):
    node = show_trajectory(scene, LINE)
    node.GetDisplayNode().SetSelectedColor(0, 0, 1)
    node.GetDisplayNode().SetVisibility(False)
    moved = replace(LINE, name="Electrode", entry=(1, 2, 3), target=(4, 5, 6), rgba=(9, 9, 9, 9))

    assert show_trajectory(scene, moved, node) is node
    assert points(node) == [((1, 2, 3), "entry"), ((4, 5, 6), "target")]
    assert node.GetName() == "Electrode"
    assert node.GetLocked()
    assert node.GetDisplayNode().GetSelectedColor() == (0, 0, 1)
    assert not node.GetDisplayNode().GetVisibility()


def test_a_point_that_the_user_deleted_comes_back(scene):
    node = show_trajectory(scene, LINE)
    node.RemoveNthControlPoint(0)
    show_trajectory(scene, LINE, node)
    assert points(node) == [(ENTRY, "entry"), (TARGET, "target")]


def test_a_line_that_becomes_a_point_replaces_its_node(scene):
    line = show_trajectory(scene, LINE)
    count = scene.GetNumberOfNodes()
    point = show_trajectory(scene, replace(LINE, type=TrajectoryType.TARGET), line)
    assert line.GetScene() is None
    assert scene.GetNumberOfNodes() == count
    assert points(point) == [(TARGET, "Left electrode")]


def test_a_point_that_the_type_does_not_name_may_be_anything(scene):
    item = replace(LINE, type=TrajectoryType.ENTRY, target=(NAN, NAN, NAN))
    assert points(show_trajectory(scene, item)) == [(ENTRY, "Left electrode")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": 0}, "'Left electrode' has the type 0"),
        ({"type": 200}, "'Left electrode' has the type 200"),
        ({"entry": (NAN, 0, 0)}, "entry of the trajectory 'Left electrode'.*nan"),
        ({"target": (0, 0, -INFINITY)}, "target of the trajectory 'Left electrode'.*inf"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_the_node_stays_as_it_was(scene, change, words):
    node = show_trajectory(scene, LINE)
    count = scene.GetNumberOfNodes()
    with pytest.raises(SceneError, match=words):
        show_trajectory(scene, replace(LINE, **change), node)
    with pytest.raises(SceneError, match=words):
        show_trajectory(scene, replace(LINE, **change))
    assert points(node) == [(ENTRY, "entry"), (TARGET, "target")]
    assert scene.GetNumberOfNodes() == count
