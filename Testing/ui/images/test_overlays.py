"""Label maps, points and the server's colors in the panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.scene.errors import SceneError

TYPE, ID = 7, 8


class WellEquippedSource(SmallSource):
    """It has a label map of image A, two landmarks, and colors for A."""

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "LABELS":
            return codec.ImageMessage(np.ones((2, 3, 4), np.uint8))
        return super().image(image_id)

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [codec.LabelMetaItem("Tumor", "LABELS", 1, (255, 0, 0, 255), (4, 3, 2), "A")]

    def points(self) -> list[codec.PointItem]:
        nowhere = (float("nan"), 0.0, 0.0)
        return [
            codec.PointItem(name="Nasion", position=(1.0, 2.0, 3.0)),
            codec.PointItem(name="Inion", position=(4.0, 5.0, 6.0)),
            codec.PointItem(name="Nowhere", position=nowhere),
        ]

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        return codec.ColorTableMessage(np.arange(768, dtype=np.uint8).reshape(256, 3))


@pytest.fixture
def connected(user):
    with ServerInThread(WellEquippedSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        yield user


@pytest.fixture
def listed(connected):
    connected.press(connected.ui.labelMapsButton)
    connected.wait_for_status("offers one label map")
    return connected


def test_without_a_server_nothing_can_be_asked_for(user):
    assert not user.ui.labelMapsButton.enabled
    assert not user.ui.pointsButton.enabled


def test_label_maps_come_below_the_images(listed):
    assert listed.ids() == ["A", "B", "BROKEN", "D", "LABELS"]
    row = listed.table()[-1]
    assert row[:3] == ["", "Tumor, of Image A", "labels"]
    assert row[6:] == ["4 × 3 × 2", "", "LABELS"]  # LBMETA does not tell the type


def test_by_patient_they_stand_below_the_patient_of_their_image(user):
    class OfJane(WellEquippedSource):
        def images(self):
            entries = super().images()
            return [replace(one, patient_name="Doe^Jane", patient_id="7") for one in entries]

    with ServerInThread(OfJane()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.press(user.ui.labelMapsButton)
        user.wait_for_status("offers one label map")
        user.ui.groupCheckBox.checked = True
        patients = [row[1] for row in user.table() if not row[ID] and not row[1].startswith(" ")]
        assert patients == ["Doe, Jane (5 images)"]


def test_the_details_say_that_they_are_in_the_list_of_label_maps(listed):
    model = listed.panel.model
    assert model.source(model.row("LABELS")) == "label map list"
    assert model.source(model.row("A")) == "image list"


def test_a_double_click_loads_one_above_what_the_slices_show(listed, slicer_host):
    layers = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    view, index = listed.ui.imageTableView, listed.panel.model.index(4, 0)
    listed.load("A")
    view.scrollTo(index)
    point = view.visualRect(index).center()
    QTest.mouseClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    QTest.mouseDClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    listed.wait_for_status("is loaded.")
    listed.wait_for(lambda: listed.state("LABELS") == "loaded", "the label map")
    node = listed.panel.browser.images.node("LABELS")
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    listed.wait_for(lambda: layers.GetLabelVolumeID() == node.GetID(), "it above the image")
    assert layers.GetBackgroundVolumeID() == listed.panel.browser.images.node("A").GetID()


class CutSource(WellEquippedSource):
    def image(self, image_id: str) -> codec.ImageMessage:
        said = {"Notice": "cut off at the end of the image"}
        return replace(super().image(image_id), metadata=said)


def test_what_there_is_to_know_of_one_is_said(user):
    with ServerInThread(CutSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.press(user.ui.labelMapsButton)
        user.wait_for_status("offers one label map")
        user.load("LABELS")
        user.wait_for_status("is loaded; note: cut off at the end of the image")


class LargerSource(WellEquippedSource):
    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id == "LABELS":
            return codec.ImageMessage(np.ones((5, 3, 4), np.uint8))
        return super().image(image_id)


def test_that_one_is_not_on_the_grid_of_its_image_is_said_in_its_row_and_details(user):
    with ServerInThread(LargerSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.press(user.ui.labelMapsButton)
        user.wait_for_status("offers one label map")
        user.load("LABELS")
        user.load("A")
        user.wait_for(lambda: user.state("LABELS") == "loaded (note)", "the note in its row")
        user.select("LABELS")
        words = "it has 4 × 3 × 5 voxels, its image 4 × 3 × 2"
        assert words in user.panel.model.notes(4)


def test_one_that_is_loaded_can_be_shown_as_a_segmentation(listed, slicer_host):
    assert not listed.open_menu("LABELS").segmentation.enabled
    listed.panel.images.menu.menu.close()
    listed.load("LABELS")
    listed.select("LABELS")
    listed.choose(listed.open_menu("LABELS").segmentation)
    listed.wait_for_status("'Tumor' is shown as a segmentation.")
    node = slicer_host.mrmlScene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert node.GetSegmentation().GetNthSegment(0).GetName() == "Tumor"


def test_one_that_is_not_loaded_cannot_be_a_segmentation(listed):
    with pytest.raises(SceneError, match="'LABELS' is not loaded; load it first"):
        listed.panel.browser.overlays.label_maps.show_segmentation("LABELS")


def test_one_that_is_removed_stays_in_the_table(listed, slicer_host):
    listed.load("LABELS")
    slicer_host.mrmlScene.RemoveNode(listed.panel.browser.images.node("LABELS"))
    assert listed.ids()[-1] == "LABELS"
    assert listed.state("LABELS") == ""


def test_they_leave_with_their_server(listed):
    listed.press(listed.ui.connectButton)
    assert listed.ids() == []


def test_points_become_markups_and_what_is_no_place_is_said(connected, slicer_host):
    connected.press(connected.ui.pointsButton)
    connected.wait_for_status("2 points are shown. Not shown: the point 'Nowhere' is (nan")
    scene = slicer_host.mrmlScene
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1


def test_an_image_that_is_said_to_be_a_label_map_only_later_stays_loaded(connected, monkeypatch):
    connected.load("A")
    node = connected.panel.browser.images.node("A")
    tumor = codec.LabelMetaItem("Tumor", "A", 1, (255, 0, 0, 255), (4, 3, 2))
    monkeypatch.setattr(WellEquippedSource, "label_maps", lambda _source: [tumor])
    connected.press(connected.ui.labelMapsButton)
    connected.wait_for_status("offers one label map")
    assert connected.panel.browser.images.node("A") is node
    connected.panel.browser.overlays.request_color_table("A")
    connected.wait_for_status("'Image A' is shown with the server's color table")
    # Loaded again, it is one.
    connected.load("A")
    assert connected.panel.browser.images.node("A").GetName() == "Tumor"
    # The volume of before may be edited: it is the user's now.
    assert node.GetScene() is not None
    assert node.GetAttribute("IGTLMetaBrowser.ImageId") is None


def test_an_image_is_shown_in_the_colors_of_the_server(connected):
    assert not connected.open_menu("A").colors.enabled
    connected.panel.images.menu.menu.close()
    connected.load("A")
    connected.select("A")
    connected.choose(connected.open_menu("A").colors)
    connected.wait_for_status("'Image A' is shown with the server's color table")
    display = connected.panel.browser.images.node("A").GetDisplayNode()
    assert display.GetColorNode().GetNumberOfColors() == 256


def test_an_image_is_shown_by_window_and_level_again(connected):
    connected.load("A")
    connected.select("A")
    display = connected.panel.browser.images.node("A").GetDisplayNode()
    before = display.GetColorNodeID()
    connected.choose(connected.open_menu("A").colors)
    connected.wait_for_status("'Image A' is shown with the server's color table")
    assert display.GetColorNodeID() != before
    connected.choose(connected.open_menu("A").ownColors)
    assert display.GetColorNodeID() == before


class IncompleteSource(WellEquippedSource):
    """It does not have the plans and structures of all patients."""

    def notice_of_missing(self, data_type: str) -> str:
        return f"of another patient nothing is in {data_type}"


def test_that_some_are_missing_is_told(user):
    with ServerInThread(IncompleteSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.press(user.ui.labelMapsButton)
        user.wait_for_status("below the images. Of another patient nothing is in LBMETA.")
        user.press(user.ui.trajectoriesButton)
        user.wait_for_status("are shown. Of another patient nothing is in TRAJ.")
