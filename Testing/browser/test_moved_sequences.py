"""A 4D series that the user has moved, and becomes a sequence, with what belongs to its images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import slicer

from helpers.peers import ServerInThread
from helpers.series_4d import IDS, Series4d
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.codec import TrajectoryItem
from IGTLMetaBrowserLib.scene.errors import SceneError

LEFT = TrajectoryItem("Left", entry=(0.0, 0.0, 9.0), target=(1.0, 0.0, 0.0), owner=IDS[1])
RIGHT = TrajectoryItem("Right", entry=(0.0, 0.0, 9.0), target=(2.0, 0.0, 0.0), owner=IDS[1])


@pytest.fixture
def series() -> Series4d:
    return Series4d()


@pytest.fixture
def loaded(unconnected: Browser, sequences: Any, series: Series4d) -> Iterator[Browser]:
    """All images are in the scene, and a plan that belongs to the second."""
    series.planned = [LEFT]
    with ServerInThread(series) as server:
        unconnected.connect(server.host, server.port)
        unconnected.list_images()
        for image_id in IDS:
            unconnected.load_image(image_id)
        unconnected.load_trajectories()
        yield unconnected
        unconnected.disconnect()


@pytest.fixture
def transform(scene: Any) -> Any:
    """One that moves by 100 mm along x."""
    matrix = np.eye(4)
    matrix[0, 3] = 100.0
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


def moved(loaded: Browser, series: Series4d, player: Any) -> list[float]:
    """Get another line; return by how much the image, the line that was there and it are moved."""
    series.planned = [LEFT, RIGHT]
    loaded.load_trajectories()
    left, right = (node.GetNthControlPointPositionWorld(1)[0] for node in loaded.trajectories.nodes)
    shown = player.GetProxyNode(player.GetMasterSequenceNode())
    bounds = np.zeros(6)
    shown.GetRASBounds(bounds)
    return [bounds[0] + 0.5, left - LEFT.target[0], right - RIGHT.target[0]]


@pytest.mark.parametrize("is_hardened", [False, True])
def test_what_all_its_images_were_moved_by_moves_the_sequence(
    loaded, series, transform, is_hardened
):
    for volume in map(loaded.images.node, IDS):
        volume.SetAndObserveTransformNodeID(transform.GetID())
        if is_hardened:
            volume.HardenTransform()
    assert moved(loaded, series, loaded.load_sequence(IDS[0])) == [100.0, 100.0, 100.0]


def test_what_moves_the_sequence_moves_what_belongs_to_its_images(loaded, series, transform):
    player = loaded.load_sequence(IDS[0])
    shown = player.GetProxyNode(player.GetMasterSequenceNode())
    shown.SetAndObserveTransformNodeID(transform.GetID())
    assert moved(loaded, series, player) == [100.0, 100.0, 100.0]


def test_nor_does_it_leave_a_region_of_one_of_them_behind(loaded, scene, transform):
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetCenter(1, 0, 0)
    roi.SetSize(3, 3, 3)
    region = loaded.load_region(IDS[1], roi)
    player = loaded.load_sequence(IDS[0])
    shown = player.GetProxyNode(player.GetMasterSequenceNode())
    shown.SetAndObserveTransformNodeID(transform.GetID())
    assert region.GetParentTransformNode() is transform


def test_until_its_next_frame_does_not_move_them(loaded, series, transform, sequences):
    player = loaded.load_sequence(IDS[0])
    shown = player.GetProxyNode(player.GetMasterSequenceNode())
    shown.SetAndObserveTransformNodeID(transform.GetID())
    shown.HardenTransform()
    player.SetSelectedItemNumber(1)
    sequences.UpdateProxyNodesFromSequences(player)  # as Slicer does
    assert moved(loaded, series, player) == [0.0, 0.0, 0.0]


def test_of_images_under_different_transforms_there_is_none(loaded, scene, transform):
    loaded.images.node(IDS[0]).SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(SceneError, match="under different transforms; put all of them under one"):
        loaded.load_sequence(IDS[0])
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0
    assert all(map(loaded.images.node, IDS))


def test_nor_of_images_of_which_one_was_moved_for_good(loaded, scene, transform):
    """The plan of that one would be where the others are."""
    volume = loaded.images.node(IDS[1])
    volume.SetAndObserveTransformNodeID(transform.GetID())
    volume.HardenTransform()
    (line,) = loaded.trajectories.nodes
    with pytest.raises(SceneError, match="moved differently, as by transforms that were hardened"):
        loaded.load_sequence(IDS[0])
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0
    assert line.GetNthControlPointPositionWorld(1)[0] == LEFT.target[0] + 100.0
