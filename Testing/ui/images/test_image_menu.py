"""The context menu of the table."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.long_lists import make_long_list
from helpers.peers import ServerInThread
from helpers.window_sources import LargeSource
from IGTLMetaBrowserLib.codec.text_rows import TextRows


@pytest.fixture
def connected(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    return user


def enabled(menu) -> set[str]:
    return {action.text for action in menu.menu.actions() if action.text and action.enabled}


def test_an_image_that_is_not_loaded(connected):
    menu = connected.open_menu("A")
    assert connected.panel.images.selection.imageIds() == ["A"]
    assert enabled(menu) == {"Load", "Copy", "Copy ID", "Show details", "Select all", "Select none"}
    connected.choose(menu.load)
    connected.wait_for(lambda: connected.state("A") == "loaded", "image A")


def test_an_image_that_is_loaded(connected, slicer_host):
    connected.load("A")
    node = connected.panel.browser.images.node("A")
    menu = connected.open_menu("A")
    assert enabled(menu) >= {"Load again", "Show in views"}
    assert not menu.load.enabled
    connected.choose(menu.loadAgain)
    connected.wait_for(
        lambda: connected.panel.browser.images.downloads.transfer is not None, "the transfer"
    )
    connected.wait_for(lambda: connected.state("A") == "loaded", "image A")
    assert connected.panel.browser.images.node("A") is node


def test_load_leaves_alone_what_is_loaded_and_load_again_the_rest(connected):
    connected.load("A")
    asked = []
    connected.panel.browser.request_images = asked.append
    connected.select("A", "B")
    connected.choose(connected.open_menu("A").load)
    connected.choose(connected.open_menu("A").loadAgain)
    assert [[*ids] for ids in asked] == [["B"], ["A"]]


def test_of_a_long_selection_no_ids_are_made_to_open_the_menu(user, offer, monkeypatch):
    """Of a million images that took 3 s."""
    offer(make_long_list(500))
    user.press(user.ui.selectAllButton)
    made = []
    texts_of = TextRows.texts_of
    monkeypatch.setattr(
        TextRows, "texts_of", lambda rows, which: made.append(len(which)) or texts_of(rows, which)
    )
    user.panel.images.menu.update()
    assert sum(made) == 0
    assert user.panel.images.menu.load.enabled
    assert not user.panel.images.menu.cancel.enabled


def test_cancel_stops_what_is_selected_alone(user):
    class TwoLargeImages(LargeSource):
        def images(self):
            (first,) = super().images()
            second = type(first)("Second", "SECOND", size=first.size, scalar_type=first.scalar_type)
            return [first, second]

    with ServerInThread(TwoLargeImages()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 2 images")
        user.select("LARGE", "SECOND")
        user.press(user.ui.loadButton)
        user.select("SECOND")
        menu = user.open_menu("SECOND")
        user.choose(menu.cancel)
        assert user.state("SECOND") == "cancelled"
        user.wait_for(lambda: user.state("LARGE") == "loaded", "the other one")


def test_copy_id_copies_all_that_are_selected(connected):
    connected.select("B", "D")
    connected.choose(connected.open_menu("B").copyId)
    assert QApplication.clipboard().text() == "B\nD"


def test_show_in_views_shows_an_image_that_is_loaded(connected, slicer_host, monkeypatch):
    shown = []
    monkeypatch.setattr(
        slicer_host.util, "setSliceViewerLayers", lambda **layers: shown.append(layers)
    )
    connected.ui.showInViewsCheckBox.checked = False
    connected.load("A")
    assert shown == []
    connected.choose(connected.open_menu("A").showInViews)
    assert shown == [{"background": connected.panel.browser.images.node("A"), "fit": True}]


def test_select_all_and_none(connected):
    connected.choose(connected.open_menu("A").selectAll)
    assert len(connected.panel.images.selection.imageIds()) == 4
    connected.choose(connected.open_menu("A").selectNone)
    assert connected.panel.images.selection.imageIds() == []


def test_nothing_can_be_selected_in_an_empty_table(user):
    menu = user.panel.images.menu
    menu.update()
    assert not menu.selectAll.enabled


def test_the_menu_closes_on_escape_without_cancelling(connected):
    menu = connected.open_menu("A")
    QTest.keyClick(menu.menu, Qt.Key_Escape)
    assert not menu.menu.visible
