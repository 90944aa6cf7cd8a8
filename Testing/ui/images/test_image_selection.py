"""Selecting images: any pattern, all and none, and over everything that moves the rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from IGTLMetaBrowserLib import codec


def entries(count: int) -> list[codec.ImageMetaItem]:
    return [
        codec.ImageMetaItem(
            f"Image {number}",
            f"I{number:03}",
            "CT",
            size=(2, 2, 2),
            scalar_type=codec.ScalarType.INT16,
        )
        for number in range(count)
    ]


@pytest.fixture
def source(offer):
    return offer(entries(100))


def make_wider_than_the_window(user) -> None:
    view = user.ui.imageTableView
    view.setColumnWidth(0, 2000)
    user.wait_for(lambda: view.horizontalScrollBar().maximum > 0, "the scroll bar")


def click(user, image_id: str, modifier: Qt.KeyboardModifier) -> None:
    view, model = user.ui.imageTableView, user.panel.model
    index = model.index(model.row(image_id), 0)
    view.scrollTo(index)
    QTest.mouseClick(view.viewport(), Qt.LeftButton, modifier, view.visualRect(index).center())


def test_every_row_of_a_pattern_is_loaded(user, source):
    user.select("I003")
    click(user, "I006", Qt.ShiftModifier)
    click(user, "I004", Qt.ControlModifier)
    click(user, "I090", Qt.ControlModifier)
    assert user.panel.images.selection.imageIds() == ["I003", "I005", "I006", "I090"]
    user.press(user.ui.loadButton)
    user.wait_for(lambda: user.state("I090") == "loaded", "the last one")
    assert sorted(user.panel.browser.images.loaded_ids()) == ["I003", "I005", "I006", "I090"]


def test_all_and_none(user, source):
    user.press(user.ui.selectAllButton)
    assert len(user.panel.images.selection.imageIds()) == 100
    user.press(user.ui.selectNoneButton)
    assert user.panel.images.selection.imageIds() == []
    assert not user.ui.loadButton.enabled
    assert not user.ui.selectNoneButton.enabled


def test_all_means_all_that_the_filter_shows(user, source):
    user.type_filter("I00")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    user.press(user.ui.selectAllButton)
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    assert len(user.ids()) == 100
    assert user.panel.images.selection.imageIds() == [f"I00{digit}" for digit in range(10)]


def test_a_row_can_be_taken_out_of_all(user, source):
    user.press(user.ui.selectAllButton)
    click(user, "I050", Qt.ControlModifier)
    assert len(user.panel.images.selection.imageIds()) == 99
    assert "I050" not in user.panel.images.selection.imageIds()


def test_what_the_filter_hides_is_not_loaded(user, source):
    user.select("I001", "I077")
    user.type_filter("I077")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.panel.images.selection.imageIds() == ["I077"]


def test_what_the_filter_hid_is_selected_again_when_it_is_cleared(user, source):
    user.select("I001", "I077")
    user.type_filter("I07")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    assert user.panel.images.selection.imageIds() == ["I001", "I077"]


def test_a_click_on_the_selected_row_selects_it_alone(user, source):
    """As a click on another one does: what the filter hides is not selected any more."""
    user.select("I001", "I077")
    user.type_filter("I077")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    click(user, "I077", Qt.NoModifier)
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    assert user.panel.images.selection.imageIds() == ["I077"]


def test_sorting_keeps_the_selection(user, source):
    user.select("I001", "I077")
    user.click_header(1)
    user.click_header(1)
    assert user.panel.images.selection.imageIds() == ["I077", "I001"]


def test_sorting_keeps_the_columns_where_they_are(user, source):
    user.select("I050")
    make_wider_than_the_window(user)
    user.click_header(6)
    position = user.ui.imageTableView.horizontalScrollBar().value
    assert position > 0
    user.click_header(6)
    assert user.ui.imageTableView.horizontalScrollBar().value == position


def test_refreshing_keeps_selection_present_row_and_scroll_position(user, source):
    user.select("I050", "I070")
    view = user.ui.imageTableView
    view.scrollTo(user.panel.model.index(40, 0), view.ScrollHint.PositionAtTop)
    make_wider_than_the_window(user)
    view.horizontalScrollBar().value = 40
    # What is new stands above, and moves all rows.
    source.entries = [codec.ImageMetaItem("New", "NEW"), *source.entries]
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 101, "the new list")

    assert user.panel.images.selection.imageIds() == ["I050", "I070"]
    assert user.panel.model.imageId(view.currentIndex().row()) == "I070"
    assert user.panel.model.imageId(view.rowAt(0)) == "I040"
    assert view.horizontalScrollBar().value == 40


def test_what_was_withdrawn_is_no_longer_selected(user, source):
    user.select("I050", "I070")
    source.entries = [entry for entry in source.entries if entry.id != "I050"]
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 99, "the new list")
    assert user.panel.images.selection.imageIds() == ["I070"]


def test_large_selections_are_kept_too(user, offer):
    offer(entries(1000))
    user.press(user.ui.selectAllButton)
    for row in range(0, 1000, 2):
        user.panel.images.selection._isSelected[row] = False  # every other row
    user.click_header(0)
    assert len(user.panel.images.selection.imageIds()) == 500


def test_a_selection_in_too_many_places_waits_for_a_filter_in_which_it_has_few(
    user, offer, monkeypatch
):
    """Qt needs seconds for as many, and looks through them for each cell that it paints."""
    from IGTLMetaBrowserLib.ui.images import row_selection

    monkeypatch.setattr(row_selection, "_MOST_RUNS", 20)
    offer([replace(one, modality="MR" if n % 2 else "CT") for n, one in enumerate(entries(100))])
    user.type_filter("mr")
    user.wait_for(lambda: len(user.ids()) == 50, "the filter")
    user.press(user.ui.selectAllButton)
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    user.wait_for(lambda: len(user.ids()) == 100, "all rows")

    assert user.panel.images.selection.imageIds() == []
    assert not user.ui.imageTableView.selectionModel().hasSelection
    assert not user.ui.loadButton.enabled
    assert "it is selected again with the filter" in user.ui.statusLabel.text
    user.type_filter("mr")
    user.wait_for(lambda: len(user.panel.images.selection.imageIds()) == 50, "the selection")

    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    user.wait_for(lambda: len(user.ids()) == 100, "all rows")
    click(user, "I006", Qt.NoModifier)
    assert user.panel.images.selection.imageIds() == ["I006"]


def test_many_groups_are_selected_at_once_as_rows_are(user, offer, monkeypatch):
    """Each on its own, those of a million images took 2 s."""
    from IGTLMetaBrowserLib.ui.images import row_selection

    offer([replace(one, patient_id=str(n // 2)) for n, one in enumerate(entries(100))])
    user.press(user.ui.groupCheckBox)
    user.wait_for(lambda: user.panel.model.rows.has_groups, "the groups")
    selections = []
    select = row_selection.selectRows
    monkeypatch.setattr(row_selection, "selectRows", lambda *a: (selections.append(a), select(*a)))
    user.press_key(user.ui.imageTableView, Qt.Key_A, Qt.ControlModifier)
    assert len(user.panel.images.selection.imageIds()) == 100
    assert len(selections) <= 2
