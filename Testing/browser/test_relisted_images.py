"""A server lists an id as a label map first, and then as an image, or the other way round."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import slicer

from helpers.hospital import Hospital, of_type, step_until, step_until_event
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, LabelMapsListed
from IGTLMetaBrowserLib.browser.open_browsers import hide_patients
from IGTLMetaBrowserLib.scene.server_nodes.attributes import IMAGE_ID_ATTRIBUTE

BONE = codec.LabelMetaItem("Bone", "LABELS", 1, (255, 0, 0, 255), (4, 3, 2), "MR")


class ChangedHospital(Hospital):
    """It may change its mind of what is a label map."""

    def __init__(self) -> None:
        super().__init__()
        labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 3
        self.images_["LABELS"] = codec.ImageMessage.from_ijk_to_ras(labels, np.eye(4))
        self.is_label_map = True
        self.owner = BONE.owner

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [replace(BONE, owner=self.owner)] if self.is_label_map else []


@pytest.fixture
def hospital() -> ChangedHospital:
    return ChangedHospital()


def load(browser: Browser, hospital: ChangedHospital, events: list, is_label_map: bool) -> Any:
    hospital.is_label_map = is_label_map
    browser.overlays.request_label_maps()
    count = len(of_type(events, LabelMapsListed)) + 1
    step_until_event(browser, events, LabelMapsListed, count=count)
    return browser.load_image("LABELS")


@pytest.mark.parametrize("is_first", [True, False], ids=["label map first", "image first"])
def test_the_node_of_before_is_the_user_s_and_the_user_is_told(
    browser: Browser,
    hospital: ChangedHospital,
    server: ServerInThread,
    events: list,
    scene: slicer.vtkMRMLScene,
    is_first: bool,
):
    """It stays, as it may have been edited, but no more as the server's: two had one id."""
    before = load(browser, hospital, events, is_label_map=is_first)
    node = load(browser, hospital, events, is_label_map=not is_first)
    assert before.GetScene() is scene
    assert before.GetAttribute(IMAGE_ID_ATTRIBUTE) is None
    assert node.GetAttribute(IMAGE_ID_ATTRIBUTE) == "LABELS"
    assert browser.images.node("LABELS") is node
    step_until(browser, lambda: bool(of_type(events, Failed)), "what is told")
    (failed,) = of_type(events, Failed)
    assert f"{before.GetName()} of before stays where it is, and is yours" in str(failed.error)
    again = load(browser, hospital, events, is_label_map=is_first)
    assert again not in (before, node)


@pytest.fixture
def other(scene: slicer.vtkMRMLScene, server: ServerInThread) -> Iterator[Browser]:
    with closing(Browser(scene)) as other:
        other.connect(server.host, server.port)
        other.list_images()
        yield other


@pytest.mark.parametrize("is_first", [True, False], ids=["label map first", "image first"])
def test_another_browser_with_the_list_of_before_lets_it_go_as_well(
    browser: Browser, other: Browser, hospital: ChangedHospital, events: list, is_first: bool
):
    """It would write what comes over what the user has edited."""
    other_events: list = []
    other.add_observer(other_events.append)
    before = load(other, hospital, other_events, is_label_map=is_first)
    assert load(browser, hospital, events, is_label_map=is_first) is before
    node = load(browser, hospital, events, is_label_map=not is_first)
    other.step()
    assert other.images.node("LABELS") is node
    assert other.load_image("LABELS") is not before


@pytest.mark.parametrize("is_first", [True, False], ids=["label map first", "image first"])
def test_what_another_browser_brings_when_it_is_what_it_was_is_found(
    browser: Browser, other: Browser, hospital: ChangedHospital, events: list, is_first: bool
):
    """Beside the node of before, which is the user's."""
    before = load(browser, hospital, events, is_label_map=is_first)
    node = load(browser, hospital, events, is_label_map=not is_first)
    other_events: list = []
    other.add_observer(other_events.append)
    again = load(other, hospital, other_events, is_label_map=is_first)
    assert again not in (before, node)
    hospital.is_label_map = is_first
    browser.overlays.request_label_maps()
    step_until_event(
        browser, events, LabelMapsListed, count=len(of_type(events, LabelMapsListed)) + 1
    )
    browser.step()
    assert browser.images.node("LABELS") is again


def test_the_segmentation_of_a_label_map_is_let_go_with_it(
    browser: Browser, other: Browser, hospital: ChangedHospital, events: list
):
    """Its segments would be replaced by those of the label map that comes next."""
    other_events: list = []
    other.add_observer(other_events.append)
    load(other, hospital, other_events, is_label_map=True)
    before = other.overlays.label_maps.show_segmentation("LABELS")
    browser.step()  # it finds both in the scene
    load(browser, hospital, events, is_label_map=False)
    assert before.GetAttribute(IMAGE_ID_ATTRIBUTE) is None
    load(other, hospital, other_events, is_label_map=True)
    assert other.overlays.label_maps.show_segmentation("LABELS") is not before


def test_what_it_says_of_a_patient_is_hidden_and_shown_but_it_stays_the_user_s(
    browser: Browser, other: Browser, hospital: ChangedHospital, events: list
):
    """Also by the other browser, which has described it last."""
    hospital.images_["LABELS"].metadata["PatientName"] = "DOE^JANE"
    load(browser, hospital, events, is_label_map=False)
    before = other.load_image("LABELS")
    load(browser, hospital, events, is_label_map=True)
    for is_hidden in (True, False):
        hide_patients(is_hidden)
        assert before.GetAttribute(IMAGE_ID_ATTRIBUTE) is None
        assert (before.GetAttribute("DICOM.PatientName") == "DOE^JANE") is not is_hidden


def test_what_was_a_label_map_does_not_follow_its_image_any_more(
    browser: Browser, hospital: ChangedHospital, events: list, scene: slicer.vtkMRMLScene
):
    """Which may be the next patient's."""
    browser.load_image("MR")
    before = load(browser, hospital, events, is_label_map=True)
    load(browser, hospital, events, is_label_map=False)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    browser.images.node("MR").SetAndObserveTransformNodeID(transform.GetID())
    assert before.GetTransformNodeID() is None


def test_a_label_map_of_another_image_is_another_one(
    browser: Browser, hospital: ChangedHospital, events: list, scene: slicer.vtkMRMLScene
):
    """What the user has drawn in that of before stays where it was drawn."""
    for image_id in ("MR", "CT"):
        browser.load_image(image_id)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    browser.images.node("CT").SetAndObserveTransformNodeID(transform.GetID())
    before = load(browser, hospital, events, is_label_map=True)
    drawn = browser.overlays.label_maps.show_segmentation("LABELS")
    drawn.GetSegmentation().GetNthSegment(0).SetName("Drawn by the user")
    hospital.owner = "CT"
    node = load(browser, hospital, events, is_label_map=True)
    browser.load_image("CT")
    assert browser.images.node("LABELS") is node
    assert node.GetTransformNodeID() == transform.GetID()
    for one in (before, drawn):
        assert one.GetScene() is scene
        assert one.GetTransformNodeID() is None
        assert one.GetAttribute(IMAGE_ID_ATTRIBUTE) is None
    step_until(browser, lambda: bool(of_type(events, Failed)), "what is told")
    assert "something else under the ID of an image or a label map" in str(
        of_type(events, Failed)[0].error
    )
    assert browser.overlays.label_maps.show_segmentation("LABELS") is not drawn
    browser.load_image("MR")
    assert drawn.GetDisplayVisibility()
