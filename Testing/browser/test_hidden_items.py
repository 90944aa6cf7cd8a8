"""Items of the subject hierarchy, while patients are hidden, and what the user calls them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import slicer
from vtkmodules.vtkCommonCore import vtkIdList

from helpers.hospital import Hospital, parents
from helpers.names_in_ids import GROUP, IMAGE, LABELS, clinic, loaded
from helpers.one_patient import SMITH, connect, get_overlays
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib.browser.browser import Browser

__all__ = ["clinic", "loaded"]

HIDDEN_GROUP = "Plan of (hidden)"


def items(scene: slicer.vtkMRMLScene) -> dict[int, str]:
    """Titles and attributes of all items that have no node: patients, studies and folders."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    found = vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), found, True)
    return {
        item: [
            hierarchy.GetItemName(item),
            *(
                hierarchy.GetItemAttribute(item, one)
                for one in hierarchy.GetItemAttributeNames(item)
            ),
        ]
        for item in map(found.GetId, range(found.GetNumberOfIds()))
        if hierarchy.GetItemDataNode(item) is None
    }


def titles(scene: slicer.vtkMRMLScene) -> list[str]:
    return [texts[0] for texts in items(scene).values()]


def rename(scene: slicer.vtkMRMLScene, before: str, now: str) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    (item,) = (item for item, (title, *_) in items(scene).items() if title == before)
    hierarchy.SetItemName(item, now)


def names_somebody(scene: slicer.vtkMRMLScene) -> bool:
    return any(word in str(items(scene)) for word in SMITH)


def test_hidden_the_folder_of_a_group_names_nobody_and_shown_it_is_as_before(loaded: Browser):
    before = items(loaded.scene)
    assert GROUP in titles(loaded.scene)
    for _ in range(2):
        loaded.patients.hide()
        assert HIDDEN_GROUP in titles(loaded.scene)
        assert not names_somebody(loaded.scene)
        loaded.patients.hide(False)
        assert items(loaded.scene) == before


@pytest.mark.parametrize("is_image_first", [True, False], ids=["beside the image", "before it"])
def test_one_that_is_made_meanwhile_says_all_when_they_are_shown(
    is_image_first: bool, unconnected: Browser, clinic_server: ServerInThread
):
    unconnected.patients.hide()
    connect(unconnected, clinic_server).list_images()
    if is_image_first:
        unconnected.load_image(IMAGE)
    unconnected.load_trajectories()
    unconnected.load_image(IMAGE)
    assert HIDDEN_GROUP in titles(unconnected.scene)
    assert not names_somebody(unconnected.scene)
    count = len(items(unconnected.scene))
    unconnected.load_trajectories()
    assert len(items(unconnected.scene)) == count  # it is found again
    unconnected.patients.hide(False)
    assert GROUP in titles(unconnected.scene)
    assert "hidden" not in str(items(unconnected.scene))


@pytest.mark.parametrize("title", [GROUP, "Smith"], ids=["folder", "patient"])
def test_what_the_user_calls_an_item(loaded: Browser, title: str):
    rename(loaded.scene, title, "Before Smith")
    before = items(loaded.scene)
    for _ in range(2):
        loaded.patients.hide()
        assert "Before (hidden)" in titles(loaded.scene)
        assert not names_somebody(loaded.scene)
        loaded.patients.hide(False)
        assert items(loaded.scene) == before


@pytest.mark.parametrize("is_left", [False, True], ids=["of its browser", "of one that was closed"])
def test_two_patients_of_one_id_stay_two(
    is_left: bool, hospital: Hospital, browser: Browser, late: Browser
):
    hospital.entries[0] = replace(hospital.entries[0], patient_name="Roe^Jane")
    browser.list_images()
    nodes = [browser.load_image(image_id) for image_id in ("MR", "CT")]
    before = items(browser.scene)
    if is_left:
        browser.close()
    who_hides = late if is_left else browser
    who_hides.patients.hide()
    assert sorted(map(parents, nodes)) == [["Patient 1"], ["Patient 2"]]
    who_hides.patients.hide(False)
    assert list(map(parents, nodes)) == [["Roe^Jane"], ["Phantom, Head"]]
    assert items(browser.scene) == before


@pytest.mark.parametrize("title", [HIDDEN_GROUP, "Patient 1"], ids=["folder", "patient"])
def test_what_the_user_calls_it_meanwhile(loaded: Browser, title: str):
    """What was typed stays, but for the patient who is meant."""
    loaded.patients.hide()
    rename(loaded.scene, title, "Left")
    loaded.patients.hide(False)
    assert "Left" in titles(loaded.scene)
    loaded.patients.hide()
    assert "Left" in titles(loaded.scene)
    assert not names_somebody(loaded.scene)


def test_a_folder_of_which_only_later_is_known_whom_it_names(
    unconnected: Browser, clinic_server: ServerInThread
):
    unconnected.patients.hide()
    connect(unconnected, clinic_server).load_trajectories()
    assert GROUP in titles(unconnected.scene)
    unconnected.list_images()
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    assert GROUP in titles(unconnected.scene)


def test_the_folders_of_a_scene_that_is_opened_meanwhile(loaded: Browser, tmp_path):
    path = save_scene(loaded.scene, tmp_path)
    loaded.scene.Clear(0)
    loaded.patients.hide()
    load_scene(loaded.scene, path)
    assert HIDDEN_GROUP in titles(loaded.scene)
    assert not names_somebody(loaded.scene)
    loaded.load_image(IMAGE)
    get_overlays(loaded, LABELS)
    assert titles(loaded.scene).count(HIDDEN_GROUP) == 1
    loaded.patients.hide(False)
    assert titles(loaded.scene).count(GROUP) == 1
