"""Copies that the user makes of nodes, as by Clone or Mask volume, are never written over."""

from __future__ import annotations

from typing import Any

import pytest
import slicer
from vtkmodules.vtkCommonDataModel import vtkImageData

from helpers.hospital import voxels
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageStatus


def copy_of(node: Any) -> Any:
    """Copy a node with its attributes, as vtkSlicerVolumesLogic::CloneVolume does."""
    scene = node.GetScene()
    copy = scene.CreateNodeByClass(node.GetClassName())
    copy.UnRegister(None)
    copy.CopyWithScene(node)
    copy.SetName("Mine")
    return scene.AddNode(copy)


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
    assert browser.images.state("CT").status is ImageStatus.NOT_LOADED
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


def test_the_image_stays_the_server_s_when_a_copy_is_removed(
    browser: Browser, scene: slicer.vtkMRMLScene, server: ServerInThread
) -> None:
    volume = browser.load_image("CT")
    scene.RemoveNode(copy_of(volume))
    later = Browser(scene)
    later.connect(server.host, server.port)
    assert later.images.node("CT") is volume
    later.close()
