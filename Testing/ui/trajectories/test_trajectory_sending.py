"""Markups lines go to the server as trajectories, and come back as they were."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.plans import PlanSource, line
from IGTLMetaBrowserLib import codec

ENTRY, TARGET = (1.5, -2.25, 30.125), (0.1, 0.2, 0.3)


@pytest.fixture
def drawn(slicer_host):
    """A line as a user draws it."""
    node = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "My plan & more")
    for point in (ENTRY, TARGET):
        node.AddControlPoint(*point)
    return node


@pytest.fixture
def pushed(monkeypatch):
    """What the server was sent."""
    messages = []
    receive = lambda self, message: messages.append(message)  # noqa: E731
    monkeypatch.setattr(PlanSource, "receive", receive, raising=False)
    return messages


def choose(planner, text):
    """Open the menu of the button and choose what it offers under this text."""
    menu = planner.user.panel.trajectories.sendMenu.menu
    menu.popup(planner.ui.sendButton.mapToGlobal(planner.ui.sendButton.rect.bottomLeft()))
    (action,) = (action for action in menu.actions() if action.text == text)
    assert action.enabled
    QTest.mouseClick(menu, Qt.LeftButton, Qt.NoModifier, menu.actionGeometry(action).center())


def offered(planner):
    planner.user.panel.trajectories.sendMenu.fill()
    return [action.text for action in planner.user.panel.trajectories.sendMenu.menu.actions()]


def received(planner, pushed):
    planner.user.wait_for(lambda: pushed, "what was sent")
    (message,) = pushed
    assert isinstance(message, codec.TrajectoryMessage)
    return list(message.items)


def test_a_line_that_the_user_drew_is_sent(plan, drawn, pushed):
    planner = plan()
    choose(planner, "My plan && more")
    (item,) = received(planner, pushed)
    assert (item.name, item.type) == ("My plan & more", codec.TrajectoryType.ENTRY_AND_TARGET)
    assert item.entry == ENTRY
    assert item.target == pytest.approx(TARGET)
    planner.user.wait_for_status("One trajectory was sent to 127.0.0.1")


def test_what_came_goes_out_as_it_came(plan, pushed):
    plans = [
        line("1", group="Electrodes", rgba=(10, 20, 30, 40), owner="A", diameter=1.25),
        line("2", type=codec.TrajectoryType.TARGET, entry=(0.0, 0.0, 0.0)),
        line("3"),
    ]
    planner = plan(*plans)
    planner.select("1", "2")
    choose(planner, "Selected trajectories (2)")
    assert received(planner, pushed) == plans[:2]
    planner.user.wait_for_status("2 trajectories were sent")


def test_to_a_server_of_lps_goes_lps(plan, drawn, pushed):
    planner = plan()
    planner.ui.coordinatesComboBox.currentIndex = 2
    choose(planner, "My plan && more")
    (item,) = received(planner, pushed)
    assert item.entry == (-1.5, 2.25, 30.125)


def test_lines_of_the_table_are_offered_when_they_are_selected_only(plan, drawn):
    planner = plan(line("1"))
    assert offered(planner) == ["My plan && more"]
    planner.select("1")
    assert offered(planner) == ["Selected trajectories (1)", "", "My plan && more"]


def test_where_there_is_no_line_it_is_said_how_to_get_one(plan):
    planner = plan()
    assert offered(planner) == ["Select trajectories, or draw a markups line"]


def test_a_line_that_is_not_complete_is_not_sent_and_it_is_said_why(plan, drawn, pushed):
    planner = plan()
    drawn.RemoveNthControlPoint(1)
    choose(planner, "My plan && more")
    assert "has 1 of 2 points; place them all to send it" in planner.user.status
    assert pushed == []


def test_without_a_server_nothing_can_be_sent(user):
    assert not user.ui.sendButton.enabled


def test_while_the_connection_is_lost_it_is_said_what_to_do(user, scripted, drawn):
    listing = codec.pack(codec.ImageMetaMessage())
    user.connect_to(scripted(listing))
    user.wait_for(lambda: user.panel.browser.connection.next_attempt is not None, "the loss")
    menu = user.panel.trajectories.sendMenu
    menu.fill()
    menu.menu.actions()[0].trigger()
    assert "is not connected; connect, and send it again" in user.status
