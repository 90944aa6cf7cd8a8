"""The panel in Slicer's main window: on one screen, and as narrow as the user has it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractButton, QApplication, QScrollArea

from helpers.peers import Peer, ScriptedServer, ServerInThread
from helpers.plans import line
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources.demo import DemoSource

WIDTH, HEIGHT = 400, 585  # in a main window of 900 pixels, 585 remain
LONG = "Ein_sehr_langer_Name_ohne_Leerzeichen_" * 2


@pytest.fixture
def narrow(user):
    user.module.show(WIDTH, HEIGHT)
    user.wait_for(lambda: True, "the layout")
    return user


def panel_of(user):
    return user.ui.serverCollapsibleButton.parentWidget()


def width_of(user) -> int:
    """The width that the panel needs at least."""
    user.wait_for(lambda: True, "the layout")
    return max(panel_of(user).minimumWidth, panel_of(user).minimumSizeHint.width())


def test_trajectories_and_images_are_seen_together_without_scrolling(narrow):
    with ServerInThread(DemoSource()) as server:
        narrow.connect_to(server.port)
        narrow.wait_for_status("offers 3 images")
        narrow.press(narrow.ui.trajectoriesButton)
        narrow.wait_for_status("are shown")
        narrow.wait_for(lambda: True, "the layout")
        for area in narrow.module.window.findChildren(QScrollArea):
            assert area.verticalScrollBar().maximum == 0
        assert narrow.ui.imageTableView.height >= 60
        assert narrow.ui.trajectoryTableView.height >= 60
        narrow.press(narrow.ui.connectButton)


def test_of_a_longer_list_five_images_are_seen_beside_the_trajectories(narrow):
    class LongSource(DemoSource):
        def images(self) -> list[codec.ImageMetaItem]:
            return [codec.ImageMetaItem(f"Image {one}", str(one), "MR") for one in range(40)]

    with ServerInThread(LongSource()) as server:
        narrow.connect_to(server.port)
        narrow.wait_for_status("offers 40 images")
        narrow.press(narrow.ui.trajectoriesButton)
        narrow.wait_for_status("are shown")
        # The panel follows trajectories four times a second, and then makes its layout anew.
        narrow.wait_for(lambda: narrow.panel.trajectories.model.rowCount() == 7, "the rows")
        for _ in range(20):
            QApplication.sendPostedEvents(None, QEvent.LayoutRequest)
            QApplication.processEvents()
        for area in narrow.module.window.findChildren(QScrollArea):
            assert area.verticalScrollBar().maximum == 0
        view = narrow.ui.imageTableView
        assert view.viewport().height >= 5 * view.rowHeight(0)
        narrow.press(narrow.ui.connectButton)


def test_no_text_of_a_server_makes_the_panel_wider(narrow, offer):
    before = width_of(narrow)
    offer(
        [
            codec.ImageMetaItem(LONG[:60], id_, LONG[:30], LONG[:60], LONG[:60], size=(2, 2, 2))
            for id_ in ("A", "B")
        ]
    )
    narrow.load("A")
    narrow.ui.detailsCollapsibleButton.collapsed = False
    narrow.select("A")
    assert width_of(narrow) <= before
    assert panel_of(narrow).width <= WIDTH


def test_no_message_makes_the_panel_wider(narrow):
    before = width_of(narrow)
    narrow.panel.status.show(LONG * 3)
    narrow.ui.connectionLabel.text = LONG * 3
    assert width_of(narrow) <= before


def test_a_long_message_is_shown_as_a_whole(narrow):
    narrow.panel.status.show("word " * 100)
    narrow.wait_for(lambda: True, "the layout")
    label = narrow.ui.statusLabel
    assert label.height >= label.heightForWidth(label.width)


def test_the_loss_of_the_connection_makes_it_no_wider(narrow):
    def leave(peer: Peer) -> None:
        peer.receive()

    before = width_of(narrow)
    with ScriptedServer(leave, Peer.wait_until_closed) as server:
        narrow.connect_to(server.port)
        narrow.wait_for(lambda: narrow.panel.browser.connection.next_attempt, "the loss")
        assert width_of(narrow) <= before
        narrow.press(narrow.ui.connectButton)


def test_a_live_image_that_can_be_recorded_makes_it_no_wider(narrow):
    before = width_of(narrow)
    narrow.ui.recordButton.visible = True
    assert width_of(narrow) <= before


def test_collapsed_sections_leave_the_panel_as_wide_as_it_was(narrow):
    before = panel_of(narrow).minimumWidth
    assert 200 < before <= WIDTH
    narrow.ui.imagesCollapsibleButton.collapsed = True
    narrow.ui.trajectoriesCollapsibleButton.collapsed = True
    assert panel_of(narrow).minimumWidth == before


def test_an_idle_panel_has_no_progress_bar_and_no_cancel_button(user):
    assert not user.ui.progressBar.isVisible()
    assert not user.ui.cancelButton.isVisible()


def test_tables_are_as_high_as_their_rows_up_to_a_limit(user, offer):
    offer([codec.ImageMetaItem(str(number), str(number)) for number in range(3)])
    user.wait_for(lambda: True, "the layout")
    few = user.ui.imageTableView.height
    user.press(user.ui.connectButton)
    offer([codec.ImageMetaItem(str(number), str(number)) for number in range(1000)])
    user.wait_for(lambda: True, "the layout")
    row_height = user.ui.imageTableView.rowHeight(0)
    assert few + 5 * row_height < user.ui.imageTableView.height < 14 * row_height


def test_all_buttons_follow_when_another_style_is_chosen(user):
    """One with a style sheet would keep the colors of the one before."""
    user.ui.searchPatientLineEdit.text = "smith"
    before, dark = QApplication.palette(), QPalette(QColor("#323232"))
    try:
        QApplication.setPalette(dark)
        QApplication.processEvents()
        buttons = user.module.window.findChildren(QAbstractButton)
        colors = {one.palette.color(QPalette.Button).name() for one in buttons}
    finally:
        QApplication.setPalette(before)
    assert colors == {"#323232"}


def test_sections_stay_as_the_user_leaves_them(user):
    ui = user.ui
    assert [ui.detailsCollapsibleButton.collapsed, ui.advancedCollapsibleButton.collapsed] == [
        True,
        True,
    ]
    ui.detailsCollapsibleButton.collapsed = False
    ui.trajectoriesCollapsibleButton.collapsed = True
    user.module.reload()
    assert not user.ui.detailsCollapsibleButton.collapsed
    assert user.ui.trajectoriesCollapsibleButton.collapsed
    assert not user.ui.imagesCollapsibleButton.collapsed


def test_the_last_server_stands_in_the_host_box(user, small_server, slicer_host):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    user.press(user.ui.connectButton)
    user.module.reload()
    slicer_host.mrmlScene.Clear(0)
    assert user.ui.hostLineEdit.text == "127.0.0.1"
    assert user.ui.portSpinBox.value == small_server


def test_a_short_list_of_trajectories_has_no_filter_and_a_long_one_has(plan):
    planner = plan(line("1"))
    assert not planner.ui.trajectoryFilterLineEdit.isVisible()
    planner.source.plans = [line(str(number)) for number in range(20)]
    planner.get()
    assert planner.ui.trajectoryFilterLineEdit.isVisible()
