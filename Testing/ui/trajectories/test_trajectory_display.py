"""Showing and hiding trajectories from the table, and what becomes of them in later answers."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest

from helpers.peers import ScriptedServer
from helpers.plans import NOTE, SHOWN, line
from IGTLMetaBrowserLib import codec


def test_the_check_box_hides_and_shows(plan):
    planner = plan(line("1"), line("2"))
    planner.click("1", SHOWN)
    assert not planner.is_checked("1")
    assert (planner.is_seen("1"), planner.is_seen("2")) == (False, True)
    assert planner.node("1") is not None
    planner.click("1", SHOWN)
    assert planner.is_checked("1")
    assert planner.is_seen("1")


def test_buttons_hide_and_show_all_that_are_selected(plan):
    planner = plan(line("1"), line("2"), line("3"))
    assert not planner.ui.hideTrajectoriesButton.enabled
    planner.select("1", "3")
    planner.user.press(planner.ui.hideTrajectoriesButton)
    assert [planner.is_checked(name) for name in "123"] == [False, True, False]
    planner.user.press(planner.ui.showTrajectoriesButton)
    assert [planner.is_seen(name) for name in "123"] == [True] * 3
    assert planner.selected() == ["1", "3"]


def test_space_hides_what_is_selected_and_shows_it_again(plan):
    planner = plan(line("1"), line("2"), line("3"))
    planner.select("1", "2")
    planner.user.press_key(planner.view, Qt.Key_Space)
    assert [planner.is_seen(name) for name in "123"] == [False, False, True]
    planner.user.press_key(planner.view, Qt.Key_Space)
    assert [planner.is_seen(name) for name in "123"] == [True] * 3


def test_space_selects_the_first_for_who_comes_by_the_keyboard_and_hides_it(plan):
    planner = plan(line("1"), line("2"))
    first = planner.view.model().index(0, 0)
    planner.view.selectionModel().setCurrentIndex(first, QItemSelectionModel.NoUpdate)  # as Tab
    assert planner.selected() == []
    planner.user.press_key(planner.view, Qt.Key_Space)
    assert planner.selected() == ["1"]
    assert [planner.is_seen(name) for name in "12"] == [False, True]


def test_what_is_hidden_elsewhere_or_removed_is_not_checked(plan, slicer_host):
    planner = plan(line("1"), line("2"), line("3"))
    planner.node("1").SetDisplayVisibility(False)
    slicer_host.mrmlScene.RemoveNode(planner.node("2"))
    assert [planner.is_checked(name) for name in "123"] == [False, False, True]
    planner.click("2", SHOWN)
    planner.user.wait_for(lambda: planner.is_seen("2"), "the removed one")
    assert planner.is_checked("2")


def test_of_many_the_first_200_are_shown_and_the_others_on_request(plan, slicer_host):
    planner = plan(*[line(f"T{number}") for number in range(10_000)])
    scene = slicer_host.mrmlScene
    assert planner.ui.trajectoryCountLabel.text == "10000"
    assert "9800 more" in planner.user.status
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 200
    assert [planner.is_checked(name) for name in ("T199", "T200")] == [True, False]

    planner.click("T9999", SHOWN)
    planner.user.wait_for(lambda: planner.is_seen("T9999"), "the last one")
    planner.select("T200")
    QTest.keyClick(planner.view, Qt.Key_Down, Qt.ShiftModifier)
    planner.user.press(planner.ui.showTrajectoriesButton)
    planner.user.wait_for(lambda: planner.is_seen("T201"), "those that are selected")
    assert planner.is_checked("T200")
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 203


def test_one_that_moved_moves_its_line_and_stays_as_the_user_has_it(plan):
    planner = plan(line("1"), line("2"))
    node = planner.node("1")
    planner.select("1")
    planner.user.press(planner.ui.hideTrajectoriesButton)
    planner.source.plans[0] = replace(line("1"), target=(1.0, 2.0, 3.0))
    planner.get()
    assert planner.node("1") is node
    assert tuple(node.GetNthControlPointPosition(1)) == (1, 2, 3)
    assert not planner.is_checked("1")
    assert planner.selected() == ["1"]


def test_one_that_is_gone_is_marked_and_removed_with_a_button(plan, slicer_host):
    planner = plan(line("1"), line("2"), line("3"))
    assert not planner.ui.removeGoneButton.visible
    del planner.source.plans[1]
    planner.get()
    assert planner.names() == ["1", "3", "2"]
    assert planner.column(NOTE) == ["", "", "no longer on the server"]
    assert planner.is_seen("2")

    assert planner.ui.removeGoneButton.text == "Remove 1 no longer on server"
    planner.user.press(planner.ui.removeGoneButton)
    assert planner.names() == ["1", "3"]
    assert not planner.ui.removeGoneButton.visible
    assert slicer_host.mrmlScene.GetFirstNodeByName("2") is None


def test_one_that_comes_back_is_no_longer_marked(plan):
    planner = plan(line("1"), line("2"))
    gone = planner.source.plans.pop()
    planner.get()
    planner.source.plans.append(gone)
    planner.get()
    assert planner.column(NOTE) == ["", ""]
    assert not planner.ui.removeGoneButton.visible


def test_what_the_server_pushes_is_shown(user):
    pushed = codec.TrajectoryMessage([line("Pushed")])

    def push(peer):
        peer.send(pushed)
        peer.wait_until_closed()

    with ScriptedServer(push) as server:
        user.connect_to(server.port)
        user.wait_for_status("One trajectory is shown")
        model = user.panel.trajectories.model
        assert model.trajectory(0).item.name == "Pushed"
        user.press(user.ui.connectButton)


def test_points_of_a_server_that_sends_lps_are_turned(plan):
    planner = plan(line("1"))
    node = planner.node("1")
    assert planner.ui.coordinatesComboBox.currentText == "As its messages say"
    planner.ui.coordinatesComboBox.currentIndex = 2
    lps = (-10, -20, 30)
    planner.user.wait_for(lambda: node.GetNthControlPointPosition(1) == lps, "the turned line")
    planner.user.press(planner.ui.connectButton)
    planner.ui.hostLineEdit.text = "another.server"  # it is likely to send RAS
    assert planner.ui.coordinatesComboBox.currentText == "As its messages say"


def test_the_setting_comes_back_with_the_server(plan):
    planner = plan(line("1"))
    port = planner.user.panel.browser.connection.host_and_port[1]
    planner.ui.coordinatesComboBox.currentIndex = 2
    planner.user.press(planner.ui.connectButton)
    planner.ui.hostLineEdit.text = ""
    planner.user.connect_to(port)
    trajectories = planner.user.panel.browser.trajectories
    planner.user.wait_for(
        lambda: trajectories.markups.coordinates is codec.Coordinates.LPS, "the setting"
    )
    assert planner.ui.coordinatesComboBox.currentText.startswith("LPS")


def test_after_the_scene_was_closed_they_come_back_when_they_are_asked_for(plan, slicer_host):
    planner = plan(line("1"), line("2"))
    slicer_host.mrmlScene.Clear(0)
    assert [planner.is_checked(name) for name in "12"] == [False, False]
    planner.get()
    assert [planner.is_seen(name) for name in "12"] == [True, True]


def test_in_a_folded_section_nothing_is_seen(plan):
    planner = plan(line("1"))
    del planner.source.plans[0]
    planner.ui.trajectoriesCollapsibleButton.collapsed = True
    assert not planner.view.visible
    planner.user.panel.browser.trajectories.request()
    planner.user.wait_for(lambda: planner.scene.markups.gone, "the empty answer")
    assert not planner.ui.removeGoneButton.visible
    planner.ui.trajectoriesCollapsibleButton.collapsed = False
    assert planner.ui.removeGoneButton.visible
    assert planner.view.visible


def labeled(planner, *names):
    return [has_label(planner.node(name)) for name in names]


def has_label(node):
    display = node.GetDisplayNode()
    return bool(display.GetPropertiesLabelVisibility() or display.GetPointLabelsVisibility())


def test_only_the_one_that_is_selected_has_a_label(plan):
    planner = plan(line("1"), line("2"), line("3"))
    assert labeled(planner, "1", "2", "3") == [False, False, False]
    planner.select("1")
    assert labeled(planner, "1", "2", "3") == [True, False, False]
    planner.select("3")
    assert labeled(planner, "1", "2", "3") == [False, False, True]


def test_of_several_that_are_selected_the_present_one_has_a_label(plan):
    planner = plan(line("1"), line("2"), line("3"))
    planner.select("1", "2")
    assert labeled(planner, "1", "2", "3") == [False, True, False]


def test_all_labels_are_shown_in_turns_of_the_event_loop(plan):
    planner = plan(line("1"), line("2"), line("3"))
    planner.select("2")
    trajectories = planner.user.panel.browser.trajectories
    trajectories.are_all_labeled = True
    planner.user.wait_for(lambda: all(labeled(planner, "1", "2", "3")), "all labels")
    trajectories.are_all_labeled = False
    planner.user.wait_for(
        lambda: labeled(planner, "1", "2", "3") == [False, True, False], "one label"
    )


def test_a_server_that_is_left_takes_the_label_with_it(plan):
    """Nothing is selected any more, nor when the server is chosen again."""
    planner = plan(line("1"), line("2"))
    planner.select("1")
    node = planner.node("1")
    planner.user.press(planner.ui.connectButton)
    assert not has_label(node)
    planner.user.press(planner.ui.connectButton)
    images = planner.user.panel.browser.images
    planner.user.wait_for(lambda: images.listing.listed_at is not None, "the list")
    planner.get()
    assert labeled(planner, "1", "2") == [False, False]
