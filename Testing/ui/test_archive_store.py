"""Plans and segmentations made in the window, stored in the archive that is browsed."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import slicer
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers import orthanc
from helpers.empty_archive import empty_archive
from IGTLMetaBrowserLib.sources.demo_dicom import write_phantom
from IGTLMetaBrowserLib.sources.predecessor import replaced_by

pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")

# The command imports highdicom, fetches the images and writes; other tests may run beside it.
SECONDS_TO_STORE = 120

without_orthanc = pytest.mark.skipif(
    not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[orthanc.Orthanc]:
    """An archive with the phantom's CT."""
    write_phantom(tmp_path / "phantom")
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted((tmp_path / "phantom" / "CT").iterdir()))
        yield archive


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the user was asked, and has agreed to."""
    asked: list[str] = []
    agree = lambda text: asked.append(text) or True  # noqa: E731
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", agree)
    return asked


def connect(user, address: str) -> None:
    user.press(user.ui.archiveButton)
    asked = user.panel.archive.dialog
    asked.addressBox.currentText = address
    QTest.mouseClick(asked.connectButton, Qt.LeftButton)
    user.wait_for_status("offers one image")


def line(name: str, owner: str = ""):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
    node.AddControlPointWorld(30, 40, 50)
    node.AddControlPointWorld(10, -5, 2)
    if owner:
        node.SetAttribute("IGTLMetaBrowser.TrajectoryOwner", owner)
    return node


def actions(user) -> dict[str, object]:
    """What the menu of the button Send offers."""
    menu = user.panel.trajectories.sendMenu
    menu.fill()
    return {action.text: action for action in menu.menu.actions()}


def load_the_image(user) -> str:
    (image_id,) = user.ids()
    user.load(image_id)
    user.panel.archiveStore.imageInViews = lambda: image_id  # there are no views here
    return image_id


def documents(archive: orthanc.Orthanc, modality: str) -> list[pydicom.Dataset]:
    """What the archive has of them, in the order of their creation."""
    query = {"Level": "Instance", "Query": {"Modality": modality}}
    ids = archive.call("POST", "/tools/find", json=query).json()
    files = [archive.call("GET", f"/instances/{id_}/file").content for id_ in ids]
    found = [pydicom.dcmread(BytesIO(content)) for content in files]
    return sorted(found, key=lambda one: len(replaced_by(one)))


@without_orthanc
def test_a_line_is_stored_comes_back_and_is_stored_in_place_of_the_first(user, archive, questions):
    connect(user, archive.dicomweb)
    load_the_image(user)
    left, right = line("Left STN"), line("Right STN")
    actions(user)["Store all new lines (2)"].trigger()
    assert "Store 2 trajectories in http://localhost" in questions[0]
    user.wait_for_status("Trajectories: 2 stored in http://localhost", SECONDS_TO_STORE)
    (first,) = documents(archive, "SR")
    for node in (left, right):
        slicer.mrmlScene.RemoveNode(node)
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("2 trajectories are shown")
    # One of them is changed; the other one is a part of the plan all the same.
    trajectories = user.panel.browser.trajectories
    row, changed = next(
        (row, one) for row, one in enumerate(trajectories.items) if one.item.name == "Left STN"
    )
    node = trajectories.node(changed)
    node.SetNthControlPointPositionWorld(1, 11, -6, 3)
    user.ui.trajectoryTableView.selectRow(row)
    actions(user)["Store selected trajectories (1)"].trigger()
    assert "in place of the plan of CT head that it came from?" in questions[1]
    assert "The other one of that plan stays as it is." in questions[1]
    user.wait_for_status("Trajectories: 2 stored", SECONDS_TO_STORE)
    _, second = documents(archive, "SR")
    assert replaced_by(second) == [first.SOPInstanceUID]
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("2 trajectories are shown")
    assert {one.item.name: one.item.target for one in trajectories.items} == {
        "Left STN": pytest.approx((11, -6, 3)),
        "Right STN": pytest.approx((10, -5, 2)),
    }
    # What is removed from the scene is left out of the plan, if the user agrees to that.
    nodes = {one.item.name: trajectories.node(one) for one in trajectories.items}
    slicer.mrmlScene.RemoveNode(nodes["Right STN"])
    user.ui.trajectoryTableView.selectRow(
        [one.item.name for one in trajectories.items].index("Left STN")
    )
    actions(user)["Store selected trajectories (1)"].trigger()
    assert "Left out of it, as removed from the scene: Right STN." in questions[2]
    assert "of that plan stay" not in questions[2]
    user.wait_for_status("Trajectories: 1 stored", SECONDS_TO_STORE)
    third = next(
        one for one in documents(archive, "SR") if replaced_by(one) == [second.SOPInstanceUID]
    )
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("One trajectory is shown")
    assert [one.item.name for one in trajectories.items if not one.is_gone] == ["Left STN"]
    assert third.PatientID == first.PatientID


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
    assert "Store Plan of the ablation in ORTHANC@localhost" in questions[0]
    assert "as a new segmentation of CT head?" in questions[0]
    user.wait_for_status("Structures: 2 stored in ORTHANC@localhost", SECONDS_TO_STORE)
    (first,) = documents(archive, "SEG")
    assert [one.SegmentLabel for one in first.SegmentSequence] == ["Lebér", "Tumor"]
    slicer.mrmlScene.RemoveNode(drawn)
    user.press(user.ui.labelMapsButton)
    user.wait_for_status("offers 2 label maps")
    overlays = user.panel.browser.overlays
    names = {one.name: one for one in overlays.label_maps}
    assert names["Lebér"].structures[0].rgba == pytest.approx((26, 51, 230, 255), abs=1)
    assert [row[1] for row in user.table()[1:]] == ["Lebér, of CT head", "Tumor, of CT head"]
    # One of its segments is changed: the other one is in the document that takes its place.
    user.load(names["Tumor"].id)
    changed = overlays.show_segmentation(names["Tumor"].id)
    changed.SetName("Tumor changed")
    changed.GetSegmentation().GetNthSegment(0).SetName("Residual tumor")
    changed.GetSegmentation().AddEmptySegment("empty", "Nothing")
    actions(user)["Store Tumor changed"].trigger()
    assert "in place of the segment that it came from?" in questions[1]
    assert "The other segments of that segmentation of CT head stay as they are." in questions[1]
    assert "Left out, as they have no voxels in the image: Nothing." in questions[1]
    assert "No longer in it: Tumor." in questions[1]
    user.wait_for_status("Structures: 1 stored", SECONDS_TO_STORE)
    before, after = documents(archive, "SEG")
    assert replaced_by(after) == [before.SOPInstanceUID]
    user.press(user.ui.labelMapsButton)
    user.wait_for_status("offers 2 label maps")
    assert {one.name for one in overlays.label_maps} == {"Lebér", "Residual tumor"}


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


def test_without_its_image_a_plan_is_not_stored(user, questions):
    with empty_archive() as archive:
        connect(user, archive.url)
        line("Left STN")
        user.panel.archiveStore.imageInViews = lambda: ""
        actions(user)["Store all new lines (1)"].trigger()
        assert "Load and show the image first that it is for" in user.status
        assert questions == []


def test_nothing_is_offered_without_trajectories_or_without_an_archive(user, small_server):
    with empty_archive() as archive:
        connect(user, archive.url)
        stored = [action for text, action in actions(user).items() if "Store" in text]
        assert not any(action.enabled for action in stored)
        user.press(user.ui.connectButton)
    user.connect_to(small_server)
    assert not any("Store" in text for text in actions(user))
