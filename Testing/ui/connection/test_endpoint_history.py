"""The servers that worked, in the menu beside the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from helpers.peers import ServerInThread
from helpers.window_sources import SmallSource

KEY = "IGTLMetaBrowser/EndpointHistory"


def open_menu(user, use: Callable[[QMenu], None]) -> None:
    """Click the button beside the host, and use the menu while it is open."""
    QTest.mouseClick(user.ui.historyButton, Qt.LeftButton)
    menu = user.ui.historyButton.findChild(QMenu)
    assert menu.visible
    try:
        use(menu)
    finally:
        menu.close()


def texts(menu: QMenu) -> list[str]:
    return [action.text for action in menu.actions() if action.text]


def offered(user) -> list[str]:
    found = []
    open_menu(user, lambda menu: found.extend(texts(menu)))
    return found


def choose(user, place: int) -> None:
    def click(menu: QMenu) -> None:
        point = menu.actionGeometry(menu.actions()[place]).center()
        QTest.mouseClick(menu, Qt.LeftButton, Qt.NoModifier, point)

    open_menu(user, click)


def connect_and_leave(user, port: int) -> None:
    user.connect_to(port)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)


def test_at_first_there_is_none(user):
    assert offered(user) == ["No recent servers"]
    assert user.ui.historyButton.enabled


def test_the_last_one_comes_first_and_none_comes_twice(user):
    with ServerInThread(SmallSource()) as one, ServerInThread(SmallSource()) as other:
        for port in (one.port, other.port, one.port):
            connect_and_leave(user, port)
        expected = [f"127.0.0.1:{one.port}", f"127.0.0.1:{other.port}", "Clear list"]
        assert offered(user) == expected


def test_one_that_is_chosen_fills_host_and_port(user, slicer_host):
    slicer_host.app.settings().setValue(KEY, ["theatre-2:18945", "[fe80::1]:18944"])
    assert offered(user)[:2] == ["theatre-2:18945", "[fe80::1]:18944"]
    choose(user, 1)
    assert (user.ui.hostLineEdit.text, user.ui.portSpinBox.value) == ("fe80::1", 18944)
    parameters = user.module.widget.logic.getParameterNode()
    assert (parameters.host, parameters.port) == ("fe80::1", 18944)


def test_a_server_that_never_worked_is_not_kept(user, unused_port):
    user.connect_to(unused_port)
    user.wait_for_status("Cannot connect")
    assert offered(user) == ["No recent servers"]


def test_the_history_outlives_the_module(user, small_server):
    connect_and_leave(user, small_server)
    user.module.reload()
    assert offered(user)[0] == f"127.0.0.1:{small_server}"


def test_ten_are_kept(user, slicer_host, small_server):
    slicer_host.app.settings().setValue(KEY, [f"server-{number}:1" for number in range(10)])
    connect_and_leave(user, small_server)
    assert offered(user)[:-1] == [
        f"127.0.0.1:{small_server}",
        *(f"server-{number}:1" for number in range(9)),
    ]


def test_all_can_be_forgotten(user, slicer_host, small_server):
    connect_and_leave(user, small_server)
    choose(user, -1)
    assert offered(user) == ["No recent servers"]
    assert slicer_host.app.settings().value(KEY) is None


@pytest.mark.parametrize("stored", ["one:1", ["no address at all", "one:1", "two:99999999"]])
def test_settings_that_something_else_wrote(user, slicer_host, stored):
    slicer_host.app.settings().setValue(KEY, stored)
    assert offered(user) == ["one:1", "Clear list"]


def test_while_connected_another_server_cannot_be_chosen(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    assert not user.ui.historyButton.enabled
