"""What is in a scene of Slicer, served: the way out, and what comes back the other way."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np
import pytest
import slicer
from vtkmodules.vtkCommonDataModel import vtkVector3d
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkCommonTransforms import vtkThinPlateSplineTransform
from vtkmodules.vtkImagingCore import vtkExtractVOI

from helpers.peers import TRAJECTORY
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.metadata.providers.standard import StandardProviders
from IGTLMetaBrowserLib.metadata.registry import MetadataProviders
from IGTLMetaBrowserLib.privacy.hidden_patients import HiddenPatients
from IGTLMetaBrowserLib.scene.images.image_nodes import ImageNodes
from IGTLMetaBrowserLib.scene.images.volumes import image_data
from IGTLMetaBrowserLib.scene.label_maps.colors import color_volume
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet
from IGTLMetaBrowserLib.scene.markups.points import PointSet
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from IGTLMetaBrowserLib.sources.scene import SceneSource

AFFINE = np.array([[0, -0.5, 0, 10], [0.75, 0, 0, -20], [0, 0, 2.5, 30.5], [0, 0, 0, 1.0]])
SCAN_TIME = datetime(2024, 5, 14, 8, 30, tzinfo=timezone.utc)
POINT = codec.PointItem("Nasion", "Landmarks", (1, 2, 3, 4), (1.0, 90.0, -3.5), 2.0, "A")


@pytest.fixture
def source(scene):
    return SceneSource(scene)


@pytest.fixture
def show(scene):
    """Shows an image as the browser does, and returns its volume."""
    known = StandardProviders(MetadataProviders(), lambda image_id: None)
    nodes = ImageNodes(scene, known, HiddenPatients())

    def show(pixels, image_id="A", affine=AFFINE, **metadata):
        image = codec.ImageMessage.from_ijk_to_ras(pixels, affine, metadata=metadata)
        return nodes.of("server:18944").show(image_id, image, SCAN_TIME)

    show.node = nodes.of("server:18944").node
    return show


def test_the_version_of_an_image_changes_with_its_voxels_and_its_place(scene, source, show):
    volume = show(ramp())
    (item,) = source.images()
    versions = [source.image_version(item.id)]
    assert source.image_version(item.id) == versions[0]
    volume.GetImageData().GetPointData().GetScalars().Modified()
    versions.append(source.image_version(item.id))
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    versions.append(source.image_version(item.id))
    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 3, 5.0)
    transform.SetMatrixTransformToParent(matrix)
    versions.append(source.image_version(item.id))
    assert len({*versions}) == len(versions)


def ramp(dtype="int16", shape=(2, 3, 4)):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def over_the_wire(message):
    return codec.unpack(codec.pack(message))


def under_transform(scene, node, millimeters):
    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 3, millimeters)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "T")
    transform.SetMatrixTransformToParent(matrix)
    node.SetAndObserveTransformNodeID(transform.GetID())


# Images


def test_volumes_are_listed_with_what_is_known_of_them(source, show):
    show(ramp(), Modality="MR", PatientName="Phantom, Head", PatientID="P1", SeriesDescription="T1")
    (item,) = over_the_wire(codec.ImageMetaMessage(source.images())).items
    assert item == codec.ImageMetaItem(
        name="T1",
        id="ScalarVolume1",
        modality="MR",
        patient_name="Phantom, Head",
        patient_id="P1",
        scan_time=codec.Timestamp.from_datetime(SCAN_TIME),
        size=(4, 3, 2),
        scalar_type=codec.ScalarType.INT16,
    )


def test_a_volume_that_slicer_loaded_has_the_patient_that_it_stands_under(scene, source, show):
    volume = show(ramp())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Phantom")
    hierarchy.SetItemAttribute(patient, "DICOM.PatientID", "P7")
    hierarchy.CreateItem(patient, volume)
    assert source.images()[0].patient_id == "P7"


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
)
def test_an_image_goes_out_as_it_came_in(source, show, dtype):
    show(ramp(dtype))
    image = over_the_wire(source.image("ScalarVolume1"))
    assert image.pixels.dtype == dtype
    assert np.array_equal(image.pixels, ramp(dtype))
    assert np.array_equal(image.ijk_to_ras(), AFFINE)


def test_a_color_image_goes_out_as_it_came_in(source, show):
    show(ramp("uint8", (2, 3, 4, 3)))
    image = over_the_wire(source.image(source.images()[0].id))
    assert np.array_equal(image.pixels, ramp("uint8", (2, 3, 4, 3)))


def test_an_image_goes_out_where_the_world_has_it(scene, source, show):
    under_transform(scene, show(ramp()), 100)
    assert source.image("ScalarVolume1").ijk_to_ras()[0, 3] == 110


def test_a_part_that_was_cut_out_of_an_image_goes_out_where_it_was(scene, source, show):
    whole = show(ramp(shape=(4, 5, 6)))
    cut = vtkExtractVOI()
    cut.SetInputData(whole.GetImageData())
    cut.SetVOI(2, 4, 1, 3, 3, 3)  # the indices of its voxels stay those of the whole image
    cut.Update()
    whole.SetAndObserveImageData(cut.GetOutput())

    image = over_the_wire(source.image("ScalarVolume1"))

    np.testing.assert_array_equal(image.pixels, ramp(shape=(4, 5, 6))[3:4, 1:4, 2:5])
    np.testing.assert_allclose(image.ijk_to_ras() @ (0, 0, 0, 1), AFFINE @ (2, 1, 3, 1))


def test_a_volume_that_is_bent_is_refused(scene, source, show):
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "Bend")
    transform.SetAndObserveTransformToParent(vtkThinPlateSplineTransform())
    show(ramp()).SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(net.SourceError, match="under the transform 'Bend', which bends it; harden"):
        source.image("ScalarVolume1")


def test_what_openigtlink_cannot_hold_is_left_out(scene, source, show):
    scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty")
    show(ramp("uint8", (1, 1, 65536)), "LONG")
    volume = show(ramp())
    assert [item.id for item in source.images()] == [volume.GetID()[7:].replace("Node", "")]
    with pytest.raises(net.SourceError, match="'Empty' has no voxels"):
        source.image("ScalarVolume1")


def test_an_unknown_id_is_refused(source):
    with pytest.raises(net.SourceError, match="no volume with the ID 'NO'"):
        source.image("NO")
    with pytest.raises(net.SourceError, match="no volume with the ID 'NO'"):
        source.color_table("NO")


# Markups


def test_trajectories_go_out_as_they_came_in_under_our_id_of_their_image(scene, source, show):
    show(ramp())
    received = over_the_wire(codec.TrajectoryMessage([TRAJECTORY])).items
    trajectories = TrajectorySet(scene, show.node)
    trajectories.receive(received)
    trajectories.finish()
    (item,) = over_the_wire(codec.TrajectoryMessage(source.trajectories())).items
    assert item.owner == "ScalarVolume1"
    item.owner = TRAJECTORY.owner
    assert item == received[0]


@pytest.mark.parametrize(
    ("server", "owner"), [("server:18944", "ScalarVolume1"), ("other:18944", "")]
)
def test_a_trajectory_is_of_no_image_of_another_server_with_the_same_id(
    scene, source, show, server, owner
):
    show(ramp(), TRAJECTORY.owner)
    trajectories = TrajectorySet(scene, server=server)
    trajectories.receive([TRAJECTORY])
    trajectories.finish()
    (item,) = source.trajectories()
    assert item.owner == owner


def test_single_planned_points_are_trajectories_and_other_points_are_not(scene, source):
    entry = codec.TrajectoryItem("Burr hole", type=codec.TrajectoryType.ENTRY, entry=(1, 2, 3))
    trajectories = TrajectorySet(scene)
    trajectories.receive([entry])
    trajectories.finish()
    points = PointSet(scene)
    points.receive([POINT])
    points.finish()
    assert source.trajectories() == [entry]
    (point,) = source.points()
    assert (point.name, point.position, point.owner) == ("Nasion", (1, 90, -3.5), "")


def test_a_line_that_is_being_drawn_does_not_hold_up_the_others(scene, source):
    scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Not yet")
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Done")
    node.CreateDefaultDisplayNodes()
    node.AddControlPoint(vtkVector3d(1, 2, 3))
    node.AddControlPoint(vtkVector3d(4, 5, 6))
    under_transform(scene, node, 100)
    (item,) = source.trajectories()
    assert (item.name, item.entry, item.target) == ("Done", (101, 2, 3), (104, 5, 6))


# Label maps and colors


def test_label_maps_go_out_with_their_labels_colors_and_image(scene, source, show):
    show(ramp())
    tumor = codec.LabelMetaItem("Tumor", "LABEL_0", 3, (255, 0, 0, 128), (4, 3, 2), "A")
    label_maps = LabelMapSet(scene, show.node)
    label_maps.receive([tumor])
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0] = 3
    label_maps.show("LABEL_0", codec.ImageMessage.from_ijk_to_ras(pixels, AFFINE))

    (item,) = over_the_wire(codec.LabelMetaMessage(source.label_maps())).items
    assert item == codec.LabelMetaItem(
        "Tumor", "LabelMapVolume1", 3, (255, 0, 0, 128), (4, 3, 2), "ScalarVolume1"
    )
    assert np.array_equal(source.image("LabelMapVolume1").pixels, pixels)
    assert len(source.images()) == 1  # a label map is no image
    # Labels that are painted later are listed later.
    pixels[1, 1] = 9
    label_maps.show("LABEL_0", codec.ImageMessage.from_ijk_to_ras(pixels, AFFINE))
    assert [item.label for item in source.label_maps()] == [3, 9]


@pytest.mark.parametrize("entries", [256, 65536])
def test_a_color_table_goes_out_as_it_came_in(scene, source, show, entries):
    colors = np.random.default_rng(3).integers(0, 256, (entries, 3), np.uint8)
    color_volume(scene, show(ramp()), codec.ColorTableMessage(colors))
    assert np.array_equal(over_the_wire(source.color_table("ScalarVolume1")).colors, colors)


def test_a_volume_without_a_color_table_has_none_to_send(scene, source, show):
    scene.RemoveNode(show(ramp()).GetDisplayNode())
    with pytest.raises(net.SourceError, match="not shown in the colors of a table"):
        source.color_table("ScalarVolume1")


# What clients push


def test_what_a_client_pushes_is_passed_on(scene):
    taken = []
    message = codec.TrajectoryMessage([TRAJECTORY])
    SceneSource(scene, taken.append).receive(message)
    assert taken == [message]
    with pytest.raises(net.SourceError, match="were not requested are not accepted"):
        SceneSource(scene).receive(message)


def segmented(scene, volume):
    """Return a segmentation of two cubes in a volume of 6 x 5 x 4 voxels."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Plan")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    matrix = vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    for name, color, corner in (("Tumor", (1, 0, 0), (1, 1, 1)), ("Vessel", (0, 0, 1), (4, 3, 2))):
        voxels = np.zeros((4, 5, 6), np.uint8)
        i, j, k = corner
        voxels[k : k + 2, j : j + 2, i : i + 2] = 1
        image = slicer.vtkOrientedImageData()
        image.DeepCopy(image_data(voxels))
        image.SetImageToWorldMatrix(matrix)
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.SetColor(color)
        segment.AddRepresentation("Binary labelmap", image)
        node.GetSegmentation().AddSegment(segment)
    return node


def test_a_segmentation_is_a_label_map_with_its_segments(scene, source, show):
    volume = show(np.zeros((4, 5, 6), np.int16))
    node = segmented(scene, volume)
    tumor, vessel = source.label_maps()
    assert (tumor.name, tumor.label, tumor.rgba) == ("Tumor", 1, (255, 0, 0, 255))
    assert (vessel.name, vessel.label, vessel.rgba) == ("Vessel", 2, (0, 0, 255, 255))
    assert tumor.id == vessel.id == "Segmentation1"
    assert tumor.owner == source.images()[0].id
    image = source.image(tumor.id)
    assert image.pixels.shape == tumor.size[::-1]
    # Where the voxels are in the world is what counts: a segmentation holds only what it takes.
    for label, corner in ((1, (1, 1, 1)), (2, (4, 3, 2))):
        first = np.argwhere(image.pixels == label)[0][::-1]
        place = image.ijk_to_ras() @ [*first, 1]
        np.testing.assert_allclose(place, AFFINE @ [*corner, 1], atol=1e-4)
    version = source.image_version(tumor.id)
    node.GetSegmentation().GetNthSegment(0).SetColor(0, 1, 0)
    assert source.image_version(tumor.id) != version


def test_a_segmentation_without_voxels_is_not_listed_and_refused_in_words(scene, source):
    scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Nothing drawn yet")
    assert source.label_maps() == []
    with pytest.raises(net.SourceError, match="has no segments with voxels"):
        source.image("Segmentation1")


def test_volumes_with_odd_ids_are_told_apart(scene, source):
    """A node with a singleton tag has that in its id."""
    tags = [None, "Node1", "A" * 50, "A" * 49 + "B"]
    for shade, tag in enumerate(tags):
        volume = scene.CreateNodeByClass("vtkMRMLScalarVolumeNode")
        volume.UnRegister(None)
        volume.SetSingletonTag(tag)
        scene.AddNode(volume)
        volume.SetAndObserveImageData(image_data(np.full((1, 1, 1), shade, np.int16)))
    ids = [
        item.id for item in codec.unpack(codec.pack(codec.ImageMetaMessage(source.images()))).items
    ]
    assert [source.image(image_id).pixels.item() for image_id in ids] == [0, 1, 2, 3]


@pytest.mark.parametrize("number", [1e39, float("nan")])
def test_markups_that_are_nowhere_are_left_out(scene, source, number):
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
    for node in (line, points):
        node.AddControlPoint(vtkVector3d(0, 0, number))
        node.AddControlPoint(vtkVector3d(1, 2, 3))
    assert source.trajectories() == []
    assert [item.position for item in source.points()] == [(1, 2, 3)]


def test_a_volume_that_is_nowhere_says_so(source, show):
    show(ramp(), "A").SetOrigin(1e39, 0, 0)
    with pytest.raises(net.SourceError, match="check its origin and spacing"):
        source.image("ScalarVolume1")
