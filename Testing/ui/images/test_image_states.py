"""How far each image is: words, colors and notes in its row, and the progress of all together."""

from __future__ import annotations

import re

import numpy as np
import pytest
import slicer
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from helpers.long_lists import LongListSource
from helpers.peers import Peer, ScriptedServer, ServerInThread
from helpers.window_sources import LargeSource
from IGTLMetaBrowserLib import codec

STATE, NAME = 0, 1
LARGE_SIZE = (512, 512, 300)


@pytest.fixture
def connected(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    return user


def cell(user, image_id: str, column: int, role: Qt.ItemDataRole):
    model = user.panel.model
    return model.data(model.index(model.row(image_id), column), role)


class ThreeLargeImages(LargeSource):
    """Three images of 157 MB."""

    def images(self) -> list[codec.ImageMetaItem]:
        return [
            codec.ImageMetaItem(id_, id_, size=LARGE_SIZE, scalar_type=codec.ScalarType.UINT16)
            for id_ in ("ONE", "TWO", "THREE")
        ]


@pytest.fixture
def loading(user):
    """Three large images are being loaded; much of the first is there."""
    with ServerInThread(ThreeLargeImages()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 3 images")
        user.press(user.ui.selectAllButton)
        user.press(user.ui.loadButton)
        user.wait_for(
            lambda: user.panel.browser.images.downloads.transfer.received > 40e6,
            "a part of the first",
        )
        yield user


def test_waiting_percent_and_loaded(loading):
    user = loading
    transfer = user.panel.browser.images.downloads.transfer
    assert user.state("ONE") == f"{100 * transfer.received // transfer.size} %"
    assert [user.state(id_) for id_ in ("TWO", "THREE")] == ["waiting", "waiting"]
    user.wait_for(lambda: user.state("TWO") == "loaded", "the second")
    assert user.state("ONE") == "loaded"


def test_the_cell_is_filled_as_far_as_the_image_has_come(loading):
    transfer = loading.panel.browser.images.downloads.transfer
    gradient = cell(loading, "ONE", NAME, Qt.BackgroundRole).gradient()
    edge = gradient.stops()[1][0]
    assert edge == pytest.approx(transfer.received / transfer.size, abs=0.002)
    assert cell(loading, "TWO", NAME, Qt.BackgroundRole) is None


def test_overall_progress_with_rate_and_time_left(loading):
    user = loading
    user.wait_for(lambda: "left" in user.ui.progressLabel.text, "the rate")
    text = user.ui.progressLabel.text
    figures = re.fullmatch(
        r"Image (\d) of 3, \d+ (?:MB|bytes) of 157 MB, [\d,.]+ [kM]B/s, \d+ (?:s|min|h) left", text
    )
    assert figures, text
    number = int(figures[1])
    assert 33 * (number - 1) <= user.ui.progressBar.value <= 34 * number  # of all three
    assert user.ui.cancelButton.enabled
    user.press(user.ui.cancelButton)
    assert not user.ui.progressWidget.visible
    assert not user.ui.cancelButton.enabled


def test_the_place_of_the_progress_is_kept_between_images_and_given_up_afterwards(
    loading, monkeypatch
):
    from IGTLMetaBrowserLib.ui import progress_section

    monkeypatch.setattr(progress_section, "_MILLISECONDS_OF_PLACE", 50)
    user = loading

    def is_kept():
        return user.ui.progressWidget.sizePolicy.retainSizeWhenHidden()

    user.wait_for(is_kept, "its place")
    user.press(user.ui.cancelButton)
    user.wait_for(lambda: not is_kept(), "the end of its place")
    assert not user.ui.progressWidget.visible


def test_cancelling_all_leaves_the_connection_and_what_is_loaded(loading):
    user = loading
    user.wait_for(lambda: user.state("ONE") == "loaded", "the first")
    user.press(user.ui.cancelButton)
    assert [user.state(id_) for id_ in ("ONE", "TWO", "THREE")] == [
        "loaded",
        "cancelled",
        "cancelled",
    ]
    user.press(user.ui.refreshButton)
    user.wait_for_status("offers 3 images")


def test_thousands_that_are_asked_for_or_cancelled_are_shown_together(user, monkeypatch):
    # By their list they need 300 GB, which the user agrees to.
    monkeypatch.setattr(slicer.util, "confirmOkCancelDisplay", lambda _text: True)
    with ServerInThread(LongListSource(3000)) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 3000 images")
        changes = []
        user.panel.model.dataChanged.connect(lambda *cells: changes.append(cells))
        for button, state in ((user.ui.loadButton, "waiting"), (user.ui.cancelButton, "cancelled")):
            user.press(user.ui.selectAllButton)
            user.press(button)
            QApplication.processEvents()
            assert user.state("IMAGE_00002999") == state
            assert 0 < len(changes) < 100, "the window would stand still"
            changes.clear()
        assert not user.ui.cancelButton.enabled


def test_why_an_image_failed_is_in_its_row_its_tool_tip_and_the_status(connected):
    connected.load("BROKEN")
    assert connected.state("BROKEN").startswith("failed: ")
    for text in (
        connected.state("BROKEN"),
        cell(connected, "BROKEN", STATE, Qt.ToolTipRole),
        connected.status,
    ):
        assert "slice 7 of BROKEN is missing" in text


def test_a_note_marks_the_row_and_is_in_the_tool_tip(user, offer):
    offer([codec.ImageMetaItem("Head", "A", size=(2, 2, 2), scalar_type=codec.ScalarType.INT8)])
    user.load("A")
    assert user.state("A") == "loaded (note)"
    assert "listed as int8, received as int16" in cell(user, "A", STATE, Qt.ToolTipRole)
    assert "note: listed as int8, received as int16" in user.status


def test_an_empty_cell_has_no_tool_tip(connected):
    assert cell(connected, "A", STATE, Qt.DisplayRole) == ""
    assert cell(connected, "A", STATE, Qt.ToolTipRole) is None


def test_what_a_server_sends_is_no_html_in_a_tool_tip(user, offer):
    offer([codec.ImageMetaItem("<img src='file:///etc/passwd'><b>", "A")])
    assert "<img" not in cell(user, "A", NAME, Qt.ToolTipRole)
    assert "&lt;b&gt;" in cell(user, "A", NAME, Qt.ToolTipRole)


@pytest.mark.parametrize("background", ["#ffffff", "#2b2b2b"], ids=["light", "dark"])
def test_colors_can_be_read_on_light_and_dark_styles(connected, background):
    palette = QPalette(connected.ui.imageTableView.palette)
    palette.setColor(QPalette.Base, QColor(background))
    connected.ui.imageTableView.palette = palette
    connected.load("A", "BROKEN")
    for image_id in ("A", "BROKEN"):
        color = color_of(cell(connected, image_id, STATE, Qt.DecorationRole))
        assert contrast(color, QColor(background)) >= 4.5, (image_id, color.name())


def color_of(icon: QIcon) -> QColor:
    """The color of the pixels that an icon fills."""
    image = icon.pixmap(16).toImage()
    places = [(x, y) for x in range(image.width()) for y in range(image.height())]
    colors = [image.pixelColor(x, y) for x, y in places]
    return next(color for color in colors if color.alpha() == 255)


def contrast(one: QColor, other: QColor) -> float:
    """The ratio by which the guidelines for accessible web pages judge texts: 4.5 is enough."""

    def luminance(color: QColor) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (color.redF(), color.greenF(), color.blueF())
        ]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_each_state_has_an_icon_of_its_own_and_its_words_for_who_cannot_see_it(connected):
    connected.load("A", "BROKEN")
    assert cell(connected, "A", STATE, Qt.AccessibleTextRole) == "loaded"
    assert cell(connected, "B", STATE, Qt.DecorationRole) is None
    icons = [cell(connected, id_, STATE, Qt.DecorationRole) for id_ in ("A", "BROKEN")]
    loaded, failed = (icon.pixmap(16).toImage() for icon in icons)
    assert loaded != failed


def test_an_image_is_shown_in_the_views_only_if_the_user_wants_it(
    connected, slicer_host, monkeypatch
):
    shown = []
    monkeypatch.setattr(
        slicer_host.util, "setSliceViewerLayers", lambda **layers: shown.append(layers)
    )
    connected.ui.showInViewsCheckBox.checked = False
    connected.load("A")
    connected.ui.showInViewsCheckBox.checked = True
    connected.load("B")
    assert [layers["background"].GetName() for layers in shown] == ["Image B"]


def test_an_image_that_the_views_show_already_is_not_fitted_again(
    connected, slicer_host, monkeypatch
):
    connected.load("A")
    layer = slicer_host.mrmlScene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    layer.SetBackgroundVolumeID(connected.panel.browser.images.node("A").GetID())
    shown = []
    monkeypatch.setattr(
        slicer_host.util, "setSliceViewerLayers", lambda **layers: shown.append(layers)
    )
    connected.load("A")
    assert shown == []
    slicer_host.mrmlScene.RemoveNode(layer)


def test_a_live_image_of_which_several_frames_come_at_once_is_shown_in_the_views(
    user, slicer_host, monkeypatch
):
    shown = []
    monkeypatch.setattr(
        slicer_host.util, "setSliceViewerLayers", lambda **layers: shown.append(layers)
    )
    frame = codec.pack(codec.ImageMessage(np.ones((1, 3, 4), np.uint8), device_name="PROBE"))

    def stream(peer: Peer) -> None:
        peer.send(frame + frame + frame)
        peer.wait_until_closed()

    with ScriptedServer(stream) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: user.panel.browser.images.live.states, "the live image")
        node = user.panel.browser.images.node("PROBE")
        assert [layers["background"] for layers in shown] == [node]


def test_images_that_come_unasked_are_live_rows(user, slicer_host):
    listed = codec.ImageMetaMessage(items=[codec.ImageMetaItem("Head", "HEAD", "CT")])

    def frame(value: int, name: str) -> codec.ImageMessage:
        return codec.ImageMessage(np.full((2, 3, 4), value, np.uint8), device_name=name)

    def stream(peer: Peer) -> None:
        peer.receive()
        peer.send(listed)
        for value in (1, 2, 3):
            peer.send(frame(value, "PROBE"))
        peer.send(frame(9, "HEAD"))
        peer.wait_until_closed()

    with ScriptedServer(stream) as server:
        user.connect_to(server.port)
        user.wait_for(
            lambda: user.panel.browser.images.listing.entry("HEAD") is not None, "the list"
        )
        user.wait_for(lambda: user.state("HEAD") == "live, 1 received", "the frames")
        assert user.ids() == ["HEAD", "PROBE"]
        assert user.state("PROBE") == "live, 3 received"
        node = user.panel.browser.images.node("PROBE")
        assert slicer_host.util.arrayFromVolume(node).max() == 3
        assert user.table()[1][6] == "4 × 3 × 2"

        user.select("PROBE")
        user.type_filter("probe")
        user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
        assert user.ids() == ["PROBE"]

        user.press(user.ui.connectButton)
        assert user.ids() == []
