"""Selecting a trajectory moves the slices to its target, and turns them along it on request."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.plans import ENTRY, NAME, TARGET, line

ORIENTATIONS = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}


@pytest.fixture
def slices(slicer_host):
    """The slice nodes of Slicer's usual layout, by their names."""
    scene, nodes = slicer_host.mrmlScene, {}
    slicer_host.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    for name, orientation in ORIENTATIONS.items():
        node = scene.CreateNodeByClass("vtkMRMLSliceNode")  # which has the usual orientations
        node.SetName(name)
        node.SetLayoutName(name)
        node.SetDefaultOrientation(orientation)
        nodes[name] = scene.AddNode(node)
        nodes[name].SetOrientationToDefault()
    return nodes


def center(node):
    """The middle of a slice, RAS mm."""
    return tuple(node.GetSliceToRAS().GetElement(row, 3) for row in range(3))


def normal(node):
    return np.array([node.GetSliceToRAS().GetElement(row, 2) for row in range(3)])


def centers(slices):
    return [pytest.approx(center(node)) for node in slices.values()]


def test_the_target_of_what_is_selected_is_in_the_middle_of_the_slices(plan, slices):
    planner = plan(line("1"), line("2", target=(-5.0, 6.5, 7.0)))
    planner.select("1")
    assert centers(slices) == [(10, 20, 30)] * 3
    QTest.keyClick(planner.view, Qt.Key_Down)
    assert centers(slices) == [(-5, 6.5, 7)] * 3
    assert [node.GetOrientation() for node in slices.values()] == [*ORIENTATIONS.values()]


def test_of_one_point_that_is_the_place(plan, slices):
    planner = plan(line("In", type=ENTRY), line("Out", type=TARGET))
    planner.select("In")
    assert centers(slices) == [(10, 20, 130)] * 3
    planner.select("Out")
    assert centers(slices) == [(10, 20, 30)] * 3


def test_what_is_no_place_leaves_the_slices(plan, slices):
    planner = plan(line("1"), line("Odd", type=9))
    planner.select("1")
    planner.select("Odd")
    assert centers(slices) == [(10, 20, 30)] * 3


def test_several_leave_the_slices_where_they_are(plan, slices):
    planner = plan(line("1"), line("2", target=(-5.0, 6.5, 7.0)))
    planner.select("1", "2")
    assert centers(slices) == [(10, 20, 30)] * 3


def test_what_the_user_has_moved_is_found_where_it_is(plan, slices):
    planner = plan(line("1"))
    planner.node("1").SetNthControlPointPosition(1, 1, 2, 3)
    planner.select("1")
    assert centers(slices) == [(1, 2, 3)] * 3


@pytest.mark.parametrize("is_shown", [True, False])
def test_the_transform_of_the_image_counts(plan, slices, slicer_host, is_shown):
    planner = plan(line("1", owner="A"), *[line(f"More {number}") for number in range(2)])
    planner.user.load("A")
    transform = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = slicer_host.util.vtkMatrixFromArray(np.eye(4))
    matrix.SetElement(0, 3, 100)
    transform.SetMatrixTransformToParent(matrix)
    planner.user.panel.browser.images.node("A").SetAndObserveTransformNodeID(transform.GetID())
    if not is_shown:
        slicer_host.mrmlScene.RemoveNode(planner.node("1"))
    planner.select("1")
    assert centers(slices) == [(110, 20, 30)] * 3


def test_it_lies_in_two_of_the_turned_slices_and_stands_on_the_third(plan, slices):
    oblique = line("Oblique", entry=(30.0, 60.0, 130.0))
    planner = plan(oblique)
    planner.tick(planner.ui.turnSlicesCheckBox)
    planner.select("Oblique")
    direction = np.subtract(oblique.target, oblique.entry)
    direction /= np.linalg.norm(direction)
    across = {name: abs(normal(node) @ direction) for name, node in slices.items()}
    assert across == {
        "Red": pytest.approx(1), "Yellow": pytest.approx(0), "Green": pytest.approx(0),
    }  # fmt: skip
    assert centers(slices) == [(10, 20, 30)] * 3
    for node in slices.values():
        axes = [[node.GetSliceToRAS().GetElement(i, j) for j in range(3)] for i in range(3)]
        assert np.abs(np.linalg.det(axes)) == pytest.approx(1)


def test_a_straight_line_turns_nothing(plan, slices):
    planner = plan(line("Straight"))
    before = {name: normal(node).tolist() for name, node in slices.items()}
    planner.tick(planner.ui.turnSlicesCheckBox)
    planner.select("Straight")
    assert {name: pytest.approx(normal(node)) for name, node in slices.items()} == before


def test_without_the_check_box_the_slices_are_turned_back_and_stay_at_the_place(plan, slices):
    planner = plan(line("Oblique", entry=(30.0, 60.0, 130.0)), line("Point", type=TARGET))
    planner.select("Oblique")
    planner.tick(planner.ui.turnSlicesCheckBox)
    assert slices["Red"].GetOrientation() == "Reformat"
    planner.tick(planner.ui.turnSlicesCheckBox)
    assert [node.GetOrientation() for node in slices.values()] == [*ORIENTATIONS.values()]
    assert centers(slices) == [(10, 20, 30)] * 3

    planner.tick(planner.ui.turnSlicesCheckBox)
    planner.select("Point")  # which has no direction
    assert slices["Red"].GetOrientation() == "Axial"


def test_a_list_that_comes_again_does_not_move_the_slices(plan, slices):
    planner = plan(line("1"), line("2"))
    planner.select("1")
    slices["Red"].JumpSliceByCentering(0, 0, 0)
    planner.source.plans.append(line("3"))
    planner.get()
    assert planner.column(NAME) == ["1", "2", "3"]
    assert planner.selected() == ["1"]
    assert center(slices["Red"]) == (0, 0, 0)
