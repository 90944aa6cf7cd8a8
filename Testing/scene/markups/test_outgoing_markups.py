"""Markups on their way out: what Slicer's user plans reaches other systems as it was planned."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vtkmodules.vtkCommonDataModel import vtkVector3d
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec import PointItem, TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import point_items, trajectory_item
from IGTLMetaBrowserLib.scene.markups.points import PointSet
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import shown_trajectory
from IGTLMetaBrowserLib.scene.markups.trajectory_markups import show_trajectory

LINE = TrajectoryItem(
    name="Left electrode",
    group="Electrodes",
    rgba=(255, 128, 3, 77),
    entry=(10.1, -20.2, 30.3),
    target=(-1.5, 2.0, 8.25),
    diameter=2.7,
    owner="IMAGE_0",
)
numbers = st.floats(-99_999, 99_999, width=32).filter(lambda number: number != 0)
places = st.tuples(numbers, numbers, numbers)
colors = st.tuples(*[st.integers(0, 255)] * 3, st.integers(1, 255))


def over_the_wire(item):
    """An item as the other end receives it."""
    return codec.unpack(codec.pack(codec.TrajectoryMessage([item]))).items[0]


def draw_line(scene, *points):
    """A line as a user draws it."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "L")
    node.CreateDefaultDisplayNodes()
    for point in points:
        node.AddControlPoint(vtkVector3d(*point))
    return node


def under_transform(scene, *nodes):
    """Put nodes under a transform by 100 mm to the right."""
    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 3, 100)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    transform.SetMatrixTransformToParent(matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())


@pytest.mark.parametrize("type_", TrajectoryType)
def test_what_came_in_goes_out_as_it_came(scene, type_):
    unplanned = {1: {"target": (0.0, 0.0, 0.0)}, 2: {"entry": (0.0, 0.0, 0.0)}}.get(type_, {})
    received = over_the_wire(replace(LINE, type=type_, **unplanned))
    node = show_trajectory(scene, shown_trajectory(received))
    assert trajectory_item(node) == received
    assert over_the_wire(trajectory_item(node)) == received


@given(entry=places, target=places, rgba=colors, diameter=st.floats(0, 1000, width=32))
def test_every_place_color_and_diameter_comes_back_to_the_last_bit(entry, target, rgba, diameter):
    import slicer

    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
    item = replace(LINE, entry=entry, target=target, rgba=rgba, diameter=diameter)
    received = over_the_wire(item)
    assert (
        over_the_wire(trajectory_item(show_trajectory(scene, shown_trajectory(received))))
        == received
    )


def test_a_line_that_the_user_draws_is_a_trajectory(scene):
    node = draw_line(scene, (1, 2, 3), (4, 5, 6))
    node.SetName("My plan")
    node.GetDisplayNode().SetSelectedColor(0, 0, 1)
    assert trajectory_item(node, owner="IMAGE_7") == TrajectoryItem(
        name="My plan",
        type=TrajectoryType.ENTRY_AND_TARGET,
        rgba=(0, 0, 255, 255),
        entry=(1, 2, 3),
        target=(4, 5, 6),
        owner="IMAGE_7",
    )


def test_a_line_goes_out_in_the_coordinates_of_its_image(scene):
    image = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")
    with_image = draw_line(scene, (1, 2, 3), (4, 5, 6))
    alone = draw_line(scene, (101, 2, 3), (104, 5, 6))
    under_transform(scene, image, with_image)
    assert trajectory_item(with_image, image).entry == (1, 2, 3)
    assert trajectory_item(alone, image).entry == (1, 2, 3)
    assert trajectory_item(alone, image).target == (4, 5, 6)
    # Without an image they are where the user sees them.
    assert trajectory_item(with_image).entry == (101, 2, 3)
    assert trajectory_item(alone).entry == (101, 2, 3)


@pytest.mark.parametrize("points", [[], [(1, 2, 3)]])
def test_a_line_that_is_not_placed_yet_is_not_sent(scene, points):
    with pytest.raises(SceneError, match=f"'L' has {len(points)} of 2 points; place them all"):
        trajectory_item(draw_line(scene, *points))


def test_a_point_that_follows_the_mouse_is_no_point(scene):
    node = draw_line(scene, (1, 2, 3), (4, 5, 6))
    node.UnsetNthControlPointPosition(1)
    with pytest.raises(SceneError, match="'L' has 1 of 2 points"):
        trajectory_item(node)


def test_what_is_no_trajectory_is_refused(scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Landmarks")
    with pytest.raises(SceneError, match="'Landmarks' is neither a markups line nor"):
        trajectory_item(node)


def test_long_names_are_cut_between_characters_and_long_ids_are_left_out(scene):
    node = draw_line(scene, (1, 2, 3), (4, 5, 6))
    node.SetName("ä" * 40)
    item = trajectory_item(node, owner="an id of more than twenty bytes")
    assert (item.name, item.owner) == ("ä" * 32, "")
    assert over_the_wire(item) == item


def test_a_line_without_a_display_node_goes_out_too(scene):
    node = draw_line(scene, (1, 2, 3), (4, 5, 6))
    scene.RemoveNode(node.GetDisplayNode())
    assert trajectory_item(node).rgba == TrajectoryItem().rgba


def test_points_go_out_as_they_came(scene):
    items = [
        PointItem(f"P{n}", "Landmarks", (9, 8, 7, 200), (n + 0.5, -n, 0.25), 3.5, "IMAGE_0")
        for n in range(3)
    ]
    points = PointSet(scene)
    points.receive(items)
    points.finish()
    (node,) = points.nodes
    assert point_items(node) == items


@pytest.mark.parametrize("diameter", [-2.0, float("nan"), 1e30])
def test_a_tube_that_cannot_be_goes_out_as_a_thin_line(scene, diameter):
    """Slicer's markups take any number from a script; TRAJ's diameter is 0 or more."""
    for node in (
        draw_line(scene, (1, 2, 3), (4, 5, 6)),
        show_trajectory(scene, shown_trajectory(LINE)),
    ):
        display = node.GetDisplayNode()
        display.SetCurveLineSizeMode(display.UseLineDiameter)
        display.SetLineDiameter(diameter)
        assert trajectory_item(node).diameter == 0
