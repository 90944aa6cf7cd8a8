"""The scene and the module: saved and loaded, closed in the middle of a transfer, nodes deleted."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from PySide6.QtWidgets import QApplication

from helpers.one_patient import Clinic, get_overlays, owned_nodes
from helpers.patience import Patience
from helpers.peers import ServerInThread
from helpers.saved_scene import load_scene as load_markups_and_volumes
from helpers.saved_scene import save_scene
from helpers.window_sources import LargeSource
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ConnectionState, ImagesCancelled, ImageStatus
from IGTLMetaBrowserLib.browser.images.list_notes import FROM_SAVED_SCENE
from slicerhost import wait_until


@pytest.fixture
def browser(user):
    return user.module.widget.logic.browser


def connect(browser, port: int, count: int) -> None:
    browser.connect("127.0.0.1", port)
    wait_until(lambda: len(browser.images.listing.entries) == count, 20, "the list")


def load(browser, *image_ids: str) -> None:
    browser.request_images(image_ids)
    for image_id in image_ids:
        wait_until(
            lambda image_id=image_id: browser.images.node(image_id) is not None, 20, image_id
        )
    # On a busy machine a preview comes first, and is removed by the end of the transfer.
    wait_until(lambda: not browser.images.is_loading, 20, "the end")


def save(scene, folder) -> str:
    path = str(folder / "scene.mrml")
    scene.Commit(path)
    return path


def load_scene(scene, path: str, clear: bool = True) -> None:
    """As by File > Load: into an empty scene, or to what is there."""
    scene.SetURL(path)
    assert scene.Connect() if clear else scene.Import()


def test_a_saved_scene_keeps_endpoint_and_choices(user, slicer_host, tmp_path):
    user.ui.hostLineEdit.text = "scanner.example"
    user.ui.portSpinBox.value = 18945
    user.ui.filterLineEdit.text = "head"
    user.ui.showInViewsCheckBox.checked = False
    path = save(slicer_host.mrmlScene, tmp_path)
    slicer_host.mrmlScene.Clear(0)
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("localhost", 18944)
    assert (user.ui.filterLineEdit.text, user.ui.showInViewsCheckBox.checked) == ("", True)

    load_scene(slicer_host.mrmlScene, path)
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("scanner.example", 18945)
    assert (user.ui.filterLineEdit.text, user.ui.showInViewsCheckBox.checked) == ("head", False)


def test_every_choice_of_the_window_is_in_the_scene(user):
    names = get_type_hints(type(user.module.widget.logic.getParameterNode()))
    shown = [widget.property("SlicerParameterName") for widget in vars(user.ui).values()]
    assert sorted(filter(None, shown)) == ["filterText", "host", "port", "showInViews"]
    assert sorted(filter(None, shown)) == sorted(name for name in names if name[0] != "_")


def test_a_scene_added_while_connected_does_not_change_the_address_shown(
    user, browser, small_server, slicer_host, tmp_path
):
    user.ui.hostLineEdit.text = "scanner.example"
    path = save(slicer_host.mrmlScene, tmp_path)
    connect(browser, small_server, 4)
    load_scene(slicer_host.mrmlScene, path, clear=False)
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("127.0.0.1", small_server)


def test_a_scene_changed_while_another_module_is_shown_is_seen_on_return(user, slicer_host):
    user.module.exit()
    user.module.widget.logic.getParameterNode().host = "scanner.example"
    user.module.enter()
    assert user.ui.hostLineEdit.text == "scanner.example"


def test_closing_the_scene_in_the_middle_of_a_transfer_cancels_it(user, browser, slicer_host):
    told = []
    user.module.widget.logic.addObserver(ImagesCancelled, told.append)
    with ServerInThread(LargeSource()) as server:
        connect(browser, server.port, 1)
        browser.request_images(["LARGE"])
        wait_until(
            lambda: browser.images.states.of("LARGE").received > 0, 20, "a part of the image"
        )
        slicer_host.mrmlScene.Clear(0)

        assert told == [ImagesCancelled(["LARGE"])]
        assert browser.connection.state == ConnectionState.CONNECTED
        assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 0
        load(browser, "LARGE")  # what still came of the first one is not taken for the second
        assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == 1


def test_a_closed_scene_keeps_the_address_of_the_connection_that_stands(
    user, browser, small_server, slicer_host
):
    connect(browser, small_server, 4)
    slicer_host.mrmlScene.Clear(0)
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("127.0.0.1", small_server)


def test_a_deleted_node_is_not_loaded_any_more(user, browser, small_server, slicer_host):
    connect(browser, small_server, 4)
    load(browser, "A", "B")
    slicer_host.mrmlScene.RemoveNode(browser.images.node("A"))
    assert browser.images.states.of("A").status == ImageStatus.NOT_LOADED
    assert browser.images.states.of("B").status == ImageStatus.LOADED
    slicer_host.mrmlScene.Clear(0)
    assert browser.images.states.of("B").status == ImageStatus.NOT_LOADED


def test_a_deleted_node_is_loaded_into_a_new_one(user, browser, small_server, slicer_host):
    connect(browser, small_server, 4)
    load(browser, "A")
    slicer_host.mrmlScene.RemoveNode(browser.images.node("A"))
    load(browser, "A")
    assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_a_saved_scene_is_recognized_and_nothing_is_loaded_twice(
    user, browser, slicer_host, small_server, tmp_path
):
    connect(browser, small_server, 4)
    load(browser, "A")
    scene, node = slicer_host.mrmlScene, browser.images.node("A")
    storage = scene.AddNewNodeByClass("vtkMRMLNRRDStorageNode")
    node.SetAndObserveStorageNodeID(storage.GetID())
    storage.SetFileName(str(tmp_path / "A.nrrd"))
    assert storage.WriteData(node)
    path = save(scene, tmp_path)
    scene.Clear(0)
    assert user.state("A") == ""

    load_scene(scene, path)
    assert user.state("A").startswith("loaded")
    assert browser.images.states.of("A").notes == (FROM_SAVED_SCENE,)
    assert browser.images.node("A") is not None
    load_again = browser.load_image("A")
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert browser.images.node("A") is load_again
    assert browser.images.states.of("A").notes == ()


def test_what_comes_while_a_scene_is_loaded_waits_until_it_is_there(
    user, browser, slicer_host, tmp_path
):
    """Slicer's progress dialog lets the event loop go on after each node that it has added."""
    clinic, scene = Clinic(), slicer_host.mrmlScene
    with ServerInThread(clinic) as server:
        connect(browser, server.port, 1)
        image = browser.load_image("0")
        get_overlays(browser)
        path = save_scene(scene, tmp_path)
        kinds = [node.GetClassName() for node in owned_nodes(scene)]
        scene.Clear(0)
        browser.trajectories.request()
        browser.overlays.request_points()
        browser.request_images(["0", "L"])

        def show_progress(_caller, _event):
            patience = Patience(0.02)
            while scene.IsImporting() and not patience.is_over:
                QApplication.processEvents()

        tag = scene.AddObserver(scene.NodeAddedEvent, show_progress)
        load_markups_and_volumes(scene, path)
        scene.RemoveObserver(tag)
        wait_until(lambda: not browser.images.is_loading, 20, "the images")
        wait_until(lambda: browser.next_deadline is None, 20, "the lines")
    assert [node.GetClassName() for node in owned_nodes(scene)] == kinds
    assert browser.images.node("0").GetDisplayNode() is not None
    assert image.GetScene() is None


def test_a_scene_that_was_loaded_before_its_server_was_turned_to_is_recognized(
    user, browser, slicer_host, small_server, tmp_path
):
    connect(browser, small_server, 4)
    load(browser, "A")
    node = browser.images.node("A")
    browser.disconnect()
    other = Browser(slicer_host.mrmlScene)  # as in another session
    other.connect("127.0.0.1", small_server)
    assert other.images.node("A") is node
    assert other.images.states.of("A").status is ImageStatus.LOADED
    other.list_images()
    assert other.images.states.of("A").notes == (FROM_SAVED_SCENE,)
    other.close()
