"""Segmentations made in the window, stored in the archive that is browsed."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

from helpers.stored_documents import (
    SECONDS_TO_STORE,
    actions,
    connect,
    documents,
    load_the_image,
    without_orthanc,
)
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import replaced_by

pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")

pytestmark = pytest.mark.usefixtures("forked_commands")


def segmentation(image, name: str = "Plan of the ablation"):
    """One with two segments that overlap, as a user draws them in an image."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(image)
    add_segment(node, image, "Lebér", (0.1, 0.2, 0.9), slice(10, 30))
    add_segment(node, image, "Tumor", (1, 0, 0), slice(20, 25))
    return node


def add_segment(node, image, name: str, color: tuple[float, ...], rows: slice) -> None:
    scene = slicer.mrmlScene
    voxels = np.zeros(image.GetImageData().GetDimensions()[::-1], np.uint8)
    voxels[5:8, rows, 40:50] = 1
    label_map = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
    label_map.CopyOrientation(image)
    slicer.util.updateVolumeFromArray(label_map, voxels)
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(label_map, node)
    scene.RemoveNode(label_map)
    segment = node.GetSegmentation().GetNthSegment(node.GetSegmentation().GetNumberOfSegments() - 1)
    segment.SetName(name)
    segment.SetColor(*color)


@without_orthanc
def test_a_segmentation_is_stored_by_dimse_comes_back_and_is_replaced(user, archive, questions):
    connect(user, archive.peer)
    image = user.panel.browser.images.node(load_the_image(user))
    drawn = segmentation(image)
    actions(user)["Store Plan of the ablation"].trigger()
    assert "Store 'Plan of the ablation' in ORTHANC@localhost" in questions[0]
    assert "as a new segmentation of 'CT head'?" in questions[0]
    user.wait_for_status("Structures: 2 stored in ORTHANC@localhost", SECONDS_TO_STORE)
    (first,) = documents(archive, "SEG")
    assert [one.SegmentLabel for one in first.SegmentSequence] == ["Lebér", "Tumor"]
    slicer.mrmlScene.RemoveNode(drawn)
    user.press(user.ui.labelMapsButton)
    user.wait_for_status("offers 2 label maps")
    overlays = user.panel.browser.overlays
    names = {one.name: one for one in overlays.label_maps.listed}
    assert names["Lebér"].structures[0].rgba == pytest.approx((26, 51, 230, 255), abs=1)
    assert [row[1] for row in user.table()[1:]] == ["Lebér, of CT head", "Tumor, of CT head"]
    # Its segments are changed one after the other: each goes into the document of the one before.
    for name in names:
        user.load(names[name].id)
    changed = overlays.label_maps.show_segmentation(names["Tumor"].id)
    changed.SetName("Tumor, changed")
    changed.GetSegmentation().GetNthSegment(0).SetName("Residual tumor")
    changed.GetSegmentation().AddEmptySegment("empty", "Nothing")
    store_segment(user, "Tumor, changed")
    assert "in place of the segment that it came from?" in questions[1]
    assert "The other segments of that segmentation of 'CT head' stay as they are." in questions[1]
    assert "Left out, as they have no voxels in the image: 'Nothing'." in questions[1]
    assert "No longer in it: 'Tumor'." in questions[1]
    other = overlays.label_maps.show_segmentation(names["Lebér"].id)
    other.SetName("Liver")
    store_segment(user, "Liver")
    changed.GetSegmentation().GetNthSegment(0).SetName("Tumor, again")
    store_segment(user, "Tumor, changed")
    stored = documents(archive, "SEG")
    replaced = {uid: one.SOPInstanceUID for one in stored for uid in replaced_by(one)}
    assert (len(stored), len(replaced)) == (4, 3)
    user.press(user.ui.labelMapsButton)
    user.wait_for_status("offers 2 label maps")
    assert {one.name for one in overlays.label_maps.listed} == {"Lebér", "Tumor, again"}


def store_segment(user, name: str) -> None:
    user.ui.statusLabel.text = ""
    actions(user)[f"Store {name}"].trigger()
    user.wait_for_status("Structures: 1 stored", SECONDS_TO_STORE)


@without_orthanc
def test_what_is_not_of_an_image_of_the_archive_is_refused(user, archive, questions):
    connect(user, archive.dicomweb)
    image = user.panel.browser.images.node(load_the_image(user))
    scene = slicer.mrmlScene
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Another volume")
    other.CopyOrientation(image)
    other.SetAndObserveImageData(image.GetImageData())
    segmentation(other, "Of another volume")
    actions(user)["Store Of another volume"].trigger()
    assert "was drawn in 'Another volume', which is not an image of this archive" in user.status
    # A label map that names no image could be of any patient: the subject hierarchy knows.
    label_map = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "Somebody's labels")
    label_map.CopyOrientation(image)
    voxels = np.ones(image.GetImageData().GetDimensions()[::-1], np.uint8)
    slicer.util.updateVolumeFromArray(label_map, voxels)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Somebody else")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(label_map), patient)
    actions(user)["Store Somebody's labels"].trigger()
    assert "is of the patient 'Somebody else', and 'CT head' is of " in user.status
    assert questions == []
