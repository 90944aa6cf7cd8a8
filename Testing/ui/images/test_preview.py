"""What images look like before they are loaded: a column of the table, and slices below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from PySide6.QtCore import QPoint, QPointF, QSettings, Qt
from PySide6.QtGui import QIcon, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.peers import ServerInThread
from helpers.picture_server import PictureServer, entry
from IGTLMetaBrowserLib.sources.demo import DemoSource

NAME, PREVIEW = 1, 9


@pytest.fixture
def pictures(user) -> Iterator[Callable[..., PictureServer]]:
    """Connects the user to a server that has thumbnails and parts: ``pictures(entries, …)``."""
    with ExitStack() as servers:

        def start(entries, **fields) -> PictureServer:
            server = servers.enter_context(PictureServer(entries, **fields))
            user.connect_to(server.port)
            user.wait_for(
                lambda: user.panel.browser.images.listing.listed_at is not None, "the list"
            )
            return server

        yield start
        user.panel.browser.disconnect()


@pytest.fixture
def demo(user) -> Iterator:
    """The user, connected to the head phantom's server."""
    with ServerInThread(DemoSource()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 3 images")
        yield user
        user.panel.browser.disconnect()


def show_column(user) -> None:
    user.panel.images.columns.choose(PREVIEW, True)


def picture(user, row: int):
    """The picture in a row's cell, or None."""
    model = user.panel.model
    return model.data(model.index(row, PREVIEW), Qt.DecorationRole)


def sides(icon) -> tuple[int, int]:
    size = icon.availableSizes()[0]
    return size.width(), size.height()


def wait_for_pictures(user, *rows: int) -> None:
    seen = lambda: all(picture(user, row) is not None for row in rows)  # noqa: E731
    user.wait_for(seen, f"the thumbnails in the rows {rows}")


def gray_in_the_middle(label) -> int:
    image = label.pixmap.toImage()
    return image.pixelColor(image.width() // 2, image.height() // 2).red()


# The column


def test_the_column_is_there_when_the_user_chooses_it(demo):
    view = demo.ui.imageTableView
    low, icon_size = view.rowHeight(0), view.iconSize
    assert PREVIEW not in demo.panel.images.columns.shown()
    show_column(demo)
    assert demo.panel.images.columns.shown()[:3] == [0, PREVIEW, NAME]
    assert view.rowHeight(0) >= 56 > low
    wait_for_pictures(demo, 0, 1, 2)
    assert [max(*sides(picture(demo, row))) for row in range(3)] == [56] * 3
    assert 20 < demo.ui.imageTableView.columnWidth(PREVIEW) < 80
    demo.panel.images.columns.choose(PREVIEW, False)
    assert (view.rowHeight(0), view.iconSize) == (low, icon_size)


def test_the_icons_of_the_states_are_larger_then_and_whole(demo):
    demo.select("DEMO_CT")
    demo.press(demo.ui.loadButton)
    demo.wait_for_status("is loaded")
    view, state = demo.ui.imageTableView, demo.panel.model.index(0, 0)
    for is_shown in (True, False):
        demo.panel.images.columns.choose(PREVIEW, is_shown)
        assert view.sizeHintForIndex(state).width() <= view.columnWidth(0)


def test_that_is_kept(user, slicer_host):
    show_column(user)
    user.module.reload()
    assert PREVIEW in user.panel.images.columns.shown()
    assert user.ui.imageTableView.verticalHeader().defaultSectionSize >= 56


def test_columns_that_an_older_version_kept_stay_where_they_are(user):
    kept = "state +id name modality patient patientId scanTime size type"
    QSettings().setValue("IGTLMetaBrowser/Columns/Images", kept)
    user.module.reload()
    show_column(user)
    assert user.panel.images.columns.shown()[:4] == [0, PREVIEW, 8, NAME]


def test_only_what_is_seen_is_asked_for_however_long_the_list_is(user, pictures):
    server = pictures([entry(f"I{number}") for number in range(10_000)])
    assert server.asked == []
    show_column(user)
    wait_for_pictures(user, 0)
    bar = user.ui.imageTableView.verticalScrollBar()
    for place in range(0, 9_000, 300):
        bar.value = place
    bar.value = bar.maximum
    wait_for_pictures(user, 9_999)
    assert len(server.names_asked("IMGTHUMB")) < 40


def test_a_picture_has_no_text_and_is_not_sorted_by(demo):
    show_column(demo)
    wait_for_pictures(demo, 0)
    demo.select("DEMO_CT")
    demo.panel.images.copying.copyRows()
    assert QApplication.clipboard().text().count("\t") == len(demo.panel.images.columns.shown()) - 2
    demo.click_header(PREVIEW)
    assert not demo.panel.images.isSorted


def test_hidden_patients_have_no_pictures(demo):
    show_column(demo)
    wait_for_pictures(demo, 0)
    demo.ui.hidePatientsCheckBox.checked = True
    assert picture(demo, 0) is None
    demo.ui.hidePatientsCheckBox.checked = False
    wait_for_pictures(demo, 0)


def test_a_selected_row_does_not_tint_its_picture(demo):
    show_column(demo)
    wait_for_pictures(demo, 0)
    icon = picture(demo, 0)
    usual, selected = (
        icon.pixmap(56, 56, mode).toImage() for mode in (QIcon.Normal, QIcon.Selected)
    )
    assert usual == selected


# The slices below


def test_the_preview_is_folded_until_the_user_wants_it(user):
    assert not user.ui.previewWidget.isVisible()
    user.press(user.ui.previewButton)
    assert user.ui.previewWidget.isVisible()
    assert user.ui.previewLabel.text == "Select an image to see its preview."
    user.module.reload()
    assert user.ui.previewButton.checked
    assert not user.ui.previewWidget.isHidden()


@pytest.fixture
def previewed(demo):
    """The user, who looks at the slices of the CT."""
    demo.press(demo.ui.previewButton)
    demo.select("DEMO_CT")
    demo.wait_for(lambda: demo.ui.sliceLabel.text, "the slices")
    return demo


def test_the_middle_slice_is_shown_first(previewed):
    label, slider = previewed.ui.previewLabel, previewed.ui.sliceSlider
    assert slider.enabled
    assert slider.value == (slider.maximum + 1) // 2 > 10
    assert previewed.ui.sliceLabel.text == f"{slider.value + 1} / {slider.maximum + 1}"
    assert gray_in_the_middle(label) > 0
    assert label.pixmap.height() == label.height
    assert previewed.panel.browser.images.node("DEMO_CT") is None  # nothing was loaded


def test_dragging_scrolls_through_the_stack(previewed):
    label, slider = previewed.ui.previewLabel, previewed.ui.sliceSlider
    middle, x = slider.value, label.width // 2
    QTest.mousePress(label, Qt.LeftButton, Qt.NoModifier, QPoint(x, 150))
    QTest.mouseMove(label, QPoint(x, 100))
    up = slider.value
    QTest.mouseMove(label, QPoint(x, 190))
    down = slider.value
    QTest.mouseRelease(label, Qt.LeftButton, Qt.NoModifier, QPoint(x, 190))
    QTest.mouseMove(label, QPoint(x, 20))
    assert down < middle < up
    assert slider.value == down


def test_the_wheel_goes_from_slice_to_slice(previewed):
    label, slider = previewed.ui.previewLabel, previewed.ui.sliceSlider
    before, middle = slider.value, QPointF(label.rect.center())
    up, none = QPoint(0, 120), QPoint()
    buttons, keys, phase = Qt.NoButton, Qt.NoModifier, Qt.NoScrollPhase
    event = QWheelEvent(middle, middle, none, up, buttons, keys, phase, False)
    QApplication.sendEvent(label, event)
    assert slider.value == before + 1


def test_a_double_click_looks_from_another_direction(previewed):
    names = [previewed.ui.directionButton.text]
    for _ in range(2):
        QTest.mouseDClick(previewed.ui.previewLabel, Qt.LeftButton)
        names.append(previewed.ui.directionButton.text)
    previewed.press(previewed.ui.directionButton)
    assert names == ["Axial", "Sagittal", "Coronal"]
    assert previewed.ui.directionButton.text == "Axial"


def test_another_row_shows_another_image(previewed):
    previewed.ui.sliceSlider.value = 3
    previewed.select("DEMO_PT")
    slider = previewed.ui.sliceSlider
    previewed.wait_for(lambda: slider.value == (slider.maximum + 1) // 2, "the middle of the PET")


def test_hidden_patients_have_no_preview(previewed):
    previewed.ui.hidePatientsCheckBox.checked = True
    previewed.wait_for(lambda: "hidden" in previewed.ui.previewLabel.text, "the reason")
    assert not previewed.ui.sliceSlider.enabled
    previewed.ui.hidePatientsCheckBox.checked = False
    previewed.wait_for(lambda: previewed.ui.sliceSlider.enabled, "the slices")


def test_of_a_server_that_has_thumbnails_only_these_are_shown(user, pictures):
    pictures([entry("A")], types=("GET_IMGTHUMB", "IMGTHUMB"))
    user.press(user.ui.previewButton)
    user.select("A")
    user.wait_for(lambda: not user.ui.previewLabel.pixmap.isNull(), "the thumbnail")
    assert not user.ui.sliceSlider.enabled


def test_of_a_server_that_has_neither_loaded_images_are_shown(user, pictures):
    pictures([entry("A")], types=())
    user.press(user.ui.previewButton)
    user.select("A")
    user.wait_for(lambda: user.ui.previewLabel.text.startswith("No preview"), "the reason")
    user.load("A")
    user.wait_for(lambda: user.ui.sliceLabel.text == "2 / 2", "the slices")


def test_a_part_that_is_refused_leaves_the_words(user, pictures):
    pictures([entry("A")], types=("GET_IMGPART", "IMGPART"), part=lambda query: b"")
    user.press(user.ui.previewButton)
    user.select("A")
    user.wait_for(lambda: user.ui.previewLabel.text.startswith("No preview"), "the reason")


def test_nobody_is_said_to_wait_for_pictures(user, pictures):
    silent = lambda _query: None  # noqa: E731
    server = pictures([entry("A")], thumbnail=silent, part=silent)
    show_column(user)
    user.press(user.ui.previewButton)
    user.select("A")
    user.wait_for(lambda: server.names_asked("IMGTHUMB"), "the query")
    user.panel.update()
    assert "waiting" not in user.ui.connectionLabel.text
