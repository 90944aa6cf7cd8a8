"""What belongs to images: points, label maps and color tables, asked for or pushed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import slicer

from helpers.hospital import Hospital, finish, of_type, parents, step_until, step_until_event
from helpers.peers import ScriptedServer, ServerInThread
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.events import (
    ColorsShown,
    Failed,
    ImageFailed,
    ImageLoaded,
    LabelMapsListed,
    PointsShown,
)
from IGTLMetaBrowserLib.scene.markups.points import MOST_LISTS, MOST_POINTS
from IGTLMetaBrowserLib.scene.server_nodes.attributes import IMAGE_ID_ATTRIBUTE

BONE = codec.LabelMetaItem("Bone", "LABELS", 1, (255, 0, 0, 255), (4, 3, 2), "MR")
BRAIN = codec.LabelMetaItem("Brain", "LABELS", 2, (0, 255, 0, 255), (4, 3, 2), "MR")
NASION = codec.PointItem(name="Nasion", group="Landmarks", position=(1.0, 80.0, -20.0), owner="MR")
LEFT = codec.PointItem(name="Left", group="Landmarks", position=(-70.0, 0.0, 0.0), owner="MR")


class WellEquippedHospital(Hospital):
    """It has label maps, landmarks and a color table as well."""

    def __init__(self) -> None:
        super().__init__()
        labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 3
        self.images_["LABELS"] = codec.ImageMessage.from_ijk_to_ras(labels, np.eye(4))
        self.points_ = [NASION, LEFT]

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [BONE, BRAIN]

    def points(self) -> list[codec.PointItem]:
        return self.points_

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        if image_id != "MR":
            raise net.SourceError(f"{image_id} has no colors")
        return codec.ColorTableMessage(np.arange(768, dtype=np.uint8).reshape(256, 3))


@pytest.fixture
def hospital() -> WellEquippedHospital:
    return WellEquippedHospital()


@pytest.fixture
def listed(browser, events) -> Iterator:
    """A browser that has the list of label maps."""
    browser.overlays.request_label_maps()
    step_until_event(browser, events, LabelMapsListed)
    return browser


def test_label_maps_are_listed(listed, events):
    assert of_type(events, LabelMapsListed) == [LabelMapsListed(1)]
    (label_map,) = listed.overlays.label_maps.listed
    assert (label_map.id, label_map.owner, label_map.name) == ("LABELS", "MR", "Bone and 1 more")


def test_a_label_map_is_loaded_in_its_colors_under_its_image(listed, scene):
    image = listed.load_image("MR")
    node = listed.load_image("LABELS")
    assert node.IsA("vtkMRMLLabelMapVolumeNode")
    assert listed.images.node("LABELS") is node
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    above = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node))
    assert above == hierarchy.GetItemByDataNode(image)
    colors = node.GetDisplayNode().GetColorNode()
    assert [colors.GetColorName(label) for label in (1, 2)] == ["Bone", "Brain"]
    rgba = [0.0] * 4
    colors.GetColor(1, rgba)
    assert rgba == [1, 0, 0, 1]


class AmbiguousHospital(WellEquippedHospital):
    """It has given bone and brain the same label."""

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [BONE, replace(BRAIN, label=1)]


def test_structures_that_share_a_label_are_not_taken_for_each_other(unconnected, events):
    with ServerInThread(AmbiguousHospital()) as server:
        unconnected.connect(server.host, server.port)
        unconnected.overlays.request_label_maps()
        step_until_event(unconnected, events, LabelMapsListed)
        colors = unconnected.load_image("LABELS").GetDisplayNode().GetColorNode()
        unconnected.disconnect()
    assert colors.GetColorName(1) == "Bone or Brain"
    (loaded,) = of_type(events, ImageLoaded)
    words = "structures that share a label, so that nothing tells them apart: Bone or Brain (1)"
    assert loaded.notes == (words,)


TURNED = np.diag([-1.0, 1.0, 1.0, 1.0])
LARGER = np.zeros((4, 3, 4), np.uint8)
SECOND_SLICE = np.eye(4)
SECOND_SLICE[2, 3] = 1


@pytest.mark.parametrize(
    ("pixels", "matrix", "notes"),
    [
        (LARGER[:2], np.eye(4), ()),
        (LARGER[:1], SECOND_SLICE, ()),
        (LARGER, np.eye(4), ("it has 4 × 3 × 4 voxels, its image 4 × 3 × 2",)),
        (LARGER[:2], TURNED, ("its voxels do not lie where those of its image do",)),
    ],
    ids=["the same", "some slices", "another size", "another place"],
)
def test_a_label_map_on_another_grid_than_its_image(
    listed, hospital, events, pixels, matrix, notes
):
    """It would be shown beside what it marks; its image may come before it or after it."""
    to_ras = hospital.images_["MR"].ijk_to_ras()
    labels = codec.ImageMessage.from_ijk_to_ras(pixels, to_ras @ matrix)
    hospital.images_["LABELS"] = labels
    listed.load_image("LABELS")
    assert listed.images.states.of("LABELS").notes == ()
    listed.load_image("MR")
    assert listed.images.states.of("LABELS").notes == notes
    listed.load_image("LABELS")
    assert of_type(events, ImageLoaded)[-1].notes == notes


def test_one_that_came_before_the_list_of_label_maps_has_one_node_of_the_server_s(browser, events):
    """What came as an image may have been edited: it stays, and is the user's own."""
    volume = browser.load_image("LABELS")
    browser.overlays.request_label_maps()
    step_until_event(browser, events, LabelMapsListed)
    node = browser.load_image("LABELS")
    assert node.GetClassName() == "vtkMRMLLabelMapVolumeNode"
    assert browser.images.node("LABELS") is node
    assert volume.GetAttribute(IMAGE_ID_ATTRIBUTE) is None


def test_one_that_says_that_it_is_of_another_patient_is_not_put_under_its_image(
    listed, hospital, events
):
    labels = hospital.images_["LABELS"]
    hospital.images_["LABELS"] = replace(labels, metadata={"PatientID": "P2"}, header_version=2)
    listed.load_image("MR")
    listed.request_images(["LABELS"])
    failed = step_until_event(listed, events, ImageFailed)
    assert "of another patient than the list says" in str(failed.error)
    assert listed.images.node("LABELS") is None


def test_it_comes_under_its_image_when_that_is_loaded_later(listed):
    node = listed.load_image("LABELS")
    assert listed.load_image("MR").GetName() in parents(node)


def test_label_maps_wait_in_the_queue_as_images_do(listed, events):
    listed.request_images(["CT", "LABELS"])
    assert "LABELS" in listed.queue
    finish(listed)
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["CT", "LABELS"]
    assert listed.images.loaded_ids() == ["CT", "LABELS"]


def test_a_label_map_that_is_removed_is_no_longer_loaded(listed, scene):
    scene.RemoveNode(listed.load_image("LABELS"))
    assert listed.images.loaded_ids() == []


def test_an_image_that_holds_no_labels_fails_with_its_reason(listed, hospital, events):
    hospital.images_["LABELS"] = codec.ImageMessage(np.full((2, 3, 4), -1, np.int16))
    listed.request_images(["LABELS"])
    failed = step_until_event(listed, events, ImageFailed)
    assert "the labels are -1 to -1" in str(failed.error)


def test_points_become_markups_under_their_group(browser, events):
    browser.overlays.request_points()
    shown = step_until_event(browser, events, PointsShown)
    (node,) = shown.nodes
    assert node.GetNumberOfControlPoints() == 2
    assert node.GetNthControlPointLabel(0) == "Nasion"
    assert tuple(node.GetNthControlPointPosition(0)) == (1, 80, -20)
    assert shown.problems == []


def test_points_that_come_again_move_and_those_of_lps_are_turned(browser, events):
    browser.overlays.request_points()
    (node,) = step_until_event(browser, events, PointsShown).nodes
    browser.trajectories.markups.coordinates = codec.Coordinates.LPS
    browser.overlays.request_points()
    assert step_until_event(browser, events, PointsShown, count=2).nodes == [node]
    assert tuple(node.GetNthControlPointPosition(0)) == (-1, -80, -20)


def test_points_that_a_server_pushes_are_shown(unconnected, events):
    def push(peer):
        peer.send(codec.PointMessage(items=[NASION]))
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        unconnected.connect("127.0.0.1", server.port)
        shown = step_until_event(unconnected, events, PointsShown)
        unconnected.disconnect()
    assert shown.nodes[0].GetNthControlPointLabel(0) == "Nasion"


def test_points_whose_scene_was_closed_meanwhile_end_in_words(browser, hospital, events, scene):
    hospital.points_ = [replace(NASION, group=f"Group {number}") for number in range(MOST_LISTS)]
    query = browser.overlays.request_points()
    step_until(browser, lambda: browser.is_handled(query), "the answer")
    scene.Clear(0)
    shown = step_until_event(browser, events, PointsShown)
    assert list(shown.nodes) == []
    assert shown.problems == ["the scene was closed meanwhile; get the points again"]
    assert not browser.overlays.is_showing


def test_an_image_is_shown_in_the_colors_of_the_server(browser, events):
    image = browser.load_image("MR")
    browser.overlays.request_color_table("MR")
    shown = step_until_event(browser, events, ColorsShown)
    assert shown.image_id == "MR"
    assert image.GetDisplayNode().GetColorNode() is shown.node
    assert shown.node.GetNumberOfColors() == 256


@pytest.mark.parametrize(
    ("image_id", "words"), [("CT", "CT has no colors"), ("MR", "but it is not loaded")]
)
def test_colors_that_cannot_be_had_are_a_failure_in_words(browser, events, image_id, words):
    browser.overlays.request_color_table(image_id)
    assert words in str(step_until_event(browser, events, Failed).error)


def test_what_a_server_does_not_have_is_a_failure_in_words(unconnected, events):
    with ServerInThread(Hospital()) as server:
        unconnected.connect(server.host, server.port)
        for ask in (unconnected.overlays.request_points, unconnected.overlays.request_label_maps):
            query = ask()
            step_until(unconnected, lambda query=query: query.is_done, "the answer")
        unconnected.disconnect()
    texts = [str(failed.error) for failed in of_type(events, Failed)]
    assert [text.startswith("the server does not send") for text in texts] == [True, True]


def test_the_next_server_has_label_maps_of_its_own(listed):
    listed.disconnect()
    assert list(listed.overlays.label_maps.listed) == []


def test_in_the_next_scene_another_server_can_show_its_points(listed, hospital, events, scene):
    hospital.points_ = [replace(NASION, name=f"Seed {number}") for number in range(MOST_POINTS)]
    listed.overlays.request_points()
    step_until_event(listed, events, PointsShown)
    scene.Clear(0)
    other = WellEquippedHospital()
    with ServerInThread(other) as server:
        listed.connect(server.host, server.port)
        listed.overlays.request_points()
        shown = step_until_event(listed, events, PointsShown, count=2)
        assert [node.GetNumberOfControlPoints() for node in shown.nodes] == [2]
        assert shown.problems == []
        listed.disconnect()
