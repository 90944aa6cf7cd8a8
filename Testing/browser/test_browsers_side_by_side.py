"""Two browsers of one server in one scene, such as that of the panel and that of a script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import slicer

from helpers.hospital import Hospital, finish, parents, step_until
from helpers.part_peers import large_image
from helpers.peers import ServerInThread
from helpers.roi_nodes import roi_around
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImagesAdopted, ImageStatus, VolumeAdding
from IGTLMetaBrowserLib.browser.open_browsers import hide_patients


@pytest.fixture
def other(scene: slicer.vtkMRMLScene, server: ServerInThread) -> Iterator[Browser]:
    browser = Browser(scene)
    browser.connect(server.host, server.port)
    browser.list_images()
    yield browser
    browser.close()


def test_an_image_has_one_node(browser: Browser, other: Browser) -> None:
    node = browser.load_image("CT")
    other.step()
    assert other.images.states.of("CT").status is ImageStatus.LOADED
    assert other.load_image("CT") is node


def go_on(_other: Browser) -> None:
    """The other browser stays with the server."""


@pytest.mark.parametrize(
    "leave", [go_on, Browser.disconnect, Browser.close], ids=["stays", "disconnects", "is closed"]
)
def test_an_image_that_both_fetch_at_once_has_one_node(
    browser: Browser, other: Browser, leave: Callable[[Browser], None]
) -> None:
    browser.request_images(["CT"])
    other.request_images(["CT"])
    finish(other)
    node = other.images.node("CT")
    leave(other)
    finish(browser)
    assert browser.images.node("CT") is node
    assert volumes_of(node.GetScene(), "ImageId", "CT") == [node]


def test_an_image_that_the_other_brings_in_while_this_one_shows_it_has_one_node(
    browser: Browser, other: Browser
) -> None:
    """A script may wait for an image in a callback."""
    browser.add_observer(lambda _event: other.load_image("CT"), VolumeAdding)
    node = browser.load_image("CT")
    assert volumes_of(node.GetScene(), "ImageId", "CT") == [node]


def test_what_one_has_loaded_and_left_is_loaded_for_the_other(
    browser: Browser, other: Browser
) -> None:
    node = other.load_image("CT")
    other.close()
    assert browser.images.states.of("CT").status is ImageStatus.LOADED
    assert browser.images.node("CT") is node


def test_who_leaves_when_told_what_is_in_the_scene_has_left(
    browser: Browser, other: Browser, server: ServerInThread
) -> None:
    browser.load_image("CT")
    other.disconnect()
    late = Browser(browser.images.node("CT").GetScene())
    late.add_observer(lambda _event: late.disconnect(), ImagesAdopted)
    late.connect(server.host, server.port)
    assert not late.connection.has_server
    late.close()


def test_an_image_of_the_next_patient_is_not_seen_under_the_name_of_the_last(
    hospital: Hospital, browser: Browser, other: Browser
) -> None:
    """The other browser has read the list again, and this one has not."""
    node = browser.load_image("CT")
    assert browser.images.slices("CT") is not None
    hospital.entries[1] = replace(hospital.entries[1], patient_name="Jones", patient_id="P2")
    other.list_images()
    assert other.load_image("CT") is node
    assert other.images.slices("CT") is not None
    assert browser.images.slices("CT") is None


def test_hiding_patients_writes_no_patient_onto_an_image_that_the_other_has_shown_since(
    hospital: Hospital, browser: Browser, other: Browser
) -> None:
    """This browser knows what it wrote onto the node when the last patient's image was in it."""
    node = browser.load_image("CT")
    hospital.entries[1] = replace(hospital.entries[1], patient_name="Jones", patient_id="P2")
    other.list_images()
    assert other.load_image("CT") is node
    for is_hidden in (True, False):
        browser.patients.hide(is_hidden)
        assert node.GetAttribute("DICOM.PatientID") == "P2"
        assert parents(node) == ["Jones"]


def test_hiding_patients_hides_that_of_an_image_that_the_other_has_loaded_again(
    browser: Browser, other: Browser
) -> None:
    node = browser.load_image("CT")
    assert other.load_image("CT") is node
    for is_hidden in (True, False):
        browser.patients.hide(is_hidden)
        assert (node.GetAttribute("DICOM.PatientID") is None) is is_hidden


def test_what_one_has_hidden_and_left_is_shown_when_the_other_shows_its_patients(
    scene: slicer.vtkMRMLScene, browser: Browser, other: Browser
) -> None:
    """On volumes, and on what scene views hold of them."""
    node = other.load_image("CT")
    view = scene.AddNode(slicer.vtkMRMLSceneViewNode())
    view.StoreScene()
    stored = view.GetStoredScene().AddNewNodeByClass(node.GetClassName())
    stored.Copy(node)
    other.patients.hide()  # this one alone, so that it covers the scene view
    hide_patients(True)
    other.close()
    assert patient_names(node, stored) == {"Patient 1"}
    hide_patients(False)
    assert patient_names(node, stored) == {"Phantom, Head"}
    assert parents(node) == ["Phantom, Head"]


def test_what_was_left_hidden_stays_so_while_another_hides_its_patients(
    scene: slicer.vtkMRMLScene, browser: Browser, other: Browser
) -> None:
    third = Browser(scene)
    node = other.load_image("CT")
    hide_patients(True)
    other.close()
    browser.patients.hide(False)
    assert patient_names(node) == {"Patient 1"}
    third.patients.hide(False)
    assert patient_names(node) == {"Phantom, Head"}
    third.close()


def patient_names(*nodes: slicer.vtkMRMLNode) -> set[str]:
    return {node.GetAttribute("DICOM.PatientName") for node in nodes}


def test_a_region_that_both_fetch_has_one_node(
    scene: slicer.vtkMRMLScene, hospital: Hospital, browser: Browser, other: Browser
) -> None:
    """Another part of the image, and a copy that the user made of the region, stay others."""
    image = hospital.images_["CT"] = large_image()
    hospital.entries[1] = replace(hospital.entries[1], size=image.whole_size)
    roi = roi_around(scene, image)
    region = browser.load_region("CT", roi)
    part = browser.load_region("CT", roi_around(scene, image, size=(5, 5, 5)))
    copy = slicer.vtkSlicerVolumesLogic().CloneVolume(scene, region, "mine")
    assert other.load_region("CT", roi) is region
    assert volumes_of(scene, "RegionOf", "CT") == [region, part, copy]
    scene.RemoveNode(region)
    assert browser.load_region("CT", roi) is not copy


def volumes_of(scene: slicer.vtkMRMLScene, attribute: str, image_id: str) -> list:
    """Return the volumes that say that they show an image, or a part of it."""
    nodes = scene.GetNodesByClass("vtkMRMLVolumeNode")
    name = f"IGTLMetaBrowser.{attribute}"
    return [node for node in nodes if node.GetAttribute(name) == image_id]


def test_trajectories_have_one_node_each(browser: Browser, other: Browser) -> None:
    browser.trajectories.request()
    other.trajectories.request()
    step_until(browser, lambda: bool(browser.trajectories.nodes), "a line")
    nodes = other.load_trajectories()
    assert browser.load_trajectories() == nodes
