"""The module's window, used as a user uses it: real Qt events, a real server, a real scene."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.peers import ServerInThread
from helpers.window_sources import LargeSource, SmallSource
from IGTLMetaBrowserLib import codec


def test_before_connecting_only_connect_can_be_pressed(user):
    ui = user.ui
    assert user.status == "Not connected."
    assert ui.connectButton.text == "&Connect"
    for button in (ui.refreshButton, ui.loadButton, ui.trajectoriesButton, ui.cancelButton):
        assert not button.enabled


def test_connecting_lists_the_images(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")

    headers = [user.panel.model.headerData(column, Qt.Horizontal) for column in range(9)]
    assert headers == [
        "", "Name", "Modality", "Patient", "Patient ID", "Scan time", "Size", "Type", "ID",
    ]  # fmt: skip
    row = user.table()[0]
    moment = codec.Timestamp.from_seconds(1.7e9).to_datetime().astimezone()
    assert row[:5] == ["", "Image A", "CT", "Phantom", "P1"]
    assert row[5] == moment.strftime("%Y-%m-%d %H:%M:%S")
    assert row[6:] == ["4 × 3 × 2", "int16", "A"]


def test_every_selected_image_is_loaded_into_a_volume(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.select("A", "D")
    user.press(user.ui.loadButton)
    user.wait_for(lambda: user.panel.model.state("D") == "loaded", "image D")

    assert user.panel.model.state("A") == "loaded"
    assert user.panel.model.state("B") == ""
    volume = slicer_host.util.getNode("Image D")
    assert volume.GetImageData().GetDimensions() == (4, 3, 5)
    assert slicer_host.util.arrayFromVolume(volume)[4, 2, 3] == 59
    user.wait_for_status("'Image D' is loaded.")


def test_an_image_that_fails_does_not_stop_the_others(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.ui.imageTableView.selectAll()
    user.press(user.ui.loadButton)
    user.wait_for(lambda: user.panel.model.state("D") == "loaded", "image D")

    assert "slice 7 of BROKEN is missing" in user.panel.model.state("BROKEN")
    assert [user.panel.model.state(name) for name in "AB"] == ["loaded", "loaded"]


def test_a_double_click_loads_and_again_updates_the_same_node(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    for _ in range(2):
        index = user.panel.model.index(0, 0)
        center = user.ui.imageTableView.visualRect(index).center()
        QTest.mouseClick(user.ui.imageTableView.viewport(), Qt.LeftButton, Qt.NoModifier, center)
        QTest.mouseDClick(user.ui.imageTableView.viewport(), Qt.LeftButton, Qt.NoModifier, center)
        user.wait_for_status("'Image A' is loaded")
    assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_sorting_keeps_the_selection(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.select("B")
    user.ui.imageTableView.sortByColumn(6, Qt.DescendingOrder)
    assert [row[8] for row in user.table()] == ["D", "BROKEN", "B", "A"]
    assert user.panel.images.selection.imageIds() == ["B"]


def test_trajectories_become_lines_and_points(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("3 trajectories are shown")
    scene = slicer_host.mrmlScene
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 2
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == 1
    assert slicer_host.util.getNode("Line 1").GetNthControlPointPosition(1) == (4, 5, 6)


def test_disconnecting_empties_the_list_and_keeps_the_volumes(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.select("A")
    user.press(user.ui.loadButton)
    user.wait_for_status("'Image A' is loaded")
    user.press(user.ui.connectButton)
    assert user.status == "Not connected."
    assert user.table() == []
    assert slicer_host.util.getNode("Image A") is not None


def test_closing_the_scene_leaves_the_window_usable(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.select("A")
    user.press(user.ui.loadButton)
    user.wait_for_status("'Image A' is loaded")
    slicer_host.mrmlScene.Clear(0)
    user.press(user.ui.loadButton)
    user.wait_for(
        lambda: user.panel.browser.images.node("A") is not None, "image A in the new scene"
    )


def test_a_deleted_volume_is_no_longer_shown_as_loaded(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.select("A", "B")
    user.press(user.ui.loadButton)
    user.wait_for_status("'Image B' is loaded")
    slicer_host.mrmlScene.RemoveNode(user.panel.browser.images.node("A"))
    assert [row[0] for row in user.table()[:2]] == ["", "loaded"]
    slicer_host.mrmlScene.Clear(0)
    assert [row[0] for row in user.table()[:2]] == ["", ""]


def test_connected_again_an_image_keeps_its_node(user, small_server, slicer_host):
    for _ in range(2):
        user.connect_to(small_server)
        user.wait_for_status("offers 4 images")
        user.select("A")
        user.press(user.ui.loadButton)
        user.wait_for_status("'Image A' is loaded")
        user.press(user.ui.connectButton)
    assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_what_a_script_asks_for_is_shown_in_the_window(user, small_server):
    browser = user.module.widget.logic.browser
    browser.connect("127.0.0.1", small_server)
    user.wait_for_status("offers 4 images")
    browser.request_images(["A", "B"])
    user.wait_for_status("'Image B' is loaded")
    assert user.panel.model.state("A") == "loaded"
    browser.trajectories.request()
    user.wait_for_status("3 trajectories are shown")


def test_an_address_can_be_pasted_with_its_port(user, small_server):
    QTest.keyClicks(user.ui.hostLineEdit, "")
    user.ui.hostLineEdit.text = f" 127.0.0.1:{small_server}"
    user.press(user.ui.connectButton)
    user.wait_for_status("offers 4 images")
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("127.0.0.1", small_server)


def test_cancel_stops_loading_and_the_next_image_is_the_right_one(user, slicer_host):
    with ServerInThread(LargeSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        user.select("LARGE")
        user.press(user.ui.loadButton)
        user.wait_for(lambda: "%" in user.panel.model.state("LARGE"), "a part of the image")
        user.wait_for_status("image 1 of 1")
        user.press(user.ui.cancelButton)
        assert user.status == "Loading was cancelled."
        assert user.panel.model.state("LARGE") == "cancelled"
        assert not user.ui.cancelButton.enabled
        user.press(user.ui.loadButton)
        user.wait_for_status("'Large' is loaded")


def test_closing_the_scene_cancels_a_transfer(user, slicer_host):
    with ServerInThread(LargeSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        user.select("LARGE")
        user.press(user.ui.loadButton)
        user.wait_for(lambda: "%" in user.panel.model.state("LARGE"), "a part of the image")
        slicer_host.mrmlScene.Clear(0)
        assert user.status == "Loading was cancelled."
        assert user.panel.browser.images.node("LARGE") is None


def test_trajectories_pushed_by_a_server_that_closes_stay_in_the_status(user, scripted):
    pushed = codec.pack(codec.TrajectoryMessage(items=SmallSource().trajectories()))
    user.connect_to(scripted(pushed, pushed))
    # On a slow machine the first connection ends before all three are shown.
    user.wait_for_status("3 trajectories are shown. 127.0.0.1")
    user.wait_for_status("closed the connection")
