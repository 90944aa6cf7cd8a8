"""A node comes into the scene, and whoever hears of that closes it, or changes the node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import slicer
import vtk

from helpers.shown_label_maps import read_and_show
from helpers.turns import result_of
from IGTLMetaBrowserLib.codec import (
    ColorTableMessage,
    ImageMessage,
    LabelMetaItem,
    PointItem,
    TrajectoryItem,
)
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.sequence import make_sequence
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.label_maps.colors import color_volume
from IGTLMetaBrowserLib.scene.label_maps.label_maps import (
    label_maps,
    show_segmentation,
)
from IGTLMetaBrowserLib.scene.markups.points import PointSet
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.scene.nodes.new_nodes import DISPLAY_CLASSES, add_display, new_node

(LABELS,) = label_maps([LabelMetaItem("Tumor", "LABEL_0", 1, (255, 0, 0, 255), (4, 3, 2), "")])


def image(components: int = 1) -> ImageMessage:
    shape = (2, 3, 4, components) if components > 1 else (2, 3, 4)
    return ImageMessage.from_ijk_to_ras(np.ones(shape, np.uint8), np.eye(4))


@pytest.fixture
def close_at(scene: slicer.vtkMRMLScene) -> Iterator[Callable[[str], list[bool]]]:
    """Close the scene as a node of a class comes; what is returned says whether that was so."""
    tags = []

    def close_at(class_name: str) -> list[bool]:
        closed: list[bool] = []

        def close(*_: Any) -> None:
            if not closed and scene.GetNumberOfNodesByClass(class_name):
                closed.append(True)
                scene.Clear(0)

        tags.append(scene.AddObserver(scene.NodeAddedEvent, close))
        return closed

    yield close_at
    for tag in tags:
        scene.RemoveObserver(tag)


def a_scalar_volume(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    return lambda: show_image(scene, image(), "CT")


def a_vector_volume(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    return lambda: show_image(scene, image(3), "Photograph")


def a_label_map(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    return lambda: read_and_show(scene, image(), LABELS)


def a_segmentation(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    label_map = read_and_show(scene, image(), LABELS)
    return lambda: show_segmentation(scene, label_map)


def colors(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    volume = show_image(scene, image(), "CT")
    table = ColorTableMessage(np.zeros((256, 1), np.uint8))
    return lambda: color_volume(scene, volume, table)


def a_sequence(scene: slicer.vtkMRMLScene) -> Callable[[], Any]:
    volumes = [show_image(scene, image(), name) for name in "AB"]
    for volume in volumes:  # so that the one that replays them has the only one
        scene.RemoveNode(volume.GetDisplayNode())
    return lambda: result_of(make_sequence(scene, volumes, "time", "s", ["1", "2"]))


@pytest.mark.parametrize(
    ("prepare", "class_name"),
    [
        (a_scalar_volume, "vtkMRMLScalarVolumeNode"),
        (a_scalar_volume, "vtkMRMLScalarVolumeDisplayNode"),
        (a_vector_volume, "vtkMRMLVectorVolumeNode"),
        (a_vector_volume, "vtkMRMLVectorVolumeDisplayNode"),
        (a_label_map, "vtkMRMLLabelMapVolumeNode"),
        (a_label_map, "vtkMRMLLabelMapVolumeDisplayNode"),
        (a_label_map, "vtkMRMLColorTableNode"),
        (a_segmentation, "vtkMRMLSegmentationNode"),
        (a_segmentation, "vtkMRMLSegmentationDisplayNode"),
        (colors, "vtkMRMLColorTableNode"),
        (a_sequence, "vtkMRMLSequenceNode"),
        (a_sequence, "vtkMRMLSequenceBrowserNode"),
        (a_sequence, "vtkMRMLScalarVolumeDisplayNode"),
    ],
)
def test_what_was_to_be_shown_says_so_and_leaves_nothing(
    scene, sequences, close_at, prepare, class_name
):
    """Slicer crashed, as it went on with a node that was gone."""
    make = prepare(scene)
    closed = close_at(class_name)
    with pytest.raises(SceneError, match="its node was removed as it came into the scene"):
        make()
    assert closed
    assert scene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode") == 0
    assert prepare(scene)().GetScene() is scene


@pytest.mark.parametrize(
    "prepare", [a_scalar_volume, a_vector_volume, a_label_map, a_segmentation, a_sequence]
)
def test_a_display_node_that_whoever_heard_of_a_node_has_made_is_kept(scene, sequences, prepare):
    """A second one would stay in the scene, of nothing."""
    make = prepare(scene)
    before = counts(scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def make_display(_scene: Any, _event: str, node: Any) -> None:
        if node.IsA("vtkMRMLDisplayableNode"):
            node.CreateDefaultDisplayNodes()

    tag = scene.AddObserver(scene.NodeAddedEvent, make_display)
    make()
    scene.RemoveObserver(tag)
    new, displays = (now - then for now, then in zip(counts(scene), before, strict=True))
    assert new == displays > 0


def counts(scene: slicer.vtkMRMLScene) -> list[int]:
    """How many nodes there are that can be seen, and display nodes."""
    classes = "vtkMRMLDisplayableNode", "vtkMRMLDisplayNode"
    return [scene.GetNumberOfNodesByClass(one) for one in classes]


def test_a_display_node_that_whoever_heard_of_it_has_removed_is_done_without(scene, sequences):
    make = a_sequence(scene)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def remove_display(_scene: Any, _event: str, node: Any) -> None:
        if node.IsA("vtkMRMLDisplayNode"):
            scene.RemoveNode(node)

    tag = scene.AddObserver(scene.NodeAddedEvent, remove_display)
    browser = make()
    scene.RemoveObserver(tag)
    assert browser.GetProxyNode(browser.GetMasterSequenceNode()).GetDisplayNode() is None


def a_line(scene: slicer.vtkMRMLScene) -> None:
    lines = TrajectorySet(scene)
    lines.receive([TrajectoryItem("Plan", entry=(0.0, 0.0, 9.0), diameter=1.0)])
    lines.finish()


def a_point(scene: slicer.vtkMRMLScene) -> None:
    points = PointSet(scene)
    points.receive([PointItem("Nasion", position=(0.0, 0.0, 9.0))])
    points.finish()


@pytest.mark.parametrize(
    ("show", "class_name"),
    [
        (a_line, "vtkMRMLMarkupsDisplayNode"),
        (a_line, "vtkMRMLMarkupsLineNode"),
        (a_point, "vtkMRMLMarkupsFiducialDisplayNode"),
        (a_point, "vtkMRMLMarkupsFiducialNode"),
    ],
)
def test_no_line_and_no_point_comes_into_the_next_scene(scene, close_at, show, class_name):
    """One whose display node was gone by then did so."""
    closed = close_at(class_name)
    show(scene)
    assert closed
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 0


@pytest.mark.parametrize("class_name", DISPLAY_CLASSES)
def test_a_display_node_is_as_slicer_makes_it(scene, class_name):
    ours, slicers = (new_node(scene, class_name) for _ in range(2))
    display = add_display(scene, ours)
    slicers.CreateDefaultDisplayNodes()
    assert ours.GetDisplayNode() is display
    assert said_of(display) == said_of(slicers.GetDisplayNode())


def said_of(display: Any) -> tuple[str, str | None, list[str]]:
    """Class and color node of a display node, and all else but what tells it from others."""
    own = ("MTime:", "ID:", "Name:", "Modified Time:", "Reference Count:", "0x")
    lines = [line for line in str(display).splitlines() if not any(one in line for one in own)]
    return display.GetClassName(), display.GetColorNodeID(), lines
