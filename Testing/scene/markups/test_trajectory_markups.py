"""Trajectories as markups nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.markups import trajectory_markups
from IGTLMetaBrowserLib.scene.markups.display import SMALLEST_GLYPH
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import shown_trajectory
from IGTLMetaBrowserLib.scene.markups.trajectory_markups import (
    GROUP_ATTRIBUTE,
    OWNER_ATTRIBUTE,
    NameLabel,
    set_label,
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


def show_trajectory(scene, item, node=None, written=None):
    """Show ``item`` in ``node``, into which ``written`` was written before."""
    before = None if written is None else shown_trajectory(written)
    return trajectory_markups.show_trajectory(scene, shown_trajectory(item), node, before)


def modified_times(node):
    return node.GetMTime(), node.GetDisplayNode().GetMTime()


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
def test_the_plan_has_its_own_color_and_opacity(scene, type_):
    display = show_trajectory(scene, replace(LINE, type=type_)).GetDisplayNode()
    assert display.GetSelectedColor() == pytest.approx((1, 0.2, 0))
    assert display.GetColor() == pytest.approx((1, 0.2, 0))
    assert display.GetOpacity() == pytest.approx(0.4)


def labels(node):
    display = node.GetDisplayNode()
    return display.GetPropertiesLabelVisibility(), display.GetPointLabelsVisibility()


def test_nothing_is_labeled_unless_somebody_wants_it(scene):
    for type_ in TrajectoryType:
        assert labels(show_trajectory(scene, replace(LINE, type=type_))) == (False, False)


def test_a_line_is_labeled_once_by_its_name_and_a_point_by_its_label(scene):
    line = show_trajectory(scene, LINE)
    point = show_trajectory(scene, replace(LINE, type=TrajectoryType.ENTRY))
    for node in (line, point):
        set_label(node, NameLabel.MIDDLE)
    assert (labels(line), labels(point)) == ((True, False), (False, True))
    set_label(line, NameLabel.NONE)
    assert labels(line) == (False, False)


def test_where_all_are_labeled_a_line_has_its_name_at_the_entry_alone(scene):
    line = show_trajectory(scene, LINE)
    point = show_trajectory(scene, replace(LINE, type=TrajectoryType.TARGET))
    for node in (line, point):
        set_label(node, NameLabel.ENTRY)
    assert (labels(line), labels(point)) == ((False, True), (False, True))
    assert [label for _, label in points(line)] == ["Left electrode", ""]
    show_trajectory(scene, replace(LINE, entry=(1, 2, 3)), line, LINE)
    assert [label for _, label in points(line)] == ["Left electrode", ""]
    assert [label for _, label in points(point)] == ["Left electrode"]
    for label in (NameLabel.MIDDLE, NameLabel.NONE):
        set_label(line, label)
        assert [label for _, label in points(line)] == ["entry", "target"]


def test_the_label_of_a_line_does_not_have_its_length(scene):
    node = show_trajectory(scene, LINE)
    # Slicer writes this behind the name.
    assert node.GetPropertiesLabelText() == ""


@pytest.mark.parametrize(("diameter", "glyph"), [(1.0, SMALLEST_GLYPH), (4.0, 4.0)])
def test_a_point_of_one_millimeter_is_seen_and_goes_out_as_it_came(scene, diameter, glyph):
    item = replace(LINE, type=TrajectoryType.TARGET, diameter=diameter)
    node = show_trajectory(scene, item)
    display = node.GetDisplayNode()
    assert (display.GetUseGlyphScale(), display.GetGlyphSize()) == (False, glyph)
    assert trajectory_item(node).diameter == diameter
    display.SetGlyphSize(6)  # by the user
    assert trajectory_item(node).diameter == 6


def test_a_line_is_as_thick_as_its_diameter(scene):
    display = show_trajectory(scene, LINE).GetDisplayNode()
    assert display.GetCurveLineSizeMode() == display.UseLineDiameter
    assert display.GetLineDiameter() == 2.5


@pytest.mark.parametrize("diameter", [0.0, -1.0, NAN, INFINITY])
def test_without_a_usable_diameter_a_line_is_as_thick_as_slicer_draws_it(scene, diameter):
    display = show_trajectory(scene, replace(LINE, diameter=diameter)).GetDisplayNode()
    assert display.GetCurveLineSizeMode() != display.UseLineDiameter


def test_a_new_plan_moves_the_same_node(scene):
    node = show_trajectory(scene, LINE)
    moved = replace(LINE, name="Electrode", entry=(1, 2, 3), target=(4, 5, 6), rgba=(0, 0, 255, 51))

    assert show_trajectory(scene, moved, node, LINE) is node
    assert points(node) == [((1, 2, 3), "entry"), ((4, 5, 6), "target")]
    assert node.GetName() == "Electrode"
    assert node.GetLocked()
    assert node.GetDisplayNode().GetSelectedColor() == (0, 0, 1)
    assert node.GetDisplayNode().GetOpacity() == pytest.approx(0.2)


def test_what_the_user_changed_stays_where_the_server_changed_something_else(scene):
    node = show_trajectory(scene, LINE)
    node.SetName("Mine")
    node.SetLocked(False)
    node.GetDisplayNode().SetSelectedColor(0, 0, 1)
    node.GetDisplayNode().SetOpacity(1)
    node.GetDisplayNode().SetVisibility(False)
    node.GetDisplayNode().SetLineDiameter(7)

    show_trajectory(scene, replace(LINE, entry=(1, 2, 3)), node, LINE)
    assert points(node) == [((1, 2, 3), "entry"), (TARGET, "target")]
    assert (node.GetName(), node.GetLocked()) == ("Mine", False)
    assert node.GetDisplayNode().GetSelectedColor() == (0, 0, 1)
    assert node.GetDisplayNode().GetOpacity() == 1
    assert not node.GetDisplayNode().GetVisibility()
    assert node.GetDisplayNode().GetLineDiameter() == 7


def test_a_new_diameter_leaves_the_users_color_and_a_new_color_the_users_diameter(scene):
    node = show_trajectory(scene, LINE)
    display = node.GetDisplayNode()
    display.SetSelectedColor(0, 0, 1)
    thick = replace(LINE, diameter=4.0)
    show_trajectory(scene, thick, node, LINE)
    assert (display.GetLineDiameter(), display.GetSelectedColor()) == (4, (0, 0, 1))
    display.SetLineDiameter(7)
    show_trajectory(scene, replace(thick, rgba=(255, 0, 0, 255)), node, thick)
    assert (display.GetLineDiameter(), display.GetSelectedColor()) == (7, (1, 0, 0))


def test_the_same_plan_again_touches_nothing(scene):
    node = show_trajectory(scene, LINE)
    before = modified_times(node)
    assert show_trajectory(scene, replace(LINE), node, LINE) is node
    assert modified_times(node) == before


def test_a_display_node_that_was_removed_comes_back_as_the_server_wants_it(scene):
    node = show_trajectory(scene, LINE)
    scene.RemoveNode(node.GetDisplayNode())
    show_trajectory(scene, LINE, node, LINE)
    assert node.GetDisplayNode().GetSelectedColor() == pytest.approx((1, 0.2, 0))
    assert node.GetDisplayNode().GetLineDiameter() == 2.5


def test_a_point_that_the_user_deleted_comes_back(scene):
    node = show_trajectory(scene, LINE)
    node.RemoveNthControlPoint(0)
    show_trajectory(scene, LINE, node, LINE)
    assert points(node) == [(ENTRY, "entry"), (TARGET, "target")]


def test_a_point_that_the_user_adds_behind_a_planned_one_stays_and_is_not_sent(scene):
    target = replace(LINE, type=TrajectoryType.TARGET)
    node = show_trajectory(scene, target)
    node.AddControlPoint(1.0, 2.0, 3.0, "mine")
    moved = replace(target, target=(0.0, 0.0, 1.0))
    assert show_trajectory(scene, moved, node, target) is node
    assert points(node) == [((0, 0, 1), "Left electrode"), ((1, 2, 3), "mine")]
    assert trajectory_item(node).target == (0, 0, 1)


def test_a_line_that_becomes_a_point_replaces_its_node(scene):
    line = show_trajectory(scene, LINE)
    target = replace(LINE, type=TrajectoryType.TARGET)
    point = show_trajectory(scene, target, line, LINE)
    assert line.GetScene() is None
    assert points(point) == [(TARGET, "Left electrode")]
    for class_name in ("vtkMRMLMarkupsNode", "vtkMRMLMarkupsDisplayNode"):
        assert scene.GetNumberOfNodesByClass(class_name) == 1


def test_what_was_hidden_stays_hidden_when_its_node_is_replaced(scene):
    line = show_trajectory(scene, LINE)
    line.SetDisplayVisibility(False)
    point = show_trajectory(scene, replace(LINE, type=TrajectoryType.ENTRY), line, LINE)
    assert not point.GetDisplayVisibility()


def test_an_entry_that_becomes_a_target_moves_its_point(scene):
    entry, target = (replace(LINE, type=type_) for type_ in (1, 2))
    node = show_trajectory(scene, entry)
    assert show_trajectory(scene, target, node, entry) is node
    assert points(node) == [(TARGET, "Left electrode")]
