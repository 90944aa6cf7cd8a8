"""The browser without a window: a real server, a real scene, and what the observers hear."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import slicer

from IGTLMetaBrowserLib import codec, net
from IGTLMetaBrowserLib.browser import (
    Asked,
    Browser,
    BrowserError,
    Connected,
    Connecting,
    Disconnected,
    Failed,
    ImageFailed,
    ImageLoaded,
    ImageProgress,
    ImageWaiting,
    Listed,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.scene.errors import SceneError
from peers import PATIENCE, TRAJECTORY, ScriptedServer, ServerInThread, make_image, serve_well

DRAIN = replace(TRAJECTORY, name="Drain", target=(1.0, 2.0, 3.0))


class Hospital:
    """A ``net.Source``: MR and CT of one patient and a photograph of nobody.

    BROKEN is in the list, but cannot be read. Tests change the images and trajectories.
    """

    def __init__(self) -> None:
        photo = codec.ImageMessage(np.zeros((1, 5, 6, 3), np.uint8))
        self.images_ = {"MR": make_image(1), "CT": make_image(2), "PHOTO": photo}
        self.trajectories_ = [TRAJECTORY, DRAIN]

    def images(self) -> list[codec.ImageMetaItem]:
        uint16, uint8 = codec.ScalarType.UINT16, codec.ScalarType.UINT8
        patient = {"patient_name": "Phantom, Head", "patient_id": "P1"}
        item = codec.ImageMetaItem
        return [
            item("Head T1", "MR", "MR", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Head", "CT", "CT", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Head", "BROKEN", "CT", size=(4, 3, 2), scalar_type=uint16, **patient),
            item("Photo", "PHOTO", "XC", size=(6, 5, 1), scalar_type=uint8),
        ]

    def image(self, image_id: str) -> codec.ImageMessage:
        if image_id not in self.images_:
            raise net.SourceError(f"slice 7 of {image_id} is missing")
        return self.images_[image_id]

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return self.trajectories_


@pytest.fixture
def scene() -> slicer.vtkMRMLScene:
    """An empty scene with the selection and interaction nodes that every scene of Slicer has."""
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)  # adds them; markups look for them
    return scene


@pytest.fixture
def hospital() -> Hospital:
    return Hospital()


@pytest.fixture
def server(hospital) -> Iterator[ServerInThread]:
    with ServerInThread(hospital) as server:
        yield server


@pytest.fixture
def unconnected(scene) -> Iterator[Browser]:
    browser = Browser(scene)
    yield browser
    browser.disconnect()


@pytest.fixture
def events(unconnected) -> list:
    """Everything that the browser has told so far."""
    events: list = []
    unconnected.add_observer(events.append)
    return events


@pytest.fixture
def browser(unconnected, events, server) -> Browser:
    """A browser that is connected to the hospital's server and has its list."""
    unconnected.connect(server.host, server.port)
    unconnected.wait_until_connected()
    unconnected.list_images()
    events.clear()
    return unconnected


def of_type(events, event_type):
    return [event for event in events if isinstance(event, event_type)]


def finish(browser):
    """Wait until the queue is empty. The calls that wait do the same steps as the window."""
    browser._step_until(lambda: not browser.queue and browser.image_in_transfer is None)


def voxels(node):
    return slicer.util.arrayFromVolume(node).ravel()[:3].tolist()


def patient_of(node):
    hierarchy = node.GetScene().GetSubjectHierarchyNode()
    return hierarchy.GetItemName(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)))


def points(node):
    return [tuple(node.GetNthControlPointPositionWorld(index)) for index in range(2)]


# Connection and list


def test_observers_hear_how_a_connection_is_made_used_and_left(unconnected, events, server):
    address = f"{server.host}:{server.port}"
    unconnected.connect(server.host, server.port)
    unconnected.wait_until_connected()
    entries = unconnected.list_images()
    unconnected.disconnect()
    assert [entry.id for entry in entries] == ["MR", "CT", "BROKEN", "PHOTO"]
    assert events == [
        Connecting(address),
        Connected(address),
        Asked(),
        Listed(entries),
        Disconnected(address, None),
    ]
    assert not unconnected.has_server
    assert unconnected.entries == []


def test_an_observer_that_was_removed_hears_nothing(browser, events):
    browser.remove_observer(events.append)
    browser.list_images()
    assert events == []


def test_what_needs_a_server_says_so_where_there_is_none(unconnected):
    for ask in (unconnected.list_images, unconnected.load_trajectories):
        with pytest.raises(BrowserError, match="connect to a server first"):
            ask()
    with pytest.raises(BrowserError, match="connect to a server first"):
        unconnected.request_images(["MR"])


@pytest.fixture
def closed_port() -> int:
    with net.Server(Hospital(), port=0) as server:
        return server.port


def test_a_connection_that_fails_says_why(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    with pytest.raises(net.ConnectionFailedError, match="refused; check the port"):
        unconnected.wait_until_connected()
    assert isinstance(events[-1], Disconnected)
    assert isinstance(events[-1].error, net.ConnectionFailedError)


def test_waiting_for_a_connection_that_failed_already_tries_again(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    unconnected._step_until(lambda: bool(of_type(events, Disconnected)))
    with pytest.raises(net.ConnectionFailedError, match="refused"):
        unconnected.wait_until_connected()


def test_a_list_that_does_not_come_fails(unconnected, events, closed_port):
    unconnected.connect("127.0.0.1", closed_port)
    with pytest.raises(net.ConnectionFailedError):
        unconnected.list_images()
    assert isinstance(events[-1], Failed)


# Images


def test_an_image_becomes_a_volume_that_knows_its_patient(browser, events):
    node = browser.load_image("MR")
    assert browser.node("MR") is node
    assert node.GetName() == "Head T1"
    assert voxels(node) == [1, 2, 3]
    attributes = {name: node.GetAttribute(name) for name in node.GetAttributeNames()}
    assert attributes == {
        "IGTLMetaBrowser.ImageId": "MR",
        "DICOM.PatientName": "Phantom, Head",
        "DICOM.PatientID": "P1",
        "DICOM.Modality": "MR",
        "DICOM.SeriesDescription": "Head T1",
    }
    assert patient_of(node) == "Phantom, Head"
    assert events[0] == ImageWaiting("MR")
    assert events[-1] == ImageLoaded("MR", node, [])


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
    assert browser.node("MR") is None
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


def test_a_colour_photograph_of_nobody_has_no_patient(browser):
    node = browser.load_image("PHOTO")
    assert node.GetClassName() == "vtkMRMLVectorVolumeNode"
    assert node.GetAttribute("DICOM.PatientName") is None


def test_metadata_that_comes_with_an_image_counts_more_than_the_list(unconnected):
    def serve_metadata(peer):
        peer.receive()
        image = replace(make_image(7), device_name="MR", header_version=2)
        image.metadata = {"PatientName": "Doe", "PatientID": "P9", "StudyInstanceUID": "1.2.3"}
        peer.send(image)

    with ScriptedServer(serve_metadata) as server:
        unconnected.connect("127.0.0.1", server.port)
        node = unconnected.load_image("MR")
    assert node.GetAttribute("DICOM.PatientID") == "P9"
    assert node.GetAttribute("DICOM.StudyInstanceUID") == "1.2.3"
    assert patient_of(node) == "Doe"


def test_the_user_may_overrule_the_coordinates(browser, hospital):
    hospital.images_["MR"] = codec.ImageMessage(
        np.zeros((1, 1, 1), np.uint8), np.column_stack([np.eye(3), (1.0, 2.0, 3.0)])
    )
    assert browser.load_image("MR").GetOrigin() == (1, 2, 3)
    browser.coordinates = codec.Coordinates.LPS
    assert browser.load_image("MR").GetOrigin() == (-1, -2, 3)


def test_images_are_loaded_one_after_the_other_and_a_failure_stops_none(browser, events):
    browser.request_images(["MR", "BROKEN", "CT", "MR", "PHOTO"])
    assert browser.image_in_transfer == "MR"
    assert browser.queue == ["BROKEN", "CT", "PHOTO"]  # MR is asked for once
    finish(browser)
    outcomes = [event for event in events if isinstance(event, ImageLoaded | ImageFailed)]
    assert [outcome.image_id for outcome in outcomes] == ["MR", "BROKEN", "CT", "PHOTO"]
    (failed,) = of_type(events, ImageFailed)
    assert isinstance(failed.error, net.RefusedError)
    assert "slice 7 of BROKEN is missing" in str(failed.error)


def test_an_image_that_cannot_be_loaded_raises(browser):
    with pytest.raises(net.RefusedError, match="slice 7 of BROKEN is missing"):
        browser.load_image("BROKEN")
    with pytest.raises(codec.EncodeError, match="the limit is 20"):
        browser.load_image("an id that is too long for OpenIGTLink")
    assert voxels(browser.load_image("CT")) == [2, 3, 4]


def test_a_bad_new_version_leaves_the_old_one_in_the_scene(browser, hospital):
    node = browser.load_image("MR")
    hospital.images_["MR"] = codec.ImageMessage(np.zeros((2, 3, 4)), np.full((3, 4), np.nan))
    with pytest.raises(SceneError, match="geometry"):
        browser.load_image("MR")
    assert browser.node("MR") is node
    assert voxels(node) == [1, 2, 3]


def slowly(image, go_on):
    """Script: answer with an image, the last 20 bytes when ``go_on`` is set; then serve well."""

    def script(peer):
        data = codec.pack(replace(image, device_name=peer.receive().device_name))
        peer.send(data[:-20])
        assert go_on.wait(PATIENCE)
        peer.send(data[-20:])
        serve_well(peer)

    return script


SMALL, LARGE = make_image(1), make_image(1, (64, 64, 64))


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_observers_see_an_image_arrive(unconnected, events, image):
    size = 72 + image.pixels.nbytes
    almost_all, go_on = ImageProgress("MR", size - 20, size), threading.Event()
    unconnected.add_observer(lambda event: event == almost_all and go_on.set())
    with ScriptedServer(slowly(image, go_on)) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.load_image("MR")
        unconnected.disconnect()
    assert almost_all in events


# Cancelling


def cancelled_ids(events):
    failed = of_type(events, ImageFailed)
    assert all(isinstance(event.error, net.CancelledError) for event in failed)
    return [event.image_id for event in failed]


def test_cancelling_ends_the_queue_and_keeps_the_connection(browser, events):
    browser.request_images(["MR", "CT", "PHOTO"])
    browser.cancel()
    assert cancelled_ids(events) == ["MR", "CT", "PHOTO"]
    assert browser.queue == []
    assert browser.image_in_transfer is None
    assert voxels(browser.load_image("CT")) == [2, 3, 4]
    assert of_type(events, Disconnected) == of_type(events, Connecting) == []
    assert browser.node("MR") is None


@pytest.mark.parametrize("image", [SMALL, LARGE], ids=["small", "large"])
def test_an_image_that_was_cancelled_on_its_way_can_be_loaded_again(unconnected, events, image):
    go_on = threading.Event()

    def cancel_once(event):
        if isinstance(event, ImageProgress) and not go_on.is_set():
            unconnected.cancel()
            go_on.set()

    unconnected.add_observer(cancel_once)
    with ScriptedServer(slowly(image, go_on)) as server:
        unconnected.connect("127.0.0.1", server.port)
        with pytest.raises(net.CancelledError):
            unconnected.load_image("MR")
        assert unconnected.node("MR") is None
        assert unconnected.load_image("MR") is unconnected.node("MR")
        assert voxels(unconnected.load_image("OTHER")) == [7, 8, 9]
        unconnected.disconnect()
    assert cancelled_ids(events) == ["MR"]
    assert len(of_type(events, Connected)) == 1


def test_leaving_the_server_cancels_what_waits_and_keeps_what_is_loaded(browser, events):
    node = browser.load_image("MR")
    browser.request_images(["CT", "PHOTO"])
    browser.disconnect()
    assert cancelled_ids(events) == ["CT", "PHOTO"]
    assert isinstance(events[-1], Disconnected)
    assert voxels(node) == [1, 2, 3]


def test_an_observer_may_leave_the_server(browser, events):
    def leave(event):
        if isinstance(event, ImageLoaded):
            browser.disconnect()

    browser.add_observer(leave)
    assert voxels(browser.load_image("MR")) == [1, 2, 3]
    assert isinstance(events[-1], Disconnected)


# A server that vanishes


def vanish(peer):
    """Script: leave in the middle of the first image."""
    image = replace(LARGE, device_name=peer.receive().device_name)
    peer.send(codec.pack(image)[:100_000])


def test_a_server_that_vanishes_within_an_image_is_reported_and_asked_again(unconnected, events):
    with ScriptedServer(vanish, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port)
        with pytest.raises(net.ConnectionLostError, match=r"in the middle of .*'MR'.*try again"):
            unconnected.load_image("MR")
        assert unconnected.node("MR") is None
        assert voxels(unconnected.load_image("MR")) == [7, 8, 9]
        unconnected.disconnect()
    heard = [type(event) for event in events if not isinstance(event, ImageProgress | Asked)]
    assert heard[2:7] == [Connected, Disconnected, ImageFailed, ImageWaiting, Connected]


def test_the_queue_goes_on_when_the_server_is_back(unconnected, events):
    with ScriptedServer(vanish, serve_well) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.request_images(["MR", "CT", "PHOTO"])
        finish(unconnected)
        unconnected.disconnect()
    assert [event.image_id for event in of_type(events, ImageFailed)] == ["MR"]
    assert [event.image_id for event in of_type(events, ImageLoaded)] == ["CT", "PHOTO"]


# Trajectories


def test_trajectories_become_markups(browser, events):
    nodes = browser.load_trajectories()
    assert [node.GetName() for node in nodes] == ["Left electrode", "Drain"]
    assert points(nodes[0]) == [(10, 20, 30), (-1.5, 0, 8.25)]
    assert events[-1] == TrajectoriesShown(nodes, [])


def test_trajectories_that_come_again_move_their_nodes(browser, hospital, scene):
    first = browser.load_trajectories()
    hospital.trajectories_ = [replace(DRAIN, entry=(7.0, 8.0, 9.0)), TRAJECTORY]
    second = browser.load_trajectories()
    assert second == [first[1], first[0]]
    assert points(first[1]) == [(7, 8, 9), (1, 2, 3)]
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsNode") == 2


def test_trajectories_that_are_called_the_same_are_all_shown(browser, hospital):
    hospital.trajectories_ = [TRAJECTORY, replace(TRAJECTORY, entry=(1.0, 1.0, 1.0))]
    first, second = browser.load_trajectories()
    assert points(first)[0] == (10, 20, 30)
    assert points(second)[0] == (1, 1, 1)
    assert browser.load_trajectories() == [first, second]


def test_a_trajectory_that_the_user_deleted_comes_back(browser, scene):
    first, second = browser.load_trajectories()
    scene.RemoveNode(first)
    new, same = browser.load_trajectories()
    assert same is second
    assert new.GetScene() is scene


def test_a_trajectory_that_cannot_be_shown_is_a_problem_and_the_others_are_shown(
    browser, hospital, events
):
    hospital.trajectories_ = [replace(DRAIN, type=9), TRAJECTORY]
    (node,) = browser.load_trajectories()
    assert node.GetName() == "Left electrode"
    (problem,) = events[-1].problems
    assert "'Drain' has the type 9" in problem


def test_trajectories_that_a_server_pushes_are_shown_and_images_are_not(
    unconnected, events, caplog
):
    def push(peer):
        peer.send(make_image(1), codec.TrajectoryMessage(items=[DRAIN]))
        peer.wait_until_closed()

    with caplog.at_level(logging.INFO), ScriptedServer(push) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected._step_until(lambda: bool(of_type(events, TrajectoriesShown)))
        unconnected.disconnect()
    (shown,) = of_type(events, TrajectoriesShown)
    assert shown.nodes[0].GetName() == "Drain"
    assert "IMAGE came without being asked for" in caplog.text
    assert of_type(events, ImageLoaded) == []


# What differs from the list


def test_an_image_that_differs_from_its_entry_is_shown_with_a_note(browser, hospital, events):
    hospital.images_["MR"] = codec.ImageMessage(np.zeros((2, 3, 5), np.float32))
    browser.load_image("MR")
    assert events[-1].notes == [
        "the list says 4 × 3 × 2 voxels, 5 × 3 × 2 came",
        "the list says uint16, float32 came",
    ]


def test_an_image_that_is_not_in_the_list_is_noted(browser, hospital, events):
    hospital.images_["NEW"] = make_image(9)
    assert browser.load_image("NEW").GetName() == "NEW"
    assert events[-1].notes == ["it is not in the list of images"]
