"""Who hears of an event may do anything: leave the server, ask again, close the scene."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from helpers.hospital import Hospital, finish, of_type, step_until, step_until_event, voxels
from helpers.live_frames import frame, stream
from helpers.peers import ScriptedServer, ServerInThread, make_image
from hostile.rig import WAYS
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser import events as told
from IGTLMetaBrowserLib.browser.errors import BrowserError
from IGTLMetaBrowserLib.scene.server_nodes.attributes import SERVER_ATTRIBUTE

IDS = ["MR", "CT"]
SHADES = {"MR": 50, "CT": 60}


class Clinic(Hospital):
    """It has other images under the same ids, and points."""

    def __init__(self) -> None:
        super().__init__()
        self.images_ = {image_id: make_image(shade) for image_id, shade in SHADES.items()}

    def points(self) -> list[codec.PointItem]:
        return [codec.PointItem(f"Point {n}", f"Group {n}") for n in range(5)]


@pytest.fixture
def clinic() -> Iterator[ServerInThread]:
    with ServerInThread(Clinic()) as server:
        yield server


def once(browser: Any, event_type: type, act: Callable[[], None]) -> list[Any]:
    """Do something at the first event of a type; return it when it has come."""
    heard: list[Any] = []

    def on_event(event: Any) -> None:
        if not heard:
            heard.append(event)
            act()

    browser.add_observer(on_event, event_type)
    return heard


EVENTS = [told.Asked, told.ImagesWaiting, told.ImageProgress, told.VolumeAdding, told.ImageLoaded]
EVENTS_IN_PARTS = [*EVENTS, told.VolumeChanging, told.PreviewShown]


@pytest.mark.parametrize(
    ("event_type", "in_parts"),
    [*((one, False) for one in EVENTS), *((one, True) for one in EVENTS_IN_PARTS)],
)
def test_no_image_comes_into_the_scene_as_that_of_the_server_that_was_chosen_meanwhile(
    browser, events, scene, clinic, event_type, in_parts
):
    choose = lambda: browser.connect(clinic.host, clinic.port)  # noqa: E731
    with WAYS["plain browser in parts" if in_parts else "plain browser"].use():
        browser.images.downloads.parts.keeps_previews = False
        client = browser.connection.client
        step_until(browser, lambda: client.offers_parts is not None, "what the server offers")
        heard = once(browser, event_type, choose)
        browser.request_images(IDS)
        finish(browser)
        assert heard
        step_until(browser, lambda: browser.connection.is_connected, "the other server")
        assert all(state.status.name != "LOADED" for state in browser.images.states.by_id.values())
        count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        nodes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
        assert browser.connection.address not in [n.GetAttribute(SERVER_ATTRIBUTE) for n in nodes]
        for image_id in IDS:
            assert voxels(browser.load_image(image_id))[0] == SHADES[image_id]
    waiting = [one for event in of_type(events, told.ImagesWaiting) for one in event.image_ids]
    loaded = [event.image_id for event in of_type(events, told.ImageLoaded)]
    cancelled = [one for event in of_type(events, told.ImagesCancelled) for one in event.image_ids]
    assert sorted(waiting) == sorted(loaded + cancelled)  # each ends in one way


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_script_can_wait_for_another_image_as_one_comes(browser, event_type):
    nodes = []
    once(browser, event_type, lambda: nodes.append(browser.load_image("CT")))
    nodes.append(browser.load_image("MR"))
    assert [voxels(node)[0] for node in nodes] == [2, 1]


@pytest.mark.parametrize("event_type", [told.ImageProgress, told.VolumeAdding])
def test_a_server_can_be_left_as_its_image_comes(browser, events, event_type):
    heard = once(browser, event_type, browser.disconnect)
    browser.request_images(IDS)
    step_until(browser, lambda: not browser.connection.has_server, "the end")
    assert heard
    assert browser.images.states.by_id == {}
    assert of_type(events, told.ImageLoaded) == []
    browser.step()


def test_what_is_asked_for_as_the_server_is_left_is_refused_and_the_next_one_serves(
    browser, clinic, monkeypatch
):
    reported = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: reported.append(error))
    once(browser, told.ImagesCancelled, lambda: browser.request_images(["PHOTO"]))
    browser.request_images(IDS)
    browser.connect(clinic.host, clinic.port)
    assert isinstance(reported[0], BrowserError)
    assert "the server is being left" in str(reported[0])
    assert voxels(browser.load_image("MR"))[0] == SHADES["MR"]


def test_who_connects_as_it_hears_that_a_server_was_left_leaves_no_connection(
    browser, server, clinic
):
    clients = []
    once(browser, told.Disconnected, lambda: browser.connect(server.host, server.port))
    once(browser, told.Connecting, lambda: clients.append(browser.connection.client))
    browser.connect(clinic.host, clinic.port)
    browser.wait_until_connected()
    assert browser.connection.host_and_port == (clinic.host, clinic.port)
    assert (clients[0].port, clients[0].socket) == (server.port, None)


def test_the_scene_can_be_closed_as_a_node_comes_into_it(unconnected, events, scene, clinic):
    unconnected.connect(clinic.host, clinic.port)
    unconnected.wait_until_connected()
    unconnected.overlays.request_points()
    closed = []

    def close_scene(*_: Any) -> None:
        if not closed and scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode"):
            closed.append(True)
            scene.Clear(0)

    tag = scene.AddObserver(scene.NodeAddedEvent, close_scene)
    step_until(unconnected, lambda: bool(closed), "the points")
    scene.RemoveObserver(tag)
    step_until(unconnected, lambda: not unconnected.overlays.is_showing, "the end")
    unconnected.overlays.request_points()
    assert len(step_until_event(unconnected, events, told.PointsShown, 2).nodes) == 5


def test_a_script_hears_that_the_scene_was_closed_as_its_trajectories_came(browser, scene):
    def close_scene(*_: Any) -> None:
        if scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"):
            scene.Clear(0)

    tag = scene.AddObserver(scene.NodeAddedEvent, close_scene)
    with pytest.raises(BrowserError, match=r"the scene was closed .* try again"):
        browser.load_trajectories()
    scene.RemoveObserver(tag)
    assert len(browser.load_trajectories()) == 2


def test_a_recording_can_be_stopped_as_it_is_started(unconnected, sequences):
    recordings = unconnected.images.recordings
    once(unconnected, told.RecordingStarted, lambda: recordings.stop("Ultrasound"))
    assert not recordings.start("Ultrasound").is_recording
    assert recordings.current == {}


def test_a_live_image_is_none_of_the_server_that_was_chosen_as_its_node_came(
    unconnected, events, scene, clinic
):
    done = []

    def choose(*_: Any) -> None:
        if not done:
            done.append(True)
            unconnected.connect(clinic.host, clinic.port)

    with ScriptedServer(stream(frame(1, "MR"))) as server:
        unconnected.connect("127.0.0.1", server.port)
        tag = scene.AddObserver(scene.NodeAddedEvent, choose)
        step_until(unconnected, lambda: bool(done), "the stream")
        scene.RemoveObserver(tag)
        assert unconnected.images.live.states == {}
        assert unconnected.images.states.by_id == {}
        assert of_type(events, told.LiveImage) == []
        unconnected.disconnect()


@pytest.mark.parametrize(
    ("image_id", "class_name"),
    [
        ("MR", "ScalarVolume"),
        ("MR", "ScalarVolumeDisplay"),
        ("PHOTO", "VectorVolume"),
        ("PHOTO", "VectorVolumeDisplay"),
    ],
)
def test_the_scene_can_be_closed_as_a_volume_comes_into_it(
    browser, events, scene, image_id, class_name
):
    """The image is not shown, and says why; it can be loaded again."""
    closed = []

    def close_scene(*_: Any) -> None:
        if not closed and scene.GetNumberOfNodesByClass(f"vtkMRML{class_name}Node"):
            closed.append(True)
            scene.Clear(0)

    tag = scene.AddObserver(scene.NodeAddedEvent, close_scene)
    browser.request_images([image_id])
    failed = step_until_event(browser, events, told.ImageFailed)
    scene.RemoveObserver(tag)
    assert closed
    assert "its node was removed as it came into the scene" in str(failed.error)
    assert of_type(events, told.ImageLoaded) == []
    assert browser.load_image(image_id) is browser.images.node(image_id)
