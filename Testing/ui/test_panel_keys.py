"""The panel by keyboard."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence

from helpers.peers import ServerInThread
from helpers.window_sources import LargeSource
from IGTLMetaBrowserLib import codec

ENTRIES = [
    codec.ImageMetaItem(
        f"Image {id_}", id_, "CT", size=(2, 2, 2), scalar_type=codec.ScalarType.INT16
    )
    for id_ in ("A", "B", "C")
]


@pytest.fixture
def source(offer):
    return offer(ENTRIES)


SECTIONS = ("server", "images", "trajectories", "details", "share", "advanced")


def focused(user) -> str:
    return user.module.window.focusWidget().objectName


@pytest.mark.parametrize("key", [Qt.Key_Return, Qt.Key_Enter])
def test_enter_in_the_table_loads_what_is_selected(user, source, key):
    user.select("A", "C")
    user.press_key(user.ui.imageTableView, key)
    user.wait_for(lambda: user.state("C") == "loaded", "image C")
    assert user.state("A") == "loaded"
    assert user.state("B") == ""


def test_the_arrows_and_shift_select_rows(user, source):
    user.select("A")
    user.press_key(user.ui.imageTableView, Qt.Key_Down)
    user.press_key(user.ui.imageTableView, Qt.Key_Down, Qt.ShiftModifier)
    assert user.panel.images.selection.imageIds() == ["B", "C"]


def test_ctrl_a_selects_all(user, source):
    user.press_key(user.ui.imageTableView, Qt.Key_A, Qt.ControlModifier)
    assert user.panel.images.selection.imageIds() == ["A", "B", "C"]


@pytest.mark.parametrize("name", ["imageTableView", "refreshButton", "hostLineEdit"])
def test_ctrl_f_goes_to_the_filter_and_selects_what_is_there(user, source, name):
    user.ui.hostLineEdit.enabled = True
    user.ui.filterLineEdit.text = "old"
    user.module.window.activateWindow()
    user.press_key(getattr(user.ui, name), Qt.Key_F, Qt.ControlModifier)
    assert focused(user) == "filterLineEdit"
    assert user.ui.filterLineEdit.selectedText == "old"


def test_ctrl_f_works_although_slicer_has_it_for_its_module_finder(user, source):
    found = []
    finder = QAction("Module Finder", user.module.window)
    finder.setShortcut(QKeySequence("Ctrl+F"))
    finder.triggered.connect(lambda: found.append("module"))
    user.module.window.addAction(finder)
    user.module.window.activateWindow()

    for _ in range(3):
        user.press_key(user.ui.imageTableView, Qt.Key_F, Qt.ControlModifier)
        assert focused(user) == "filterLineEdit"
    assert found == []

    user.module.window.removeAction(finder)
    finder.deleteLater()


def test_esc_in_the_filter_shows_all_again(user, source):
    user.type_filter("image b")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ids() == ["B"]
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    assert user.ids() == ["A", "B", "C"]
    assert user.ui.filterLineEdit.text == ""


@pytest.mark.parametrize("name", ["imageTableView", "cancelButton"])
def test_esc_elsewhere_cancels_loading(user, name):
    with ServerInThread(LargeSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        user.select("LARGE")
        user.press(user.ui.loadButton)
        user.wait_for(
            lambda: user.panel.browser.images.downloads.transfer is not None, "the transfer"
        )
        user.press_key(getattr(user.ui, name), Qt.Key_Escape)
        assert user.status == "Loading was cancelled."
        assert user.state("LARGE") == "cancelled"


def test_esc_in_the_filter_does_not_cancel(user):
    with ServerInThread(LargeSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        user.select("LARGE")
        user.press(user.ui.loadButton)
        user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
        user.wait_for_status("'Large' is loaded")


@pytest.mark.parametrize("name", ["hostLineEdit", "portSpinBox"])
def test_return_in_the_address_connects_and_goes_on_in_the_table(user, small_server, name):
    user.ui.hostLineEdit.text = f"127.0.0.1:{small_server}"
    user.module.window.activateWindow()
    user.press_key(getattr(user.ui, name), Qt.Key_Return)
    # Not to the button that has become Disconnect: Space would press it.
    assert focused(user) == "imageTableView"
    user.wait_for_status("offers 4 images")


def test_return_in_an_address_that_is_none_stays_there(user):
    user.ui.hostLineEdit.text = "a server"
    user.module.window.activateWindow()
    user.press_key(user.ui.hostLineEdit, Qt.Key_Return)
    assert focused(user) == "hostLineEdit"


def test_the_arrow_down_goes_from_the_filter_to_the_first_row(user, source):
    user.module.window.activateWindow()
    user.type_filter("image")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Down)
    assert focused(user) == "imageTableView"
    assert user.panel.images.selection.imageIds() == ["A"]


@pytest.mark.parametrize("name", ["imageTableView", "filterLineEdit", "loadButton"])
def test_f5_gets_the_list_again(user, source, name):
    user.select("A")
    user.press_key(getattr(user.ui, name), Qt.Key_F5)
    assert user.status.startswith("Getting the list of images from ")
    user.wait_for_status("offers 3 images")


def test_f5_does_nothing_without_a_server(user):
    user.press_key(user.ui.imageTableView, Qt.Key_F5)
    assert user.status == "Not connected."


def test_tab_goes_through_each_section_after_its_head(user, source):
    first = user.ui.serverCollapsibleButton
    names, widget = [first.objectName], first.nextInFocusChain()
    while widget is not first:
        names.append(widget.objectName)
        widget = widget.nextInFocusChain()
    places = [names.index(f"{section}CollapsibleButton") for section in SECTIONS]
    assert places == sorted(places)
    inside = ("hostLineEdit", "filterLineEdit", "trajectoriesButton", "detailsSearchLineEdit")
    for head, next_head, name in zip(places, places[1:], inside, strict=False):
        assert head < names.index(name) < next_head


def test_letters_in_the_table_do_not_search_row_by_row(user, source):
    # In a long list that would take seconds; all three names begin with this letter.
    user.select("A")
    user.press_key(user.ui.imageTableView, Qt.Key_I)
    assert user.panel.images.selection.imageIds() == ["A"]
