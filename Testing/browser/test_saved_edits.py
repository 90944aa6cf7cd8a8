"""An image whose voxels the user has edited and saved, and that is loaded again after that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import slicer

from helpers.hospital import Hospital, step_until, voxels
from helpers.one_patient import connect, get_overlays
from helpers.part_peers import large_image, parts_of, pixels_of
from helpers.peers import ScriptedServer, ServerInThread, make_image
from helpers.roi_nodes import roi_around
from helpers.saved_scene import load_scene, save_and_load, save_scene
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.scene.images import edited_voxels
from IGTLMetaBrowserLib.scene.images.edited_voxels import CHECKSUM_ATTRIBUTE
from IGTLMetaBrowserLib.scene.nodes.nodes_by_class import nodes_of_class

ARE_EDITED = pytest.mark.parametrize("is_edited", [True, False])


def edit(volume: Any) -> None:
    slicer.util.arrayFromVolume(volume)[0, 0, 0] = 99
    slicer.util.arrayFromVolumeModified(volume)


@contextmanager
def opened(path: Path, server: ServerInThread) -> Iterator[Browser]:
    """Open a scene that was saved, with a browser that has the server's list."""
    scene = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(scene)
    load_scene(scene, path)
    with closing(Browser(scene)) as later:
        connect(later, server).list_images()
        yield later


@ARE_EDITED
def test_it_stays_in_the_scene_that_is_opened(
    browser: Browser, hospital: Hospital, server: ServerInThread, tmp_path: Path, is_edited: bool
) -> None:
    volume = browser.load_image("CT")
    if is_edited:
        edit(volume)
    path = save_scene(browser.scene, tmp_path)
    hospital.images_["CT"] = make_image(10)
    with opened(path, server) as later:
        volume = later.images.node("CT")
        again = later.load_image("CT")
        assert (again is volume) is not is_edited
        assert voxels(again)[0] == 10
        assert (voxels(volume)[0] == 99) is is_edited
        assert bool(later.images.states.of("CT").notes) is is_edited


def test_it_stays_where_its_file_was_saved_without_the_scene(
    browser: Browser, server: ServerInThread, tmp_path: Path
) -> None:
    volume = browser.load_image("CT")
    path = save_scene(browser.scene, tmp_path)
    edit(volume)
    assert volume.GetStorageNode().WriteData(volume)
    with opened(path, server) as later:
        volume = later.images.node("CT")
        assert later.load_image("CT") is not volume
        assert voxels(volume)[0] == 99


def test_it_stays_if_it_was_edited_and_saved_after_it_was_opened(
    browser: Browser, server: ServerInThread, tmp_path: Path
) -> None:
    browser.load_image("CT")
    with opened(save_scene(browser.scene, tmp_path), server) as later:
        volume = later.images.node("CT")
        edit(volume)
        assert volume.GetStorageNode().WriteData(volume)
        assert later.load_image("CT") is not volume
        assert voxels(volume)[0] == 99


@pytest.mark.parametrize("is_same", [True, False])
def test_of_a_scene_of_before_it_is_as_it_came_if_the_same_comes(
    browser: Browser, hospital: Hospital, server: ServerInThread, tmp_path: Path, is_same: bool
) -> None:
    browser.load_image("CT").RemoveAttribute(CHECKSUM_ATTRIBUTE)
    path = save_scene(browser.scene, tmp_path)
    if not is_same:
        hospital.images_["CT"] = make_image(10)
    with opened(path, server) as later:
        volume = later.images.node("CT")
        assert (later.load_image("CT") is volume) is is_same
        assert voxels(volume)[0] == 2


@ARE_EDITED
def test_a_label_map_stays_too(
    unconnected: Browser, clinic_server: ServerInThread, tmp_path: Path, is_edited: bool
) -> None:
    connect(unconnected, clinic_server).list_images()
    get_overlays(unconnected)
    if is_edited:
        edit(unconnected.images.node("L"))
    with opened(save_scene(unconnected.scene, tmp_path), clinic_server) as later:
        label_map = later.images.node("L")
        get_overlays(later)
        assert (later.images.node("L") is label_map) is not is_edited
        assert (voxels(label_map)[0] == 99) is is_edited


@ARE_EDITED
def test_a_region_stays_too(
    unconnected: Browser, scene: Any, tmp_path: Path, is_edited: bool
) -> None:
    image = large_image()
    with ScriptedServer(parts_of(image), parts_of(image)) as server:
        unconnected.connect("127.0.0.1", server.port)
        region = unconnected.load_region("CT", roi_around(scene, image))
        if is_edited:
            pixels_of(region)[:] = 0
            slicer.util.arrayFromVolumeModified(region)
        unconnected.disconnect()
        with closing(Browser(save_and_load(scene, tmp_path))) as later:
            later.connect("127.0.0.1", server.port)
            (region,) = nodes_of_class(later.scene, "vtkMRMLScalarVolumeNode")
            roi = roi_around(later.scene, image)
            assert (later.load_region("CT", roi) is region) is not is_edited
            assert pixels_of(region).any() is not is_edited


def test_what_is_noted_for_that_takes_turns_and_keeps_no_volume(
    browser: Browser, events: list, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edited_voxels, "_PIECE", 4)
    browser.request_images(["CT"])
    step_until(browser, lambda: browser.images.node("CT") is not None, "the image")
    edited_voxels.check(0.0)
    assert edited_voxels.is_checking()
    assert browser.next_deadline == 0.0
    scene.RemoveNode(browser.images.node("CT"))
    events.clear()  # which have it, too
    edited_voxels.check(0.0)
    assert not edited_voxels.is_checking()
