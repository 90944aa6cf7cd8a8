"""Label maps: what LBMETA says of an image, in the scene."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy

from helpers.shown_label_maps import read_and_show
from IGTLMetaBrowserLib.codec import ImageMessage, LabelMetaItem
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.label_maps.label_maps import (
    ListedLabelMap,
    default_colors,
    label_maps,
    show_segmentation,
)

RED, HALF_GREEN = (255, 0, 0, 255), (0, 255, 0, 128)
TUMOR = LabelMetaItem("Tumor", "LABEL_0", 3, RED, (4, 3, 2), "IMAGE_0")
CYST = LabelMetaItem("Cyst", "LABEL_0", 5, HALF_GREEN, (4, 3, 2), "")
SKULL = LabelMetaItem("Skull", "LABEL_1", 1, (1, 2, 3, 255), (4, 3, 2), "IMAGE_0")
AFFINE = np.array([[0, -0.5, 0, 10], [0.75, 0, 0, -20], [0, 0, 2.5, 30.5], [0, 0, 0, 1.0]])


def labels(dtype="uint8"):
    """Voxels of shape (2, 3, 4): the label 0, but 3 and 5 in two rows."""
    pixels = np.zeros((2, 3, 4), dtype)
    pixels[0, 0], pixels[1, 2] = 3, 5
    return pixels


def image(pixels=None):
    return ImageMessage.from_ijk_to_ras(labels() if pixels is None else pixels, AFFINE)


def map_of(*structures):
    (label_map,) = label_maps(structures)
    return label_map


def color(node, label):
    """Color and opacity of a label, 0 to 255 each."""
    rgba = [0.0] * 4
    node.GetDisplayNode().GetColorNode().GetColor(label, rgba)
    return tuple(round(255 * number) for number in rgba)


def label_name(node, label):
    return node.GetDisplayNode().GetColorNode().GetColorName(label)


def test_structures_of_one_image_are_one_label_map():
    assert label_maps([TUMOR, SKULL, CYST]) == [
        ListedLabelMap("LABEL_0", "IMAGE_0", (TUMOR, CYST)),
        ListedLabelMap("LABEL_1", "IMAGE_0", (SKULL,)),
    ]
    assert [one.name for one in label_maps([TUMOR, SKULL, CYST])] == ["Tumor and 1 more", "Skull"]
    assert label_maps([]) == []


def test_an_image_of_labels_is_a_label_map_volume_where_its_voxels_are(scene):
    node = read_and_show(scene, image(), map_of(TUMOR, CYST))
    assert (node.GetClassName(), node.GetName()) == (
        "vtkMRMLLabelMapVolumeNode",
        "Tumor and 1 more",
    )
    assert node.GetImageData().GetDimensions() == (4, 3, 2)
    voxels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert np.array_equal(voxels.reshape(2, 3, 4), labels())
    assert node.GetOrigin() == (10, -20, 30.5)
    assert node.GetSpacing() == (0.75, 0.5, 2.5)


def test_each_label_has_the_color_the_opacity_and_the_name_that_lbmeta_gives(scene):
    node = read_and_show(scene, image(), map_of(TUMOR, CYST))
    assert (color(node, 3), label_name(node, 3)) == (RED, "Tumor")
    assert (color(node, 5), label_name(node, 5)) == (HALF_GREEN, "Cyst")
    assert color(node, 0)[3] == 0


def test_the_voxels_are_shown_in_these_colors(scene):
    display = read_and_show(scene, image(), map_of(TUMOR, CYST)).GetDisplayNode()
    port = display.GetOutputImageDataConnection()
    port.GetProducer().Update()
    output = port.GetProducer().GetOutputDataObject(port.GetIndex())
    shown = vtk_to_numpy(output.GetPointData().GetScalars()).reshape(2, 3, 4, 4)
    assert (shown[0, 0] == RED).all()
    assert (shown[1, 2] == HALF_GREEN).all()
    assert (shown[0, 1, :, 3] == 0).all()


def test_labels_that_lbmeta_does_not_describe_are_told_apart_all_the_same(scene):
    node = read_and_show(scene, image(), map_of(TUMOR))
    assert color(node, 5)[3] == 255
    assert color(node, 5) not in (RED, color(node, 4))
    assert label_name(node, 5) == "Label 5"


@pytest.mark.parametrize("dtype", ["uint16", ">u2", "int32", "float32"])
def test_so_are_those_that_it_has_no_number_for(scene, dtype):
    """It has one byte for a label; each is a segment with a name."""
    pixels = labels(dtype)
    pixels[1, 1, :2] = 300, 65535
    node = read_and_show(scene, image(pixels), map_of(TUMOR))
    segmentation = show_segmentation(scene, node).GetSegmentation()
    segments = map(segmentation.GetNthSegment, range(segmentation.GetNumberOfSegments()))
    assert [one.GetName() for one in segments] == ["Tumor", "Label 5", "Label 300", "Label 65535"]


def test_a_structure_without_a_color_gets_one(scene):
    plain = LabelMetaItem("Tumor", "LABEL_0", 3)
    node = read_and_show(scene, image(), map_of(plain))
    assert color(node, 3)[3] == 255
    assert label_name(node, 3) == "Tumor"


def test_a_structure_without_a_label_is_all_voxels_there_are(scene):
    whole = LabelMetaItem("Tumor", "LABEL_0", 0, RED)
    node = read_and_show(scene, image(), map_of(whole))
    assert color(node, 3) == color(node, 5) == RED
    assert label_name(node, 5) == "Tumor"
    assert color(node, 0)[3] == 0


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_labels_of_any_scalar_type_are_shown(scene, dtype):
    node = read_and_show(scene, image(labels(dtype)), map_of(TUMOR))
    voxels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert voxels.dtype.kind in "iu"
    assert np.array_equal(voxels.reshape(2, 3, 4), labels())


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((2, 3, 4), 0.5), "whole numbers"),
        (np.full((2, 3, 4), np.nan), "whole numbers"),
        (np.full((2, 3, 4), np.inf), "whole numbers"),
        (np.full((2, 3, 4), -1, np.int16), "the labels are -1 to -1"),
        (np.full((2, 3, 4), 70_000, np.int32), "the labels are 70000 to 70000"),
        (np.zeros((2, 3, 4, 3), np.uint8), "one label a voxel; this image has 3 values"),
        (np.zeros((0, 3, 4), np.uint8), r"in each of \(4, 3, 0\) voxels"),
    ],
)
def test_what_holds_no_labels_is_refused(scene, pixels, words):
    with pytest.raises(SceneError, match=words):
        read_and_show(scene, image(pixels), map_of(TUMOR))
    assert scene.GetNumberOfNodesByClass("vtkMRMLLabelMapVolumeNode") == 0


def test_a_label_map_that_comes_again_comes_into_its_node(scene):
    node = read_and_show(scene, image(), map_of(TUMOR))
    count = scene.GetNumberOfNodes()
    changed = LabelMetaItem("Tumor", "LABEL_0", 3, HALF_GREEN)
    assert read_and_show(scene, image(), map_of(changed), node=node) is node
    assert color(node, 3) == HALF_GREEN
    assert scene.GetNumberOfNodes() == count


def test_labels_without_a_color_have_pale_ones_by_the_golden_section():
    """As ``colorsys`` computes them, which takes a quarter of a second for 65,535 labels."""
    colors = default_colors(65_536)
    assert colors[0].tolist() == [0, 0, 0, 0]
    for label in (1, 2, 3, 4, 5, 100, 65_535):
        color = colorsys.hsv_to_rgb(label * 0.61803398875 % 1, 0.35, 0.9)
        assert colors[label].tolist() == [*(round(255 * number) for number in color), 255]
