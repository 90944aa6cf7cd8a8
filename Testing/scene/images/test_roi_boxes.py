"""Which voxels lie in a ROI node."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.roi_boxes import roi_corners, voxels_around

SIZE = (10, 20, 30)
# As of an axial CT: i to the left, j to the back; 0.5 mm, 0.5 mm and 2 mm.
CT = np.array([[-0.5, 0, 0, 2], [0, -0.5, 0, 5], [0, 0, 2, -30], [0, 0, 0, 1]], float)


@pytest.fixture
def roi(scene):
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Tumor")
    node.SetCenter(0, 0, 0)
    node.SetSize(1, 2, 8)
    return node


def test_all_voxels_that_the_region_touches_belong_to_it(roi):
    # x from -0.5 to 0.5: centers of i are at 2 - i / 2, so 3 is at 0.5, and 5 at -0.5.
    assert voxels_around(roi_corners(roi), CT, SIZE) == ((3, 8, 13), (3, 5, 5))


def test_a_region_that_ends_where_a_voxel_does_has_not_the_next():
    # Just the voxel with its center at (0, 0, 2), from edge to edge.
    corners = np.array([[0.25, 0.25, 1.0], [-0.25, -0.25, 3.0]])
    assert voxels_around(corners, CT, SIZE) == ((4, 10, 16), (1, 1, 1))


def test_what_is_outside_of_the_image_is_left_out(roi):
    roi.SetSize(1000, 1000, 1000)
    assert voxels_around(roi_corners(roi), CT, SIZE) == ((0, 0, 0), SIZE)


def test_the_box_of_a_turned_region_holds_all_of_it(roi, scene):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    quarter = vtkMatrix4x4()  # about the axis from feet to head
    quarter.DeepCopy((0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1))
    transform.SetMatrixTransformToParent(quarter)
    roi.SetAndObserveTransformNodeID(transform.GetID())
    assert voxels_around(roi_corners(roi), CT, SIZE) == ((2, 9, 13), (5, 3, 5))


def test_a_region_beside_the_image_is_an_error(roi):
    roi.SetCenter(500, 0, 0)
    with pytest.raises(SceneError, match="no voxels in the region"):
        voxels_around(roi_corners(roi), CT, SIZE)


def test_a_region_that_was_not_placed_is_an_error(scene):
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Empty")
    with pytest.raises(SceneError, match="'Empty' has no size"):
        roi_corners(roi)


def test_a_region_that_is_bent_is_an_error(roi, scene):
    bent = scene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "Bend")
    grid = slicer.vtkOrientedBSplineTransform()
    bent.SetAndObserveTransformToParent(grid)
    roi.SetAndObserveTransformNodeID(bent.GetID())
    with pytest.raises(SceneError, match="'Bend'"):
        roi_corners(roi)
