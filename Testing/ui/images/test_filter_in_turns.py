"""A list so long that it is filtered, sorted and grouped in turns of the event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from helpers.long_lists import count_prepared_rows, make_long_list
from helpers.peers import ServerInThread, make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists import text_column
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList
from IGTLMetaBrowserLib.browser.lists.shown_rows import ShownRows
from IGTLMetaBrowserLib.turns import at_once

COUNT, NAME, PATIENT = 12_000, 1, 3


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
    from IGTLMetaBrowserLib.browser.lists import local_days, sorting
    from IGTLMetaBrowserLib.codec import text_rows
    from IGTLMetaBrowserLib.ui.images import filter_section, rows, section

    for module, name in ((rows, "_FIRST_SECONDS"), (filter_section, "_TURN_SECONDS")):
        monkeypatch.setattr(module, name, 0.0)
    monkeypatch.setattr(text_rows, "_ROWS_A_TURN", 500)
    monkeypatch.setattr(sorting, "_A_TURN", 500)
    monkeypatch.setattr(local_days, "_A_TURN", 500)
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
    assert user.panel.model.isArranging
    assert user.ui.countLabel.text == "12000 images"
    assert user.panel.model.rowCount() == COUNT  # the rows from before, until the end
    user.wait_for(lambda: not user.panel.model.isArranging, "the filter")
    assert max(counts) <= 500
    assert user.panel.model.rows.shown.tolist() == rows_by_one_step("müller head t1 7")
    assert 0 < user.panel.model.rowCount() < COUNT


def test_of_two_filters_the_last_one_counts(user, long_list):
    filter_at_once(user, "liver")
    filter_at_once(user, "knee 12")
    assert user.panel.model.isArranging
    user.wait_for(lambda: not user.panel.model.isArranging, "the filter")
    assert user.panel.model.rows.shown.tolist() == rows_by_one_step("knee 12")


def test_cleared_before_its_end_it_leaves_all(user, long_list):
    filter_at_once(user, "liver")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    user.wait_for(lambda: not user.panel.model.isArranging, "the filter")
    assert user.panel.model.rowCount() == COUNT


def test_sorted_before_its_end_both_are_seen(user, long_list):
    filter_at_once(user, "liver")
    user.click_header(NAME)
    assert user.panel.model.isArranging
    user.wait_for(lambda: not user.panel.model.isArranging, "the filter")
    images = ImageList(make_long_list(COUNT))
    images.filter("liver")
    images.sort("name")
    assert user.panel.model.rows.shown.tolist() == images.rows.tolist()


def test_an_order_waits_for_a_column_that_is_not_prepared(user, long_list, monkeypatch):
    ranks, counts = text_column.ranks_in_turns, count_prepared_rows(monkeypatch)
    monkeypatch.setattr(text_column, "ranks_in_turns", ranks)  # which has turns of its own
    user.click_header(PATIENT)
    assert user.panel.model.isArranging
    user.wait_for(lambda: not user.panel.model.isArranging, "the order")
    assert max(counts) <= 500
    images = ImageList(make_long_list(COUNT))
    images.sort("patient_name")
    assert user.panel.model.rows.shown.tolist() == images.rows.tolist()


def test_read_again_the_list_has_no_rows_before_it_is_known_which(user, long_list):
    """And no wrong ones: then they are those of the filter, and the user is where they were."""
    model, view, shown = user.panel.model, user.ui.imageTableView, []
    filter_at_once(user, "liver")
    user.wait_for(lambda: not model.isArranging, "the filter")
    expected = model.rows.shown.tolist()
    user.select(model.imageId(40))
    model.modelReset.connect(lambda: shown.append((model.rowCount(), user.ui.countLabel.text)))
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: model.images is not long_list and not model.isArranging, "the list again")
    assert shown[0][0] == 0
    assert model.rows.shown.tolist() == expected
    assert view.currentIndex().row() == 40
    assert user.panel.images.selection.imageIds() == [model.imageId(40)]
    assert user.ui.countLabel.text == f"{len(expected)} of 12000"


def groups_by_one_step(images: ImageList) -> list[int]:
    return at_once(ShownRows.of(images, is_grouped=True)).shown.tolist()


def test_groups_are_made_in_turns_and_until_the_end_the_rows_stay(user, long_list, monkeypatch):
    model, counts = user.panel.model, count_prepared_rows(monkeypatch)
    user.ui.groupCheckBox.click()
    assert model.isArranging
    assert (model.rowCount(), model.rows.has_groups) == (COUNT, False)
    assert not user.ui.imageTableView.isColumnHidden(PATIENT)
    user.wait_for(lambda: model.rows.has_groups, "the groups")
    assert max(counts) <= 500
    assert model.rows.shown.tolist() == groups_by_one_step(ImageList(make_long_list(COUNT)))
    assert user.ui.imageTableView.isColumnHidden(PATIENT)  # the groups say it


def test_groups_over_a_filter_and_an_order_are_made_in_turns(user, long_list):
    model, images = user.panel.model, ImageList(make_long_list(COUNT))
    user.ui.groupCheckBox.click()
    filter_at_once(user, "liver")
    user.click_header(NAME)
    assert model.isArranging
    user.wait_for(lambda: not model.isArranging, "the groups")
    images.filter("liver")
    images.sort("name")
    assert model.rows.shown.tolist() == groups_by_one_step(images)
    assert user.ui.countLabel.text == f"{len(images.rows)} of 12000"


def test_a_group_that_is_opened_stays_where_the_keyboard_is(user, long_list):
    model, view = user.panel.model, user.ui.imageTableView
    user.ui.groupCheckBox.click()
    user.wait_for(lambda: model.rows.has_groups, "the groups")
    group = model.rows.group(3).key
    view.setCurrentIndex(model.index(3, NAME))
    user.press_key(view, Qt.Key_Right)
    assert model.isArranging
    user.wait_for(lambda: not model.isArranging, "the open group")
    assert model.isGroupOpen(3)
    assert (model.rows.group(3).key, view.currentIndex().row()) == (group, 3)
    user.press_key(view, Qt.Key_Left)
    user.wait_for(lambda: not model.isArranging, "the collapsed group")
    assert view.currentIndex().row() == 3


def test_what_comes_unasked_below_it_takes_no_row_away_meanwhile(user, long_list, monkeypatch):
    """Nor does it come so often that the rows are never found."""
    from IGTLMetaBrowserLib.ui.images import section

    monkeypatch.setattr(section, "_REST_FACTOR", 0)
    model, counts = user.panel.model, []
    user.ui.groupCheckBox.click()
    user.click_header(NAME)
    user.wait_for(lambda: not model.isArranging, "the groups")
    model.modelReset.connect(lambda: counts.append(model.rowCount()))
    sections, images = user.panel.images, user.panel.browser.images
    for number in range(20):
        images.on_live_image(make_image(1, device_name=f"LIVE {number}"))
        sections.showListSoon()
        QApplication.processEvents()
    user.wait_for(lambda: len(model.rows.order) == COUNT + 20, "the last one")
    assert min(counts) > 3000


def test_a_key_that_is_held_down_opens_a_group_once(user, long_list):
    """It comes again before the group is open."""
    model, view = user.panel.model, user.ui.imageTableView
    user.ui.groupCheckBox.click()
    user.wait_for(lambda: model.rows.has_groups, "the groups")
    view.setCurrentIndex(model.index(3, NAME))
    for key, is_open in ((Qt.Key_Right, True), (Qt.Key_Left, False)):
        for _ in range(2):
            user.press_key(view, key)
            assert model.isArranging
        user.wait_for(lambda: not model.isArranging, "the group")
        assert model.isGroupOpen(3) is is_open


def test_patients_are_hidden_in_turns_and_no_name_is_seen_meanwhile(user, long_list, monkeypatch):
    """Of a million images one step of it took 4 s. What was selected stays so."""
    from IGTLMetaBrowserLib.ui.images import covering

    monkeypatch.setattr(covering, "_TURN_SECONDS", 0.0)
    model, selection, seen = user.panel.model, user.panel.images.selection, []
    image_ids = [model.imageId(row) for row in (3, 7)]
    user.select(*image_ids)
    hidden = user.panel.browser.patients.hidden_changed
    hidden.connect(lambda _: seen.append((model.rowCount(), model.isCovered)))
    user.ui.hidePatientsCheckBox.click()
    user.wait_for(lambda: seen, "that they are hidden")
    assert seen == [(0, True)]
    user.wait_for(lambda: not model.isCovered and not model.isArranging, "the list")
    assert model.rowCount() == COUNT
    assert model._text(0, PATIENT).startswith("Patient ")
    assert selection.imageIds() == image_ids
    user.ui.hidePatientsCheckBox.click()
    user.wait_for(lambda: model.rowCount() == COUNT, "the list")
    assert not model._text(0, PATIENT).startswith("Patient ")
    assert selection.imageIds() == image_ids


@pytest.fixture
def looked_at(long_list, monkeypatch) -> list[int]:
    """Of how many entries each time the patients are looked at as they are hidden."""
    from IGTLMetaBrowserLib.privacy import redacted_list
    from IGTLMetaBrowserLib.ui import patient_privacy

    for name in ("_FIRST_SECONDS", "_TURN_SECONDS"):
        monkeypatch.setattr(patient_privacy, name, 0.0)
    counts, pairs = [], redacted_list._pairs

    def counted(records):
        counts.append(len(records))
        return pairs(records)

    monkeypatch.setattr(redacted_list, "_pairs", counted)
    return counts


def is_kept() -> bool:
    """Whether the next session hides patients from its beginning."""
    return str(QSettings().value("IGTLMetaBrowser/HidePatientNames")).lower() == "true"


def test_who_is_to_be_hidden_is_found_in_turns_before(user, looked_at, monkeypatch):
    """Of a million images it took 0.2 to 0.3 s as they were hidden."""
    patients, found = user.panel.browser.patients, []
    hide = patients.hide
    monkeypatch.setattr(patients, "hide", lambda *given: found.append(sum(looked_at)) or hide())
    user.ui.hidePatientsCheckBox.click()
    assert (patients.is_hidden, sum(looked_at)) == (False, 100)
    user.wait_for(lambda: patients.is_hidden, "that they are hidden")
    assert found == [COUNT]
    assert sum(looked_at) == COUNT


def test_so_are_those_of_a_list_that_comes_meanwhile(user, looked_at, monkeypatch):
    patients, found = user.panel.browser.patients, []
    hide = patients.hide
    monkeypatch.setattr(patients, "hide", lambda *given: found.append(sum(looked_at)) or hide())
    user.ui.hidePatientsCheckBox.click()
    entries = make_long_list(COUNT)
    user.panel.browser.images.on_list(codec.ImageMetaMessage(items=entries))
    user.wait_for(lambda: patients.is_hidden, "that they are hidden")
    assert found == [sum(looked_at)] == [2 * COUNT]


def test_taken_back_before_the_end_nobody_is_hidden(user, looked_at):
    for _ in range(2):
        user.ui.hidePatientsCheckBox.click()
    count, other = sum(looked_at), user.panel.browser.patients.hidden_changed
    other.connect(lambda is_hidden: pytest.fail("they were hidden"))
    user.ui.groupCheckBox.click()
    user.wait_for(lambda: user.panel.model.rows.has_groups, "the groups")
    assert sum(looked_at) == count
    assert not is_kept()


def test_a_panel_that_is_closed_before_the_end_hides_them_for_others(user, looked_at):
    user.ui.hidePatientsCheckBox.click()
    user.panel.privacy.close()
    assert user.panel.browser.patients.is_hidden
    assert is_kept()
