"""What the window shows of large images that are arriving, and regions of images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import slicer
from vtkmodules.vtkCommonCore import vtkCollection
from vtkmodules.vtkRenderingAnnotation import vtkCornerAnnotation

from helpers.part_peers import Gate, large_image, parts_of, pixels_of
from helpers.peers import ScriptedServer
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib.browser.downloads import part_downloads

UPPER_EDGE = vtkCornerAnnotation.UpperEdge


class View(SimpleNamespace):
    """A slice widget with its view, and what is written into it."""

    def __init__(self, name: str) -> None:
        self.layers = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode", name)
        self.annotation = vtkCornerAnnotation()
        super().__init__(
            mrmlSliceCompositeNode=lambda: self.layers,
            sliceView=lambda: self,
            cornerAnnotation=lambda: self.annotation,
            scheduleRender=lambda: None,
            pauseRender=lambda: None,
            resumeRender=lambda: None,
        )

    @property
    def text(self) -> str:
        return self.annotation.GetText(UPPER_EDGE) or ""


@pytest.fixture
def view(set_layout_manager, monkeypatch):
    monkeypatch.setattr(part_downloads, "_SECONDS_WITHOUT_PREVIEW", 0.0)
    view = View("Red")
    set_layout_manager(
        sliceViewNames=lambda: ("Red",),
        sliceWidget=lambda _name: view,
        mrmlSliceLogics=vtkCollection,
        threeDViewCount=0,
    )
    return view


def begin(user, server):
    """Connect, and load the image; return its preview."""
    images = user.panel.browser.images
    user.connect_to(server.port)
    user.wait_for(lambda: images.listing.listed_at is not None, "the list")
    client = user.panel.browser.connection.client
    user.wait_for(lambda: client.offers_parts, "the offer of parts")
    user.select("CT")
    user.press(user.ui.loadButton)
    user.wait_for(lambda: images.in_scene.volumes.preview("CT") is not None, "the preview")
    preview = images.in_scene.volumes.preview("CT")
    shown = slicer.util.getNode("Red").GetBackgroundVolumeID
    user.wait_for(lambda: shown() == preview.GetID(), "the preview in the view")
    return preview


def test_the_views_say_how_much_of_a_preview_is_real(user, view):
    gate = Gate(1)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        begin(user, server)
        assert view.text == "Preview 1/6 resolution"
        assert "cannot be chosen in other modules or saved" in user.status
        gate.open()
        user.wait_for_status("'Head' is loaded")
    user.wait_for(lambda: view.text == "", "the end of the preview")
    assert view.layers.GetBackgroundVolumeID() == user.panel.browser.images.node("CT").GetID()


def test_a_view_that_shows_another_volume_says_nothing_of_the_preview(user, view):
    gate = Gate(1)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other")
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(user, server)
        view.layers.SetBackgroundVolumeID(other.GetID())
        assert view.text == ""
        view.layers.SetBackgroundVolumeID(preview.GetID())
        assert view.text == "Preview 1/6 resolution"
        gate.open()
        user.wait_for_status("'Head' is loaded")


def test_a_scene_that_is_added_while_an_image_arrives_is_not_said_to_be_its_preview(
    user, view, tmp_path
):
    """It is in the views until the image is there."""
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Added")
    path = save_scene(slicer.mrmlScene, tmp_path)
    gate = Gate(1)
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(user, server)
        load_scene(slicer.mrmlScene, path)
        user.wait_for_status("Loading 'Head', image 1 of 1")
        assert preview.GetScene() is not None
        gate.open()
        user.wait_for_status("'Head' is loaded")


@pytest.mark.parametrize("is_kept", [False, True])
def test_the_user_chooses_whether_the_preview_stays_when_loading_is_cancelled(user, view, is_kept):
    gate = Gate(1)
    if is_kept:
        user.ui.keepPreviewsCheckBox.checked = True
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(user, server)
        user.press(user.ui.cancelButton)
        user.wait_for_status("Loading was cancelled")
        gate.open()
    assert ("The preview stays" in user.status) is is_kept
    assert (preview.GetScene() is not None) is is_kept
    user.wait_for(lambda: bool(view.text) is is_kept, "the words in the view")
    user.module.reload()
    assert user.ui.keepPreviewsCheckBox.checked is is_kept


@pytest.mark.parametrize("is_kept", [False, True])
def test_after_a_reload_the_views_say_it_of_the_previews_that_stay(user, view, is_kept):
    gate = Gate(1)
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Other")
    if is_kept:
        user.ui.keepPreviewsCheckBox.checked = True
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(user, server)
        user.module.reload()
        gate.open()
    said = "Preview 1/6 resolution" if is_kept else ""
    assert view.text == said
    view.layers.SetBackgroundVolumeID(other.GetID())
    assert view.text == ""
    view.layers.SetBackgroundVolumeID(preview.GetID())
    assert view.text == said


def test_a_preview_that_was_kept_can_be_removed_by_the_menu(user, view):
    gate = Gate(1)
    user.ui.keepPreviewsCheckBox.checked = True
    with ScriptedServer(parts_of(large_image(), gate)) as server:
        preview = begin(user, server)
        user.press(user.ui.cancelButton)
        user.wait_for_status("The preview stays")
        user.choose(user.open_menu("CT").removePreview)
        assert preview.GetScene() is None
        assert not user.open_menu("CT").removePreview.enabled
        user.panel.images.menu.menu.hide()
        gate.open()


def test_the_region_of_a_roi_is_loaded_from_the_menu(user, view):
    image = large_image()
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Tumor")
    center = image.ijk_to_ras() @ (100, 60, 60, 1)
    roi.SetCenter(*center[:3])
    roi.SetSize(8, 8, 8)
    browser = user.panel.browser
    with ScriptedServer(parts_of(image)) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: browser.images.listing.listed_at is not None, "the list")
        user.wait_for(lambda: browser.connection.client.offers_parts, "the offer of parts")
        menu = user.open_menu("CT")
        (action,) = menu.region.menu.actions()
        assert (action.text, menu.region.menu.menuAction().enabled) == ("Tumor", True)
        menu.menu.hide()
        action.trigger()
        user.wait_for_status("'Head (region)' is loaded, a part of 'Head'")
    region = slicer.mrmlScene.GetFirstNodeByName("Head (region)")
    shown = view.layers.GetBackgroundVolumeID
    user.wait_for(lambda: shown() == region.GetID(), "the region in the view")
    assert np.isin(pixels_of(region)[0, 0, 0], image.pixels)
    assert user.state("CT") == ""


def test_without_a_server_that_sends_parts_or_a_roi_there_is_no_region_to_load(user, small_server):
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Tumor")
    menu = user.panel.images.menu
    menu.update()
    assert not menu.region.menu.menuAction().enabled
    user.connect_to(small_server)
    user.wait_for(lambda: user.panel.browser.connection.client.offers_parts, "the offer of parts")
    menu = user.open_menu("A")
    assert menu.region.menu.menuAction().enabled
    menu.menu.hide()
    slicer.mrmlScene.Clear(False)
    menu = user.open_menu("A")
    assert not menu.region.menu.menuAction().enabled
    menu.menu.hide()
