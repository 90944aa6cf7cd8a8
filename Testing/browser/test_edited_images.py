"""An image whose voxels the user has edited in the scene, and that is loaded again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer

from helpers.hospital import Hospital, voxels
from helpers.one_patient import Clinic, connect, get_overlays, owned_nodes
from helpers.peers import ServerInThread, make_image
from helpers.saved_scene import load_scene, save_and_load, save_scene
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.scene.images.volumes import image_data
from IGTLMetaBrowserLib.scene.nodes.nodes_by_class import nodes_of_class


def write_into(volume: Any) -> None:
    """As a script does."""
    slicer.util.arrayFromVolume(volume)[0, 0, 0] = 99
    slicer.util.arrayFromVolumeModified(volume)


def replace_voxels(volume: Any) -> None:
    """As Segment Editor's "Mask volume" does where its output is its input."""
    edited = slicer.util.arrayFromVolume(volume).copy()
    edited[0, 0, 0] = 99
    volume.SetAndObserveImageData(image_data(edited))


EDITS = pytest.mark.parametrize("edit", [write_into, replace_voxels])


@EDITS
def test_it_stays_as_the_users_own_beside_a_new_one(
    browser: Browser, edit: Callable[[Any], None]
) -> None:
    volume = browser.load_image("CT")
    name, came = volume.GetName(), voxels(volume)
    edit(volume)
    again = browser.load_image("CT")
    assert browser.images.node("CT") is again
    assert (voxels(volume)[0], volume.GetName()) == (99, name)
    assert (voxels(again), again.GetName()) == (came, f"{name}_1")
    (note,) = browser.images.states.of("CT").notes
    assert f"may have been changed in the scene: '{name}' stays as it is, and is yours" in note
    assert browser.load_image("CT") is again
    assert browser.images.states.of("CT").notes == ()


def test_who_has_changed_nothing_of_it_gets_no_other_volume(browser: Browser) -> None:
    volume = browser.load_image("CT")
    slicer.util.arrayFromVolumeModified(volume)
    assert browser.load_image("CT") is volume
    assert browser.images.states.of("CT").notes == ()


def test_nor_where_voxels_are_no_numbers(browser: Browser, hospital: Hospital) -> None:
    image = hospital.images_["CT"]
    pixels = image.pixels.astype(np.float32)
    pixels[0, 0, 0] = np.nan
    hospital.images_["CT"] = replace(image, pixels=pixels)
    browser.list_images()
    volume = browser.load_image("CT")
    slicer.util.arrayFromVolumeModified(volume)
    assert browser.load_image("CT") is volume


@pytest.mark.parametrize("is_edited", [True, False])
def test_what_was_removed_and_is_back_stays_as_it_was(browser: Browser, is_edited: bool) -> None:
    volume, scene = browser.load_image("CT"), browser.scene
    scene.SetUndoOn()
    volume.SetUndoEnabled(True)
    if is_edited:
        write_into(volume)
    scene.SaveStateForUndo()
    scene.RemoveNode(volume)
    scene.Undo()
    back = browser.images.node("CT")
    assert (browser.load_image("CT") is back) is not is_edited
    assert (voxels(back)[0] == 99) is is_edited


def test_what_another_browser_has_loaded_is_no_work_of_the_users(
    browser: Browser, late: Browser, hospital: Hospital, server: ServerInThread
) -> None:
    volume = browser.load_image("CT")
    late.connect(server.host, server.port)
    late.list_images()
    for number, one in enumerate([late, browser, late]):
        hospital.images_["CT"] = make_image(10 + number)
        assert one.load_image("CT") is volume
    write_into(volume)
    assert browser.load_image("CT") is not volume


def test_nor_is_what_came_after_it_was_saved(
    browser: Browser, late: Browser, hospital: Hospital, server: ServerInThread, tmp_path: Path
) -> None:
    volume = browser.load_image("CT")
    save_scene(browser.scene, tmp_path)
    hospital.images_["CT"] = make_image(10)
    browser.load_image("CT")
    late.connect(server.host, server.port)
    late.list_images()
    hospital.images_["CT"] = make_image(11)
    assert late.load_image("CT") is volume


@pytest.mark.parametrize("is_described", [True, False])
def test_what_a_stream_writes_is_no_work_of_the_users(
    browser: Browser, hospital: Hospital, is_described: bool
) -> None:
    volume = browser.load_image("PHOTO")
    image = hospital.images_["PHOTO"]
    live = replace(image, device_name="PHOTO", pixels=image.pixels + 1)
    if is_described:
        browser._in_scene.show_live(live, is_described)
    else:
        browser._in_scene.show_live_voxels(live)
    assert browser.load_image("PHOTO") is volume


def test_nor_does_a_stream_that_begins_write_over_what_the_user_has_edited(
    browser: Browser, hospital: Hospital
) -> None:
    """Or what a server sends unasked would take the user's work along."""
    volume = browser.load_image("CT")
    write_into(volume)
    live = replace(hospital.images_["CT"], device_name="CT")
    node = browser._in_scene.show_live(live, is_described=True)
    assert (node is volume, voxels(volume)[0]) == (False, 99)
    assert browser.images.node("CT") is node is browser._in_scene.show_live(live, True)


def test_in_a_scene_that_was_opened_a_stream_goes_on_in_its_volume(
    browser: Browser, hospital: Hospital, tmp_path: Path
) -> None:
    live = replace(hospital.images_["CT"], device_name="CT")
    browser._in_scene.show_live(live, is_described=True)
    path = save_scene(browser.scene, tmp_path)
    browser.scene.Clear(0)
    load_scene(browser.scene, path)
    volume = browser.images.node("CT")
    next_one = replace(live, pixels=live.pixels + 1)
    assert browser._in_scene.show_live(next_one, is_described=True) is volume


@pytest.mark.parametrize("is_edited", [True, False])
def test_a_part_that_is_pushed_makes_nothing_else_the_servers(
    browser: Browser, hospital: Hospital, is_edited: bool
) -> None:
    volume = browser.load_image("CT")
    if is_edited:
        write_into(volume)
    image = hospital.images_["CT"]
    part = {"size": (4, 3, 2), "offset": (0, 0, 1), "pixels": image.pixels[1:] + 50}
    pushed = replace(image, device_name="CT", **part)
    for is_described in (True, False):
        browser._in_scene.show_live(pushed, is_described)
    assert np.array_equal(slicer.util.arrayFromVolume(volume)[1:], pushed.pixels)
    again = browser.load_image("CT")
    assert (again is volume) is not is_edited
    assert (voxels(volume)[0] == 99) is is_edited
    assert np.array_equal(slicer.util.arrayFromVolume(again), image.pixels)


@pytest.mark.parametrize("is_edited", [True, False])
def test_in_a_scene_that_was_saved_it_stays_as_well(
    browser: Browser, scene: Any, server: ServerInThread, tmp_path: Path, is_edited: bool
) -> None:
    browser.load_image("CT")
    with closing(Browser(save_and_load(scene, tmp_path))) as later:
        (volume,) = nodes_of_class(later.scene, "vtkMRMLScalarVolumeNode")
        if is_edited:
            write_into(volume)
        later.connect(server.host, server.port)
        assert (later.load_image("CT") is volume) is not is_edited
        assert (voxels(volume)[0] == 99) is is_edited


@EDITS
def test_a_label_map_stays_too(clinic_browser: Browser, edit: Callable[[Any], None]) -> None:
    get_overlays(clinic_browser)
    label_map = clinic_browser.images.node("L")
    edit(label_map)
    again = clinic_browser.load_image("L")
    assert voxels(again) == [1, 1, 1]
    assert (voxels(label_map), label_map.GetName()) == ([99, 1, 1], "Tumor")
    assert "'Tumor' stays as it is, and is yours" in clinic_browser.images.states.of("L").notes[0]
    assert clinic_browser.load_image("L") is again


def test_what_belongs_to_the_image_is_where_the_new_one_is(clinic_browser: Browser) -> None:
    scene, volume = clinic_browser.scene, clinic_browser.load_image("0")
    get_overlays(clinic_browser)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode").GetID()
    volume.SetAndObserveTransformNodeID(transform)
    write_into(volume)
    again = clinic_browser.load_image("0")
    places = [node.GetTransformNodeID() for node in owned_nodes(scene)]
    assert places == [None] * 4
    again.SetAndObserveTransformNodeID(transform)
    assert [node.GetTransformNodeID() for node in owned_nodes(scene)] == [transform] * 4


def test_the_patient_of_what_stays_is_hidden_as_well(
    clinic_browser: Browser, clinic: Clinic
) -> None:
    clinic.is_said = True
    volume = clinic_browser.load_image("0")
    write_into(volume)
    volume.SetName("Smith, masked")
    clinic_browser.load_image("0")
    clinic_browser.patients.hide()
    said = [volume.GetName(), *map(volume.GetAttribute, volume.GetAttributeNames())]
    assert [text for text in said if "Smith" in text] == []


@pytest.fixture
def clinic_browser(unconnected: Browser, clinic_server: ServerInThread) -> Browser:
    """A browser that has the list of an image to which all belongs that can."""
    connect(unconnected, clinic_server).list_images()
    return unconnected
