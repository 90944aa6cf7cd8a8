"""From a server's images to volumes in the scene."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import slicer

from helpers.hospital import Hospital, finish, of_type, parents, step_until, voxels
from helpers.peers import ScriptedServer, ServerInThread, make_image
from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageFailed, ImageLoaded, ImageStatus, ImagesWaiting
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images import image_set
from IGTLMetaBrowserLib.scene.images.outgoing_volumes import ijk_to_world


def test_an_image_becomes_a_volume_that_knows_its_patient(browser, events):
    node = browser.load_image("MR")
    assert browser.images.node("MR") is node
    assert node.GetName() == "Head T1"
    assert voxels(node) == [1, 2, 3]
    attributes = {name: node.GetAttribute(name) for name in node.GetAttributeNames()}
    assert attributes == {
        "IGTLMetaBrowser.ImageId": "MR",
        "IGTLMetaBrowser.Name": "Head T1",
        "IGTLMetaBrowser.Server": browser.connection.address,
        "IGTLMetaBrowser.Geometry": attributes["IGTLMetaBrowser.Geometry"],  # test_moved_images.py
        "IGTLMetaBrowser.VoxelsChecksum": attributes["IGTLMetaBrowser.VoxelsChecksum"],
        "IGTLMetaBrowser.DescribedBy": attributes["IGTLMetaBrowser.DescribedBy"],  # any mark
        "DICOM.PatientName": "Phantom, Head",
        "DICOM.PatientID": "P1",
        "DICOM.Modality": "MR",
        "DICOM.SeriesDescription": "Head T1",
    }
    assert parents(node) == ["Phantom, Head"]
    assert events[0] == ImagesWaiting(["MR"])
    assert events[-1] == ImageLoaded("MR", node, ())


def test_an_image_that_is_loaded_again_comes_into_the_same_node(browser, hospital):
    node = browser.load_image("MR")
    node.GetDisplayNode().SetWindowLevel(77, 7)
    hospital.images_["MR"] = make_image(100)
    assert browser.load_image("MR") is node
    assert voxels(node) == [100, 101, 102]
    assert node.GetDisplayNode().GetWindow() == 77


def test_an_image_whose_node_the_user_deleted_is_loaded_anew(browser, scene):
    first = browser.load_image("MR")
    scene.RemoveNode(first)
    assert browser.images.node("MR") is None
    second = browser.load_image("MR")
    assert second.GetScene() is scene
    assert second is not first


def test_a_node_of_the_user_is_never_taken_for_one_of_a_scene_that_was_closed(browser, scene):
    node_id = browser.load_image("MR").GetID()
    scene.Clear()
    users = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "My own")
    assert users.GetID() == node_id  # MRML gives ids again
    assert browser.load_image("MR") is not users
    assert (users.GetName(), users.GetImageData()) == ("My own", None)


def test_a_color_photograph_of_nobody_has_no_patient(browser):
    node = browser.load_image("PHOTO")
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert node.GetAttribute("DICOM.PatientName") is None


def test_metadata_that_comes_with_an_image_counts_more_than_the_list(unconnected):
    def serve_metadata(peer):
        peer.receive()
        image = replace(make_image(7), device_name="MR", header_version=2)
        image.metadata = {
            "PatientName": "Doe",
            "PatientID": "P9",
            "StudyInstanceUID": "1.2.3",
            "StudyDescription": "Brain",
            "Scanner": "3 T",
        }
        peer.send(image)

    with ScriptedServer(serve_metadata) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = unconnected.load_image("MR")
    assert node.GetAttribute("DICOM.PatientID") == "P9"
    assert node.GetAttribute("DICOM.StudyInstanceUID") == "1.2.3"
    assert node.GetAttribute("OpenIGTLink.Scanner") == "3 T"
    assert node.GetAttribute("OpenIGTLink.StudyInstanceUID") is None  # it is DICOM's
    assert parents(node) == ["Brain", "Doe"]


def test_the_scan_time_of_the_list_is_written_onto_the_node(browser, hospital):
    taken = codec.Timestamp.from_seconds(1.7e9)
    hospital.entries[0] = replace(hospital.entries[0], scan_time=taken)
    browser.list_images()
    attribute = browser.load_image("MR").GetAttribute("IGTLMetaBrowser.ScanTime")
    assert attribute == "2023-11-14T22:13:20+00:00"


def test_metadata_that_no_longer_comes_leaves_the_node(unconnected):
    def serve_metadata_once(peer):
        for metadata in ({"Scanner": "3 T", "Coil": "Head"}, {"Scanner": "1.5 T"}):
            peer.receive()
            image = replace(make_image(7), device_name="MR", header_version=2)
            peer.send(replace(image, metadata=metadata))
        peer.wait_until_closed()

    with ScriptedServer(serve_metadata_once) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = unconnected.load_image("MR")
        assert node.GetAttribute("OpenIGTLink.Coil") == "Head"
        assert unconnected.load_image("MR") is node
        unconnected.disconnect()
    assert node.GetAttribute("OpenIGTLink.Coil") is None
    assert node.GetAttribute("OpenIGTLink.Scanner") == "1.5 T"


def test_the_user_may_overrule_the_coordinates(browser, hospital):
    hospital.images_["MR"] = codec.ImageMessage(
        np.zeros((1, 1, 1), np.uint8), np.column_stack([np.eye(3), (1.0, 2.0, 3.0)])
    )
    assert browser.load_image("MR").GetOrigin() == (1, 2, 3)
    browser.images.in_scene.coordinates = codec.Coordinates.LPS
    assert browser.load_image("MR").GetOrigin() == (-1, -2, 3)


def test_images_are_loaded_one_after_the_other_and_a_failure_stops_none(browser, events):
    browser.request_images(["MR", "BROKEN", "CT", "MR", "PHOTO"])
    assert browser.images.downloads.current == "MR"
    assert browser.queue == ["BROKEN", "CT", "PHOTO"]  # MR is asked for once
    finish(browser)
    outcomes = [event for event in events if isinstance(event, ImageLoaded | ImageFailed)]
    assert [outcome.image_id for outcome in outcomes] == ["MR", "BROKEN", "CT", "PHOTO"]
    (failed,) = of_type(events, ImageFailed)
    assert isinstance(failed.error, net.RefusedError)
    assert "slice 7 of BROKEN is missing" in str(failed.error)


def test_what_images_are_asked_for_by_may_change_afterwards(browser, events):
    """It may also be a sequence without slices."""
    ids = deque(["MR", "CT"])
    browser.request_images(ids)
    ids.clear()
    finish(browser)
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["MR", "CT"]


def test_an_image_that_cannot_be_loaded_raises(browser):
    with pytest.raises(net.RefusedError, match="slice 7 of BROKEN is missing"):
        browser.load_image("BROKEN")
    with pytest.raises(codec.EncodeError, match="the limit is 20"):
        browser.load_image("an id that is too long for OpenIGTLink")
    assert voxels(browser.load_image("CT")) == [2, 3, 4]


def test_an_image_that_cannot_be_put_into_the_scene_does_not_stop_the_others(browser, monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: printed.append(error))

    show_image = image_set.show_image

    def show_without_room_for_mr(scene, image, name, *others, **options):
        if name == "Head T1":
            raise MemoryError("no room")
        return show_image(scene, image, name, *others, **options)

    monkeypatch.setattr(image_set, "show_image", show_without_room_for_mr)
    browser.request_images(["MR", "CT"])
    finish(browser)
    assert [str(error) for error in printed] == ["no room"]
    assert browser.images.states.of("MR").reason == "no room"
    assert browser.images.states.of("CT").status is ImageStatus.LOADED


def test_a_bad_new_version_leaves_the_old_one_in_the_scene(browser, hospital):
    node = browser.load_image("MR")
    hospital.images_["MR"] = codec.ImageMessage(np.zeros((2, 3, 4)), np.full((3, 4), np.nan))
    with pytest.raises(SceneError, match="geometry"):
        browser.load_image("MR")
    assert browser.images.node("MR") is node
    assert voxels(node) == [1, 2, 3]


def test_an_image_that_differs_from_its_entry_is_shown_with_a_note(browser, hospital, events):
    hospital.images_["MR"] = codec.ImageMessage(np.zeros((2, 3, 5), np.float32))
    browser.load_image("MR")
    notes = (
        "listed with 4 × 3 × 2 voxels, received with 5 × 3 × 2",
        "listed as uint16, received as float32",
    )
    assert events[-1].notes == browser.images.states.of("MR").notes == notes


def test_an_image_that_is_not_in_the_list_is_noted(browser, hospital, events):
    hospital.images_["NEW"] = make_image(9)
    assert browser.load_image("NEW").GetName() == "NEW"
    assert events[-1].notes == ("it is not in the list of images",)


# A part of an image


def part(first, count):
    """``count`` of the nine slices of a volume from the ``first`` on, its voxels 1, 2, 3 …"""
    whole = make_image(1, (4, 3, 9))
    return codec.ImageMessage(
        whole.pixels[first : first + count], whole.matrix, size=(4, 3, 9), offset=(0, 0, first)
    )


def test_a_part_of_an_image_becomes_the_whole_volume_and_the_rest_comes_in_place(
    browser, hospital, events
):
    hospital.images_["MR"] = part(4, 1)
    node = browser.load_image("MR")
    memory = slicer.util.arrayFromVolume(node)
    assert memory.shape == (9, 3, 4)
    assert memory[4].ravel().tolist() == list(range(49, 61))
    assert not memory[:4].any()
    assert not memory[5:].any()
    assert "only a part of it was received: 4 × 3 × 1 of 4 × 3 × 9 voxels" in events[-1].notes

    hospital.images_["MR"] = part(5, 4)
    assert browser.load_image("MR") is node
    assert np.shares_memory(memory, slicer.util.arrayFromVolume(node))
    assert memory[4:].ravel().tolist() == list(range(49, 109))


# Several browsers


def test_several_browsers_fill_one_scene_at_once(browser, hospital, scene):
    other_hospital = Hospital()
    other_hospital.images_["MR"] = make_image(100)
    with ServerInThread(other_hospital) as other_server:
        other = Browser(scene)
        other.connect(other_server.host, other_server.port)
        other.list_images()
        for one in (browser, other):
            one.request_images(["MR", "CT"])
        # They take turns, as in one event loop.
        step_until(
            browser,
            lambda: (
                other.step() or len(browser.images.loaded_ids() + other.images.loaded_ids()) == 4
            ),
            "four images",
        )
        assert voxels(browser.images.node("MR")) == [1, 2, 3]
        assert voxels(other.images.node("MR")) == [100, 101, 102]
        # The patients are the same person.
        assert (
            parents(browser.images.node("MR"))
            == parents(other.images.node("MR"))
            == ["Phantom, Head"]
        )
        assert scene.GetSubjectHierarchyNode().GetNumberOfItems() == 5
        other.disconnect()
    assert browser.images.states.of("MR").status is ImageStatus.LOADED


def test_an_image_whose_axes_are_not_at_right_angles_is_shown_as_it_is_and_that_is_said(
    browser, hospital
):
    matrix = np.array([[1, 0, 0, 10], [0, 1, 3, 20], [0, 0, 4, 30]], float)
    hospital.images_["MR"] = replace(hospital.images_["MR"], matrix=matrix)
    node = browser.load_image("MR")
    assert np.allclose(ijk_to_world(node), hospital.images_["MR"].ijk_to_ras(), atol=1e-6)
    (note,) = browser.images.states.of("MR").notes
    assert note.startswith("its axes are not at right angles (j and k 53.13°)")
