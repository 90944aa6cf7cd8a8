"""The browser observes its scene: its state is changed before others are notified."""

from __future__ import annotations

import gc
import weakref

import pytest
import slicer

from helpers.hospital import Hospital, of_type
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import (
    NodeRemoved,
    SceneClosed,
    SceneClosing,
    SceneImported,
)


def test_a_node_that_is_removed_is_no_longer_loaded_when_observers_are_notified(browser, scene):
    node, seen = browser.load_image("MR"), []
    browser.add_observer(lambda event: seen.append((event, browser.images.loaded_ids())))
    scene.RemoveNode(node)
    assert (NodeRemoved(["MR"]), []) in seen


def test_closing_a_scene_is_one_event_before_and_one_after(browser, events, scene):
    browser.load_image("MR")
    events.clear()
    scene.Clear()
    assert events == [SceneClosing(), SceneClosed()]
    assert browser.images.loaded_ids() == []


def test_a_saved_scene_that_is_loaded_is_adopted_before_observers_are_notified(
    browser, scene, tmp_path
):
    node = browser.load_image("MR")
    storage = scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
    node.SetAndObserveStorageNodeID(storage.GetID())
    storage.SetFileName(str(tmp_path / "MR.nrrd"))
    assert storage.WriteData(node)
    scene.SetURL(str(tmp_path / "scene.mrml"))
    assert scene.Commit()
    scene.Clear()
    loaded = []
    browser.add_observer(lambda _: loaded.extend(browser.images.loaded_ids()), SceneImported)
    scene.Import()
    assert loaded == ["MR"]


def test_an_observer_of_some_types_is_called_with_no_others(browser, scene):
    closed = []
    browser.add_observer(closed.append, (SceneClosed, SceneImported))
    scene.Clear()
    assert closed == [SceneClosed()]
    browser.remove_observer(closed.append)
    scene.Clear()
    assert closed == [SceneClosed()]


@pytest.fixture
def no_garbage_collection():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_closed_browser_is_freed_with_its_scene_and_voxels_at_once():
    scene = slicer.vtkMRMLScene()
    browser, told = Browser(scene), []
    browser.add_observer(told.append)
    with ServerInThread(Hospital()) as server:
        browser.connect(server.host, server.port)
        browser.list_images()
        voxels = weakref.ref(browser.load_image("MR").GetImageData())
        browser.load_trajectories()
        browser.metadata.calibrate("MR", (0.5, 0.5))
        browser.close()
    parts = [browser, browser.images, browser.trajectories, browser.metadata, browser.connection]
    references = [weakref.ref(part) for part in parts]
    told.clear()  # events have nodes
    parts.clear()
    del browser, scene
    assert [reference() for reference in references] == [None] * 5
    assert voxels() is None


def test_a_browser_that_nobody_closed_is_freed_by_the_garbage_collector(scene):
    browser = Browser(scene)
    reference = weakref.ref(browser)
    del browser
    gc.collect()
    assert reference() is None
    scene.Clear()  # its callbacks are still there, and do nothing


def test_a_closed_browser_observes_its_scene_no_longer(unconnected, events, scene):
    unconnected.close()
    scene.Clear()
    assert of_type(events, SceneClosed) == []
