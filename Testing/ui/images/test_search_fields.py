"""The search fields above the table, of a server that searches and of one that does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QScrollArea

from helpers.peers import ServerInThread
from helpers.searchable import MORE, Searchable
from IGTLMetaBrowserLib import codec

LISTED = [
    codec.ImageMetaItem(
        "Head T1", "a", "MR", "Doe, Jane", "P1", codec.Timestamp.from_seconds(1.7e9)
    ),
    codec.ImageMetaItem("Liver", "b", "CT", "Smith, John", "P2"),
]


@pytest.fixture
def archive(user) -> Iterator[Searchable]:
    """A gateway that the user has connected to."""
    archive = Searchable()
    with ServerInThread(archive) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: user.panel.browser.images.listing.search_keywords, "the list")
        user.press(user.ui.searchButton)
        yield archive
        archive.may_answer.set()


def type_into(line_edit, text: str, key=None) -> None:
    line_edit.setFocus()
    line_edit.selectAll()
    QTest.keyClicks(line_edit, text)
    if key is not None:
        QTest.keyClick(line_edit, key)


def test_the_fields_are_folded_into_one_button(user):
    assert not user.ui.searchWidget.isVisible()
    user.press(user.ui.searchButton)
    assert user.ui.searchWidget.isVisible()
    user.press(user.ui.searchButton)
    assert not user.ui.searchWidget.isVisible()


def test_an_archive_is_searched_when_the_user_pauses(user, archive):
    type_into(user.ui.searchPatientLineEdit, "smith")
    user.wait_for_status("has found one image")
    assert user.ids() == ["LIVER"]
    assert archive.searches[-1] == {"PatientName": "*smith*"}
    assert not any("*smi*" in search.values() for search in archive.searches)


def test_return_searches_at_once_and_what_came_is_filtered_meanwhile(user, archive):
    archive.may_answer.clear()
    type_into(user.ui.searchPatientLineEdit, "doe", Qt.Key_Return)
    assert "Searching 127.0.0.1" in user.status
    assert user.ids() == ["CT", "MR"]  # of what was there already
    archive.may_answer.set()
    user.wait_for_status("has found 2 images")


def test_words_above_the_table_stay_while_there_are_more(user, archive):
    assert user.ui.noticeLabel.isVisible()
    assert user.ui.noticeLabel.text == MORE
    assert user.status.endswith("offers 3 images; there are more.")
    type_into(user.ui.searchPatientLineEdit, "doe", Qt.Key_Return)
    user.wait_for_status("has found")
    assert not user.ui.noticeLabel.isVisible()
    user.press(user.ui.clearSearchButton)
    user.wait_for(user.ui.noticeLabel.isVisible, "the words")
    user.press(user.ui.connectButton)
    assert not user.ui.noticeLabel.isVisible()


def test_all_fields_go_to_the_archive(user, archive):
    ui = user.ui
    for line_edit, text in (
        (ui.searchPatientLineEdit, "Doe, Jane"),
        (ui.searchPatientIdLineEdit, "47"),
        (ui.searchModalityLineEdit, "ct"),
        (ui.searchDescriptionLineEdit, "head"),
        (ui.searchFromLineEdit, "2024"),
        (ui.searchToLineEdit, "2024-05"),
    ):
        type_into(line_edit, text)
    QTest.keyClick(ui.searchToLineEdit, Qt.Key_Return)
    user.wait_for_status("has found")
    assert archive.searches[-1] == {
        "PatientName": "*Doe*Jane*",
        "PatientID": "*47*",
        "Modality": "CT",
        "SeriesDescription": "*head*",
        "StudyDate": "20240101-20240531",
    }


def test_escape_clears_them_all(user, archive):
    type_into(user.ui.searchPatientLineEdit, "smith", Qt.Key_Return)
    user.wait_for(lambda: user.ids() == ["LIVER"], "the search")
    user.press_key(user.ui.searchPatientLineEdit, Qt.Key_Escape)
    user.wait_for(lambda: len(user.ids()) == 3, "the default list")
    assert user.ui.searchPatientLineEdit.text == ""


def test_a_folded_search_is_seen_at_the_button(user, archive):
    type_into(user.ui.searchPatientLineEdit, "smith", Qt.Key_Return)
    user.press(user.ui.searchButton)
    assert user.ui.searchButton.font.bold()
    user.press(user.ui.searchButton)
    user.press(user.ui.clearSearchButton)
    assert not user.ui.searchButton.font.bold()


def test_what_was_no_day_is_said_until_it_is_mended(user, small_server):
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    before = user.status
    type_into(user.ui.searchFromLineEdit, "yesterday", Qt.Key_Return)
    assert "is not a day" in user.status
    type_into(user.ui.searchFromLineEdit, "2001", Qt.Key_Return)
    assert user.status == before


def test_what_is_no_day_is_said_and_not_searched_for(user, archive):
    before = len(archive.searches)
    type_into(user.ui.searchFromLineEdit, "yesterday", Qt.Key_Return)
    assert "'yesterday' is not a day such as 2024-05-14" in user.status
    assert "color" in user.ui.searchFromLineEdit.styleSheet
    assert len(archive.searches) == before
    type_into(user.ui.searchFromLineEdit, "2024", Qt.Key_Return)
    user.wait_for_status("has found")
    assert user.ui.searchFromLineEdit.styleSheet == ""


def test_an_archive_that_is_down_says_so_and_refresh_searches_again(user, archive):
    archive.error = "the archive is down; try again later"
    type_into(user.ui.searchPatientLineEdit, "smith", Qt.Key_Return)
    user.wait_for_status("the archive is down")
    assert user.ids() == ["LIVER"]
    archive.error = ""
    user.press(user.ui.refreshButton)
    user.wait_for_status("has found one image")


def test_the_list_of_another_server_is_filtered_by_the_same_fields(user, offer):
    user.press(user.ui.searchButton)
    type_into(user.ui.searchPatientLineEdit, "smith", Qt.Key_Return)
    offer(LISTED)
    assert user.ids() == ["b"]
    assert user.ui.countLabel.text == "1 of 2"
    type_into(user.ui.searchPatientLineEdit, "jane")
    user.wait_for(lambda: user.ids() == ["a"], "the filter")
    type_into(user.ui.searchToLineEdit, "2020", Qt.Key_Return)
    assert user.ids() == []
    user.press(user.ui.clearSearchButton)
    assert user.ids() == ["a", "b"]


def test_hiding_patients_takes_their_names_out_of_the_fields(user, archive):
    type_into(user.ui.searchPatientLineEdit, "Smith", Qt.Key_Return)
    user.wait_for_status("has found")
    user.ui.hidePatientsCheckBox.checked = True
    assert user.ui.searchPatientLineEdit.text == ""


def test_the_sizes_of_loaded_images_come_without_hiding_that_they_are_loaded(user, archive):
    listed_at = user.panel.browser.images.listing.listed_at
    user.load("CT")
    user.wait_for(lambda: user.panel.browser.images.listing.listed_at != listed_at, "the list")
    assert user.status == "'CT head' is loaded."


def test_the_open_fields_fit_into_a_narrow_panel(user, archive):
    user.module.show(400, 585)
    user.wait_for(lambda: True, "the layout")
    for area in user.module.window.findChildren(QScrollArea):
        assert area.horizontalScrollBar().maximum == 0
        assert area.verticalScrollBar().maximum == 0
    for line_edit in user.panel.images.filter.search.lineEdits:
        assert line_edit.width >= 60
