"""The filter of a list so long that it is looked through in turns of the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt

from helpers.long_lists import count_prepared_rows, make_long_list
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList

COUNT, NAME = 12_000, 1


class LongSource:
    """Offers a long list, and the same once more when it is asked again."""

    def images(self):
        return make_long_list(COUNT)

    def trajectories(self):
        return []


@pytest.fixture
def long_list(user, monkeypatch) -> Iterator[ImageList]:
    """The list that the user sees; each turn looks through 500 rows, so that 24 are needed.

    That its columns are prepared meanwhile is left to the filter.
    """
    from IGTLMetaBrowserLib.codec import text_rows
    from IGTLMetaBrowserLib.ui.images import filter_section, section, table

    for module, name in ((table, "_FIRST_FILTER_SECONDS"), (filter_section, "_TURN_SECONDS")):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 500)
    monkeypatch.setattr(section, "_PREPARE_MILLISECONDS", 10**6)
    with ServerInThread(LongSource()) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: user.panel.model.rowCount() == COUNT, "the list")
        yield user.panel.model.images


def rows_by_one_step(text: str) -> list[int]:
    images = ImageList(make_long_list(COUNT))
    images.filter(text)
    return images.rows.tolist()


def filter_at_once(user, text: str) -> None:
    user.ui.filterLineEdit.clear()
    user.type_filter(text)
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)


def test_a_filter_waits_for_columns_that_are_not_prepared_and_no_step_looks_at_all(
    user, long_list, monkeypatch
):
    counts = count_prepared_rows(monkeypatch)
    filter_at_once(user, "müller head t1 7")
    assert user.panel.model.isFiltering
    assert user.ui.countLabel.text == "12000 images"
    assert user.panel.model.rowCount() == COUNT  # the rows from before, until the end
    user.wait_for(lambda: not user.panel.model.isFiltering, "the filter")
    assert max(counts) <= 500
    assert user.panel.model.shown.tolist() == rows_by_one_step("müller head t1 7")
    assert 0 < user.panel.model.rowCount() < COUNT


def test_of_two_filters_the_last_one_counts(user, long_list):
    filter_at_once(user, "liver")
    filter_at_once(user, "knee 12")
    assert user.panel.model.isFiltering
    user.wait_for(lambda: not user.panel.model.isFiltering, "the filter")
    assert user.panel.model.shown.tolist() == rows_by_one_step("knee 12")


def test_cleared_before_its_end_it_leaves_all(user, long_list):
    filter_at_once(user, "liver")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    user.wait_for(lambda: not user.panel.model.isFiltering, "the filter")
    assert user.panel.model.rowCount() == COUNT


def test_sorted_before_its_end_both_are_seen(user, long_list):
    filter_at_once(user, "liver")
    user.click_header(NAME)
    assert user.panel.model.isFiltering
    user.wait_for(lambda: not user.panel.model.isFiltering, "the filter")
    images = ImageList(make_long_list(COUNT))
    images.filter("liver")
    images.sort("name")
    assert user.panel.model.shown.tolist() == images.rows.tolist()


def test_read_again_the_list_has_no_rows_before_it_is_known_which(user, long_list):
    """And no wrong ones: then they are those of the filter, and the user is where they were."""
    model, view, shown = user.panel.model, user.ui.imageTableView, []
    filter_at_once(user, "liver")
    user.wait_for(lambda: not model.isFiltering, "the filter")
    expected = model.shown.tolist()
    user.select(model.imageId(40))
    model.modelReset.connect(lambda: shown.append((model.rowCount(), user.ui.countLabel.text)))
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: model.images is not long_list and not model.isFiltering, "the list again")
    assert shown[0][0] == 0
    assert model.shown.tolist() == expected
    assert view.currentIndex().row() == 40
    assert user.panel.images.selection.imageIds() == [model.imageId(40)]
    assert user.ui.countLabel.text == f"{len(expected)} of 12000"
