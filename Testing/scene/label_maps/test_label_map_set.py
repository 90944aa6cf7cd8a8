"""The label maps of a server: under their images, again, and as segmentations."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from IGTLMetaBrowserLib.codec import ImageMessage, LabelMetaItem
from IGTLMetaBrowserLib.scene.images.moved_images import write_geometry
from IGTLMetaBrowserLib.scene.images.volumes import image_data
from IGTLMetaBrowserLib.scene.label_maps import label_map_set
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet
from IGTLMetaBrowserLib.scene.slice_layers import show_label_layer

TUMOR = LabelMetaItem("Tumor", "LABEL_0", 3, (255, 0, 0, 255), (4, 3, 2), "IMAGE_0")
CYST = LabelMetaItem("Cyst", "LABEL_0", 5, (0, 255, 0, 255), (4, 3, 2), "IMAGE_0")


QUARTER_TURN = slicer.util.vtkMatrixFromArray(
    np.array([[0.0, -1, 0, 10], [1, 0, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]])
)


def labels():
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0], pixels[1, 2] = 3, 5
    return ImageMessage(pixels)


@pytest.fixture
def label_maps(scene, images):
    label_maps = LabelMapSet(scene, images.get)
    label_maps.receive([TUMOR, CYST])
    return label_maps


@pytest.fixture
def load(scene, images, label_maps):
    """Loads the owner, as the browser does."""

    def load():
        images["IMAGE_0"] = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "MR")
        label_maps.image_shown("IMAGE_0")
        return images["IMAGE_0"]

    return load


def above(hierarchy, node):
    item = hierarchy.GetItemByDataNode(node)
    return hierarchy.GetItemDataNode(hierarchy.GetItemParent(item)) if item else None


def test_a_label_map_stands_under_its_image(hierarchy, label_maps, load):
    owner = load()
    node = label_maps.show("LABEL_0", labels())
    assert node.GetName() == "Tumor and 1 more"
    assert above(hierarchy, node) is owner


def test_an_image_that_is_loaded_later_takes_its_label_map(hierarchy, label_maps, load):
    node = label_maps.show("LABEL_0", labels())
    assert above(hierarchy, node) is None
    owner = load()
    assert above(hierarchy, node) is owner


def test_a_label_map_follows_its_image(scene, label_maps, load):
    owner = load()
    node = label_maps.show("LABEL_0", labels())
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    owner.SetAndObserveTransformNodeID(transform.GetID())
    assert node.GetTransformNodeID() == transform.GetID()


def test_a_label_map_that_comes_again_comes_into_its_node(scene, label_maps):
    node = label_maps.show("LABEL_0", labels())
    assert label_maps.show("LABEL_0", labels()) is node
    assert label_maps.node("LABEL_0") is node
    scene.RemoveNode(node)
    assert label_maps.node("LABEL_0") is None


def test_an_image_that_is_in_no_list_is_a_label_map_all_the_same(label_maps):
    assert label_maps.show("MASK", labels()).GetName() == "MASK"


def test_on_request_it_is_a_segmentation(hierarchy, label_maps, load):
    owner = load()
    label_maps.show("LABEL_0", labels())
    node = label_maps.show_segmentation("LABEL_0")
    segments = [node.GetSegmentation().GetNthSegment(index) for index in range(2)]
    assert node.GetSegmentation().GetNumberOfSegments() == 2
    assert [segment.GetName() for segment in segments] == ["Tumor", "Cyst"]
    assert [segment.GetColor() for segment in segments] == [(1, 0, 0), (0, 1, 0)]
    assert above(hierarchy, node) is owner
    # Again: the same node, the same segments.
    assert label_maps.show_segmentation("LABEL_0") is node
    assert node.GetSegmentation().GetNumberOfSegments() == 2


def test_where_its_image_was_moved_the_segmentation_lies_over_the_label_map(
    scene, label_maps, load
):
    image = load()
    label_map = label_maps.show("LABEL_0", labels())
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(QUARTER_TURN)
    image.SetAndObserveTransformNodeID(transform.GetID())
    node = label_maps.show_segmentation("LABEL_0")
    assert center(node) == pytest.approx(center(label_map))
    image.SetAndObserveTransformNodeID(None)
    assert center(node) == pytest.approx(center(label_map))


def test_made_while_its_image_is_away_it_follows_that_when_it_comes_again(
    scene, images, label_maps, load
):
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(QUARTER_TURN)
    image = load()
    image.SetAndObserveTransformNodeID(transform.GetID())
    label_map = label_maps.show("LABEL_0", labels())
    scene.RemoveNode(images.pop("IMAGE_0"))
    node = label_maps.show_segmentation("LABEL_0")
    assert center(node) == pytest.approx(center(label_map))
    load()
    assert center(node) == pytest.approx(center(label_map))
    assert label_map.GetTransformNodeID() is None


def test_where_its_image_is_moved_for_good_the_views_hear_of_it(scene, images, label_maps, load):
    """They look at a segmentation when they are told that it was transformed, and not before."""
    image = load()
    image.SetAndObserveImageData(image_data(labels().pixels))
    write_geometry(image, np.eye(4))
    label_map = label_maps.show("LABEL_0", labels())
    node = label_maps.show_segmentation("LABEL_0")
    seen = []
    node.AddObserver(node.TransformModifiedEvent, lambda *_: seen.append(center(node)))
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(QUARTER_TURN)
    image.SetAndObserveTransformNodeID(transform.GetID())
    image.HardenTransform()
    assert seen[-1] == pytest.approx(center(label_map))
    image.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.eye(4)))  # it has come again
    label_maps.image_shown("IMAGE_0")
    assert seen[-1] == pytest.approx(center(label_map))
    assert seen[-1] == pytest.approx((0, 0, 0))


def center(node):
    """The middle of what is seen of a node, RAS mm in the world."""
    bounds = np.zeros(6)
    node.GetRASBounds(bounds)
    return bounds.reshape(3, 2).mean(1)


def rename(segmentation):
    segmentation.GetNthSegment(0).SetName("Margin")


def recolor(segmentation):
    segmentation.GetNthSegment(1).SetColor(0, 0, 1)


def remove(segmentation):
    segmentation.RemoveSegment(segmentation.GetNthSegmentID(0))


def erase(segmentation):
    voxels = segmentation.GetLayerDataObject(0, "Binary labelmap").GetPointData().GetScalars()
    voxels.SetTuple1(0, 0 if voxels.GetTuple1(0) else 3)
    voxels.Modified()


@pytest.mark.parametrize("edit", [rename, recolor, remove, erase])
def test_a_segmentation_that_the_user_has_edited_stays_beside_a_new_one(
    hierarchy, label_maps, load, edit
):
    owner = load()
    label_maps.show("LABEL_0", labels())
    edited = label_maps.show_segmentation("LABEL_0")
    edit(edited.GetSegmentation())
    before = segments_of(edited)
    node = label_maps.show_segmentation("LABEL_0")
    assert node is not edited
    assert segments_of(edited) == before
    assert [name for name, *_ in segments_of(node)] == ["Tumor", "Cyst"]
    assert (edited.GetName(), node.GetName()) == ("Tumor and 1 more", "Tumor and 1 more_1")
    assert above(hierarchy, edited) is above(hierarchy, node) is owner
    # The new one is not edited.
    assert label_maps.show_segmentation("LABEL_0") is node


def test_one_that_is_not_edited_shows_the_label_map_that_came_again(label_maps):
    label_maps.show("LABEL_0", labels())
    node = label_maps.show_segmentation("LABEL_0")
    node.CreateClosedSurfaceRepresentation()  # to be seen in 3D, which is no edit
    other = ImageMessage(np.full((2, 3, 4), 5, np.uint8))
    label_maps.show("LABEL_0", other)
    assert label_maps.show_segmentation("LABEL_0") is node
    assert [name for name, *_ in segments_of(node)] == ["Cyst"]


def test_an_edited_segmentation_does_not_belong_to_the_next_patients_image(
    hierarchy, label_maps, load
):
    load()
    label_maps.show("LABEL_0", labels())
    edited = label_maps.show_segmentation("LABEL_0")
    rename(edited.GetSegmentation())
    label_maps.show_segmentation("LABEL_0")
    label_maps.disown("IMAGE_0")
    assert above(hierarchy, edited) is None
    assert edited.GetAttribute(label_map_set.OWNER_ATTRIBUTE) is None


def segments_of(node):
    """Name, color and number of voxels of each segment."""
    segmentation = node.GetSegmentation()
    found = []
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        voxels = segment.GetRepresentation("Binary labelmap").GetPointData().GetScalars()
        numbers = [voxels.GetTuple1(n) for n in range(voxels.GetNumberOfTuples())]
        count = numbers.count(segment.GetLabelValue())
        found.append((segment.GetName(), segment.GetColor(), count))
    return found


def test_what_the_user_calls_a_label_map_stays_when_it_comes_again(label_maps):
    node = label_maps.show("LABEL_0", labels())
    node.SetName("mine")
    assert label_maps.show("LABEL_0", labels()).GetName() == "mine"
    label_maps.receive([TUMOR])
    assert label_maps.show("LABEL_0", labels()).GetName() == "Tumor"


def test_a_segmentation_without_its_image_has_the_geometry_of_the_label_map(label_maps):
    label_maps.show("LABEL_0", labels())
    assert label_maps.show_segmentation("LABEL_0").GetSegmentation().GetNumberOfSegments() == 2


# In the slice views


@pytest.fixture
def layers(scene):
    """The layers of a slice view."""
    return scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")


def test_a_label_map_above_an_image_lets_it_be_seen(scene, label_maps, layers):
    assert layers.GetLabelOpacity() == 1  # as Slicer has it
    node = label_maps.show("LABEL_0", labels())
    show_label_layer(scene, node)
    assert (layers.GetLabelVolumeID(), layers.GetLabelOpacity()) == (node.GetID(), 0.5)


def test_the_opacity_that_the_user_has_chosen_stays(scene, label_maps, layers):
    show_label_layer(scene, label_maps.show("LABEL_0", labels()))
    layers.SetLabelOpacity(0.8)
    other = label_maps.show("MASK", labels())
    show_label_layer(scene, other)
    assert (layers.GetLabelVolumeID(), layers.GetLabelOpacity()) == (other.GetID(), 0.8)


def test_a_segmentation_takes_the_place_of_its_label_map(scene, label_maps, layers):
    node = label_maps.show("LABEL_0", labels())
    show_label_layer(scene, node)
    label_maps.show_segmentation("LABEL_0")
    assert not layers.GetLabelVolumeID()
    show_label_layer(scene, label_maps.show("LABEL_0", labels()))
    assert not layers.GetLabelVolumeID()


def test_the_label_map_of_another_segmentation_stays_where_it_is_shown(scene, label_maps, layers):
    other = label_maps.show("MASK", labels())
    label_maps.show("LABEL_0", labels())
    show_label_layer(scene, other)
    label_maps.show_segmentation("LABEL_0")
    assert layers.GetLabelVolumeID() == other.GetID()


def test_without_its_segmentation_a_label_map_is_a_layer_again(scene, label_maps, layers):
    node = label_maps.show("LABEL_0", labels())
    scene.RemoveNode(label_maps.show_segmentation("LABEL_0"))
    show_label_layer(scene, node)
    assert layers.GetLabelVolumeID() == node.GetID()


def test_of_a_list_without_end_the_first_are_read_and_that_is_said(label_maps, monkeypatch):
    monkeypatch.setattr(label_map_set, "MOST_STRUCTURES", 5)
    monkeypatch.setattr(label_map_set, "MOST_LABEL_MAPS", 2)
    others = [LabelMetaItem("Other", f"LABEL_{number}", 1) for number in range(1, 5)]
    label_maps.receive([TUMOR, CYST, *others[:1]])
    assert not label_maps.problem
    label_maps.receive([TUMOR, CYST, *others])
    assert [label_map.id for label_map in label_maps.listed] == ["LABEL_0", "LABEL_1"]
    assert label_maps.problem.startswith("the server lists 6 structures")
