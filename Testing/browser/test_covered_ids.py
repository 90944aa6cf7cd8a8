"""A server that writes a patient's name into the IDs of images, while patients are hidden."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import slicer

from helpers.names_in_ids import GROUP, IMAGE, LABELS, ClinicWithNames, clinic, loaded
from helpers.one_patient import SMITH, connect, get_overlays, owned_nodes
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene, save_scene
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.privacy import hidden_patients
from IGTLMetaBrowserLib.scene.markups.outgoing_markups import trajectory_item

__all__ = ["clinic", "loaded"]


def ids(scene: slicer.vtkMRMLScene) -> list[dict[str, str]]:
    """What is written onto the plan, the point, the label map and the segmentation."""
    return [
        {name: node.GetAttribute(name) for name in node.GetAttributeNames() if "." in name}
        for node in owned_nodes(scene)
    ]


def names_somebody(scene: slicer.vtkMRMLScene) -> bool:
    return any(word in str(ids(scene)) for word in SMITH)


def test_hidden_they_name_nobody_and_shown_they_are_as_before(loaded: Browser):
    before = ids(loaded.scene)
    assert names_somebody(loaded.scene)
    loaded.patients.hide()
    assert not names_somebody(loaded.scene)
    loaded.patients.hide(False)
    assert ids(loaded.scene) == before


def test_what_comes_while_they_are_hidden_names_nobody_and_then_says_all(
    unconnected: Browser, clinic_server: ServerInThread
):
    unconnected.patients.hide()
    connect(unconnected, clinic_server).list_images()
    unconnected.load_image(IMAGE)
    get_overlays(unconnected, LABELS)
    assert not names_somebody(unconnected.scene)
    unconnected.patients.hide(False)
    assert {
        one.get("IGTLMetaBrowser.TrajectoryOwner", IMAGE) for one in ids(unconnected.scene)
    } == {IMAGE}
    assert GROUP in {one.get("IGTLMetaBrowser.TrajectoryGroup") for one in ids(unconnected.scene)}


class LateClinic(ClinicWithNames):
    """Its list does not say whose image it is; ``others`` are listed later."""

    def __init__(self) -> None:
        super().__init__()
        self.is_said = True
        self.others: list[codec.ImageMetaItem] = []

    def images(self):
        nobody = {"patient_id": "", "patient_name": ""}
        return [replace(one, **nobody) for one in super().images()] + self.others


@pytest.mark.parametrize("is_listed", [True, False], ids=["another image", "the image"])
def test_so_it_is_when_only_later_is_said_who_that_is(is_listed: bool, unconnected: Browser):
    clinic = LateClinic()
    unconnected.patients.hide()
    with ServerInThread(clinic) as server:
        connect(unconnected, server).list_images()
        unconnected.load_trajectories()
        if is_listed:
            clinic.others = [codec.ImageMetaItem("Head", "1", "CT", "Smith", "P-1")]
            unconnected.list_images()
        else:
            unconnected.load_image(IMAGE)
        assert len(owned_nodes(unconnected.scene)) == 1
        assert not names_somebody(unconnected.scene)
        unconnected.patients.hide(False)
        assert ids(unconnected.scene)[0]["IGTLMetaBrowser.TrajectoryOwner"] == IMAGE
        unconnected.disconnect()


def test_a_plan_that_changes_while_they_are_hidden_names_nobody(
    loaded: Browser, clinic: ClinicWithNames
):
    loaded.patients.hide()
    for clinic.planned in codec.TrajectoryType:
        loaded.load_trajectories()
        assert not names_somebody(loaded.scene)


@pytest.mark.parametrize("is_left", [False, True], ids=["same server", "left and chosen again"])
def test_nodes_are_found_again_while_they_are_hidden(
    is_left: bool, loaded: Browser, clinic_server: ServerInThread
):
    nodes = owned_nodes(loaded.scene)
    loaded.patients.hide()
    if is_left:
        connect(loaded, clinic_server).list_images()
    get_overlays(loaded, LABELS)
    assert owned_nodes(loaded.scene) == nodes
    assert not names_somebody(loaded.scene)


def test_another_browser_finds_them_too(loaded: Browser, clinic_server: ServerInThread):
    nodes = owned_nodes(loaded.scene)
    loaded.patients.hide()
    other = connect(Browser(loaded.scene), clinic_server)
    other.list_images()
    get_overlays(other, LABELS)
    assert owned_nodes(loaded.scene) == nodes
    other.close()


def test_an_image_is_found_again_and_no_other_that_has_its_hidden_id(
    loaded: Browser, clinic_server: ServerInThread
):
    volume = loaded.images.node(IMAGE)
    loaded.patients.hide()
    assert SMITH[1] not in volume.GetAttribute("IGTLMetaBrowser.ImageId")
    connect(loaded, clinic_server).list_images()
    assert {*loaded.images.loaded_ids()} == {IMAGE, LABELS}
    other = connect(Browser(loaded.scene), clinic_server)
    other.list_images()
    assert {*other.images.loaded_ids()} == {IMAGE, LABELS}
    assert other.load_image(IMAGE) is volume
    other.close()


def test_a_plan_goes_to_the_server_with_its_image_and_group(loaded: Browser):
    loaded.patients.hide()
    (item,) = map(trajectory_item, loaded.trajectories.nodes)
    assert (item.owner, item.group) == (IMAGE, GROUP)


def test_a_scene_that_was_saved_so_names_nobody_and_opened_again_it_is_all_known(
    loaded: Browser, tmp_path: Path
):
    before = ids(loaded.scene)
    loaded.patients.hide()
    path = save_scene(loaded.scene, tmp_path)
    assert IMAGE not in path.read_text(encoding="utf-8")
    loaded.scene.Clear()
    load_scene(loaded.scene, path)
    assert len(loaded.trajectories.nodes) == 1
    loaded.patients.hide(False)
    assert ids(loaded.scene) == before


def test_in_another_session_they_are_the_users(
    loaded: Browser, clinic_server: ServerInThread, monkeypatch: pytest.MonkeyPatch
):
    """As images are of which only the other session knows whose they are."""
    loaded.patients.hide()
    nodes = owned_nodes(loaded.scene)
    scene, _ = loaded.scene, loaded.disconnect()
    for memory in ("_patients_of_uids", "_texts_of_uids"):
        monkeypatch.setattr(hidden_patients, memory, {})
    later = connect(Browser(scene), clinic_server)
    later.list_images()
    later.load_image(IMAGE)
    get_overlays(later, LABELS)
    assert [node for node in owned_nodes(scene) if node in nodes] == nodes
    assert len(owned_nodes(scene)) == 2 * len(nodes)
    later.close()
