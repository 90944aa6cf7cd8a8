"""Copying from the table: of many images in turns."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from IGTLMetaBrowserLib import codec

IDS = [f"IMAGE_{number}" for number in range(5)]


@pytest.fixture
def listed(user, offer, monkeypatch):
    """A list is selected of which each row takes a turn; something else was copied before."""
    from IGTLMetaBrowserLib.ui.widgets import row_copying

    monkeypatch.setattr(row_copying, "_SECONDS_A_TURN", -1.0)
    offer([codec.ImageMetaItem(f"Head {one}", one, "MR") for one in IDS])
    user.wait_for_status("offers 5 images")
    user.press(user.ui.selectAllButton)
    QApplication.clipboard().setText("before")
    return user


def copied() -> str:
    return QApplication.clipboard().text()


def test_rows_are_copied_in_turns_and_it_is_said_when_all_are(listed):
    QTest.keyClick(listed.ui.imageTableView, Qt.Key_C, Qt.ControlModifier)
    assert (listed.status, copied()) == ("Copying …", "before")
    listed.wait_for_status("5 images are copied.")
    lines = copied().split("\n")
    assert [line.split("\t")[-1] for line in lines] == IDS
    assert all(f"Head {one}" in line for one, line in zip(IDS, lines, strict=True))


def test_so_are_ids_and_the_last_that_is_asked_for_counts(listed):
    listed.panel.images.copying.copyRows()
    listed.panel.images.copying.copyIds()
    listed.wait_for_status("5 images are copied.")
    assert copied() == "\n".join(IDS)


def test_nothing_is_copied_of_a_table_that_changes_meanwhile(listed):
    listed.panel.images.copying.copyRows()
    listed.ui.imageTableView.sortByColumn(1, Qt.DescendingOrder)
    listed.wait_for_status("Nothing was copied, as the table has changed; copy again.")
    assert copied() == "before"


def test_with_nothing_selected_what_was_copied_stays(listed):
    listed.press(listed.ui.selectNoneButton)
    listed.panel.images.copying.copyIds()
    assert copied() == "before"
