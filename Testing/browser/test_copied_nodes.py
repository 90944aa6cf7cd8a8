"""Copies that the user makes of nodes, as by Clone or Mask volume, are never written over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import slicer
from vtkmodules.vtkCommonDataModel import vtkImageData

from helpers.copied_nodes import copy_of
from helpers.hospital import voxels
from helpers.one_patient import JONES, Clinic, connect, get_overlays, owned_nodes
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import Failed, ImageStatus
from IGTLMetaBrowserLib.scene.server_nodes.attributes import (
    IMAGE_ID_ATTRIBUTE,
    KEY_ATTRIBUTE,
)


def is_found(node: Any) -> bool:
    """Whether a node is one that a server's answer comes into."""
    return bool(node.GetAttribute(IMAGE_ID_ATTRIBUTE) or node.GetAttribute(KEY_ATTRIBUTE))


def masked_copy_of(volume: Any) -> Any:
    copy, data = copy_of(volume), vtkImageData()
    data.DeepCopy(volume.GetImageData())
    data.GetPointData().GetScalars().Fill(77)
    copy.SetAndObserveImageData(data)
    return copy


def connect_again(browser: Browser, server: ServerInThread) -> None:
    browser.connect(server.host, server.port)
    browser.list_images()


@pytest.mark.parametrize("is_removed_last", [True, False])
def test_a_masked_copy_is_kept_when_the_image_is_removed_and_loaded_again(
    browser: Browser, scene: slicer.vtkMRMLScene, server: ServerInThread, is_removed_last: bool
) -> None:
    volume = browser.load_image("CT")
    if is_removed_last:  # others of the class have been looked at before
        scene.RemoveNode(browser.load_image("MR"))
    copy = masked_copy_of(volume)
    scene.RemoveNode(volume)
    connect_again(browser, server)
    assert browser.images.states.of("CT").status is ImageStatus.NOT_LOADED
    assert browser.load_image("CT") is not copy
    assert (copy.GetName(), voxels(copy)[0]) == ("Mine", 77)


def test_a_copied_trajectory_is_kept_too(
    browser: Browser, scene: slicer.vtkMRMLScene, server: ServerInThread
) -> None:
    line, _ = browser.load_trajectories()
    copy = copy_of(line)
    copy.SetNthControlPointPosition(0, 7.0, 7.0, 7.0)
    scene.RemoveNode(line)
    connect_again(browser, server)
    assert copy not in browser.load_trajectories()
    assert tuple(copy.GetNthControlPointPosition(0)) == (7, 7, 7)


def test_so_are_copies_of_what_belongs_to_the_image_of_the_patient_before(
    unconnected: Browser, clinic: Clinic, clinic_server: ServerInThread
) -> None:
    """They would become the next patient's, as what they are copies of is the user's own now."""
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image("0")
    get_overlays(unconnected)
    copies = [*map(copy_of, owned_nodes(unconnected.scene))]
    assert len(copies) == 4
    clinic.patient = JONES
    unconnected.list_images()
    unconnected.load_image("0")
    get_overlays(unconnected)
    assert [one.GetName() for one in copies if is_found(one)] == []
    markups = [one for one in copies if one.IsA("vtkMRMLMarkupsNode")]
    ends = {one.GetNthControlPointPosition(one.GetNumberOfControlPoints() - 1) for one in markups}
    assert ends == {(1, 0, 0)}
    assert {*markups}.isdisjoint(unconnected.trajectories.nodes)


def test_of_a_scene_that_is_added_twice_the_second_copy_of_each_node_is_the_user_s(
    unconnected: Browser, clinic: Clinic, clinic_server: ServerInThread, tmp_path: Path
) -> None:
    """Or one of two plans that look the same would follow the server."""
    scene, told = unconnected.scene, []
    unconnected.add_observer(lambda event: told.append(str(event.error)), Failed)
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image("0")
    get_overlays(unconnected)
    path = save_scene(scene, tmp_path)
    scene.Clear()
    load_scene(scene, path)
    assert told == []
    nodes = {*owned_nodes(scene), unconnected.images.node("0")}
    load_scene(scene, path)
    copies = {*owned_nodes(scene), *scene.GetNodesByClass("vtkMRMLScalarVolumeNode")} - nodes
    assert len(copies) == len(nodes) == 5
    assert not any(map(is_found, copies))
    assert all(map(is_found, nodes))
    assert "Head, Left, Points and 2 more a second time" in told.pop()
    assert not told
    for node in nodes:
        scene.RemoveNode(node)
    get_overlays(unconnected)
    assert unconnected.load_image("0") not in copies
    assert copies.isdisjoint(unconnected.trajectories.nodes)


def test_the_image_stays_the_server_s_when_a_copy_is_removed(
    browser: Browser, scene: slicer.vtkMRMLScene, server: ServerInThread
) -> None:
    volume = browser.load_image("CT")
    scene.RemoveNode(copy_of(volume))
    later = Browser(scene)
    later.connect(server.host, server.port)
    assert later.images.node("CT") is volume
    later.close()
