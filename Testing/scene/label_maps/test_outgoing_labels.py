"""Segmentations and label maps on the grid of their image: what is stored, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.label_maps.outgoing_labels import image_labels

SIZE = (8, 6, 4)  # along i, j, k


def volume(scene, class_name="vtkMRMLScalarVolumeNode", pixels=None, shift=(0, 0, 0), spacing=2.0):
    """A volume whose first voxel is so many mm from the scene's origin."""
    if pixels is None:
        pixels = np.zeros(SIZE[::-1], np.int16)
    data = vtkImageData()
    data.SetDimensions(*pixels.shape[::-1])
    data.GetPointData().SetScalars(numpy_to_vtk(pixels.ravel(), deep=True))
    node = scene.AddNewNodeByClass(class_name, "CT")
    matrix = vtkMatrix4x4()
    for axis in range(3):
        matrix.SetElement(axis, axis, spacing)
        matrix.SetElement(axis, 3, shift[axis])
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(data)
    return node


def segmentation(scene, shift=(0, 0, 0), **masks):
    """A segmentation with a segment for each mask, on a grid that is so far from the image's."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Drawn")
    for name, mask in masks.items():
        label_map = volume(scene, "vtkMRMLLabelMapVolumeNode", mask.astype(np.uint8), shift)
        logic = slicer.vtkSlicerSegmentationsModuleLogic
        before = node.GetSegmentation().GetNumberOfSegments()
        logic.ImportLabelmapToSegmentationNode(label_map, node)
        if node.GetSegmentation().GetNumberOfSegments() == before:
            node.GetSegmentation().AddEmptySegment(name, name)
        node.GetSegmentation().GetNthSegment(before).SetName(name)
        scene.RemoveNode(label_map)
    return node


def box(*slices):
    mask = np.zeros(SIZE[::-1], bool)
    mask[slices] = True
    return mask


def test_segments_without_voxels_are_left_out_and_named(scene):
    image, inner = volume(scene), box(slice(1, 3), slice(2, 4), slice(2, 5))
    found = image_labels(segmentation(scene, Tumor=inner, Nothing=box(slice(0, 0))), image)
    assert [name for name, *_ in found.structures] == ["Tumor"]
    assert (found.without_voxels, found.cut) == (["Nothing"], [])
    np.testing.assert_array_equal((found.pixels > 0).reshape(-1, *SIZE[::-1]).any(axis=0), inner)


def test_segments_that_go_beyond_the_image_are_named(scene):
    """Of a segmentation that was drawn in an image of 4 mm more to one side."""
    image = volume(scene)
    node = segmentation(
        scene,
        shift=(4, 0, 0),
        Inside=box(1, 2, slice(0, 6)),
        Cut=box(1, 3, slice(4, 8)),
        Beside=box(2, 3, slice(6, 8)),
    )
    found = image_labels(node, image)
    assert [name for name, *_ in found.structures] == ["Inside", "Cut"]
    assert (found.without_voxels, found.cut) == (["Beside"], ["Cut"])


def test_a_segment_whose_box_goes_beyond_the_image_but_not_itself_is_not_cut(scene):
    """Under a rotation: only the corners of its box, where it has nothing, are beside."""
    image = volume(scene)
    diamond = box(slice(0, 0))
    diamond[1, 1, 3:5] = diamond[1, 2, 2:6] = diamond[1, 3, 3:5] = True
    node = segmentation(scene, Diamond=diamond)
    transform, matrix = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode"), vtkMatrix4x4()
    for row, column, value in ((0, 0, 0.7), (0, 1, -0.7), (1, 0, 0.7), (1, 1, 0.7), (1, 3, -1.5)):
        matrix.SetElement(row, column, value)
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())
    assert image_labels(node, image).cut == []
    matrix.SetElement(1, 3, -7)
    transform.SetMatrixTransformToParent(matrix)
    assert image_labels(node, image).cut == ["Diamond"]


def test_what_is_wholly_beside_the_image_is_refused(scene):
    node = segmentation(scene, shift=(100, 0, 0), Far=box(1, 2, 3))
    with pytest.raises(SceneError, match="'Drawn' has no voxels within 'CT'"):
        image_labels(node, volume(scene))


def test_a_label_map_of_more_labels_than_can_be_stored_is_refused(scene):
    pixels = np.arange(16 * 32 * 2, dtype=np.int16).reshape(2, 16, 32)
    node = volume(scene, "vtkMRMLLabelMapVolumeNode", pixels)
    with pytest.raises(SceneError, match="has more than 255 labels, and each would be a segment"):
        image_labels(node, volume(scene))


def test_labels_above_255_are_stored_too(scene):
    pixels = np.zeros(SIZE[::-1], np.int16)
    pixels[1, 2], pixels[2, 2] = 3, 1000
    found = image_labels(volume(scene, "vtkMRMLLabelMapVolumeNode", pixels), volume(scene))
    assert [label for _, label, _ in found.structures] == [3, 1000]
