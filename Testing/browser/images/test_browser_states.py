"""In which state an image is, from the list to the scene and out of it again."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np

from helpers.hospital import finish, of_type, voxels
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.events import (
    Disconnected,
    ImagesCancelled,
    ImageState,
    ImageStatus,
    NodeRemoved,
)
from IGTLMetaBrowserLib.browser.images.image_states import ImageStates


def test_an_image_is_waiting_then_loading_then_loaded(browser):
    states = []

    def note(event):
        state = browser.images.states.of("CT")
        if not states or state != states[-1]:
            states.append(state)

    browser.add_observer(note)
    assert browser.images.states.of("CT") == ImageState()
    browser.request_images(["MR", "CT"])
    finish(browser)
    statuses = [state.status for state in states]
    assert list(dict.fromkeys(statuses)) == [
        ImageStatus.WAITING,
        ImageStatus.LOADING,
        ImageStatus.LOADED,
    ]
    before_the_end = states[-2]
    assert before_the_end.received == before_the_end.size > 0
    assert set(browser.images.states.by_id) == {"MR", "CT"}


def test_a_failed_image_says_why_and_an_earlier_version_is_noted(browser, hospital):
    del hospital.images_["CT"]
    browser.request_images(["MR", "CT"])
    finish(browser)
    assert browser.images.states.of("CT").status is ImageStatus.FAILED
    assert "slice 7 of CT is missing" in browser.images.states.of("CT").reason
    assert browser.images.states.of("CT").notes == ()

    del hospital.images_["MR"]
    browser.request_images(["MR"])
    finish(browser)
    assert browser.images.states.of("MR").status is ImageStatus.FAILED
    assert browser.images.states.of("MR").notes == ("an earlier version of it is in the scene",)
    assert voxels(browser.images.node("MR")) == [1, 2, 3]


def test_an_image_that_differs_is_still_loaded_when_the_user_comes_back(browser, hospital, server):
    hospital.images_["MR"] = codec.ImageMessage(np.zeros((2, 3, 5), np.uint16))
    browser.load_image("MR")
    loaded = browser.images.states.of("MR")
    browser.disconnect()
    assert browser.images.states.by_id == {}
    browser.connect(server.host, server.port)
    assert browser.images.states.by_id == {"MR": loaded}
    assert browser.images.loaded_ids() == ["MR"]


def test_a_volume_that_the_user_deletes_is_not_loaded(browser, events, hospital, scene):
    browser.request_images(["MR", "CT", "PHOTO"])
    finish(browser)
    del hospital.images_["CT"]
    browser.request_images(["CT"])
    finish(browser)
    for image_id in ("MR", "CT"):
        scene.RemoveNode(browser.images.node(image_id))
    # Slicer removes the display node of a volume as well.
    removed = [event.image_ids for event in of_type(events, NodeRemoved) if event.image_ids]
    assert removed == [["MR"], ["CT"]]
    assert browser.images.states.of("MR") == ImageState()
    assert browser.images.states.of("CT").status is ImageStatus.FAILED
    assert browser.images.states.of("CT").notes == ()
    assert browser.images.states.of("PHOTO").status is ImageStatus.LOADED


def test_a_scene_that_is_closed_cancels_and_keeps_the_connection(browser, events, scene):
    browser.load_image("MR")
    browser.request_images(["CT", "PHOTO"])
    scene.Clear()
    assert of_type(events, ImagesCancelled) == [ImagesCancelled(["CT", "PHOTO"])]
    assert {image_id: state.status for image_id, state in browser.images.states.by_id.items()} == {
        "CT": ImageStatus.CANCELLED,
        "PHOTO": ImageStatus.CANCELLED,
    }
    assert voxels(browser.load_image("MR")) == [1, 2, 3]
    assert of_type(events, Disconnected) == []


def test_only_for_what_shows_images_it_is_looked_which_are_there(browser, events, scene):
    image = browser.load_image("MR")
    lines = browser.load_trajectories()
    with patch.object(ImageStates, "remove_all_but", return_value=[]) as look:
        for node in (*lines, image.GetDisplayNode()):
            scene.RemoveNode(node)
        assert len(of_type(events, NodeRemoved)) >= len(lines) + 1
        assert look.call_count == 0
    scene.RemoveNode(image)
    assert browser.images.states.of("MR") == ImageState()
