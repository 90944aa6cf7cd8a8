"""The table of trajectories: what it says, filtered and sorted as that of the images."""

from __future__ import annotations

import math
from functools import partial

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtTest import QTest

from helpers.plans import (
    BOTH,
    DIAMETER,
    ENTRY,
    GROUP,
    LENGTH,
    NAME,
    NOTE,
    OWNER,
    SHOWN,
    TARGET,
    TYPE,
    line,
)

RED = (255, 0, 0, 128)


def test_without_trajectories_there_is_only_the_button_that_asks_for_them(user, small_server):
    assert not user.ui.trajectoryTableView.visible
    assert user.ui.trajectoriesButton.visible
    user.connect_to(small_server)
    user.wait_for_status("offers 4 images")
    assert not user.ui.trajectoryTableView.visible
    user.press(user.ui.trajectoriesButton)
    user.wait_for_status("3 trajectories are shown")
    assert user.ui.trajectoryTableView.visible


def test_a_row_says_what_the_server_says(plan):
    planner = plan(line("Electrode 1", group="Electrodes", owner="A", rgba=RED))
    headers = [planner.model.headerData(column, Qt.Horizontal) for column in range(8)]
    assert headers == [
        "Shown", "Name", "Group", "Type", "Length", "Diameter", "Image", "Note",
    ]  # fmt: skip
    row = [planner.cell(0, column) for column in range(8)]
    assert row == ["", "Electrode 1", "Electrodes", "line", "100.0 mm", "2 mm", "Image A", ""]
    image_lines = planner.cell(0, OWNER, Qt.ToolTipRole)
    assert "Image A" in image_lines
    assert "A" in image_lines.replace("Image A", ""), "its ID"
    assert planner.cell(0, SHOWN, Qt.CheckStateRole) == 2
    swatch = planner.cell(0, NAME, Qt.DecorationRole)
    assert swatch.pixmap(16).toImage().pixelColor(8, 8).name() == "#ff0000"
    # A new one each time would be kept by Qt's cache of pixmaps each time.
    assert planner.cell(0, NAME, Qt.DecorationRole).cacheKey() == swatch.cacheKey()
    assert planner.ui.trajectoryCountLabel.text == "1"


def test_in_slicer_the_head_of_what_is_shown_is_its_eye(plan):
    """The stand-in has none of Slicer's icons (``known_differences``)."""
    planner = plan(line("Electrode 1"))
    planner.model._eye = QIcon(QPixmap(16, 16))
    header = partial(planner.model.headerData, SHOWN, Qt.Horizontal)
    assert header() == ""
    assert header(Qt.DecorationRole) is planner.model._eye
    assert header(Qt.ToolTipRole) == "Shown"
    assert planner.model.headerData(NAME, Qt.Horizontal, Qt.DecorationRole) is None


def test_what_is_not_planned_has_no_length(plan):
    planner = plan(
        line("In", type=ENTRY, target=(0, 0, 0), diameter=0.0),
        line("Out", type=TARGET, entry=(0, 0, 0)),
        line("Both", type=BOTH),
    )
    assert planner.column(TYPE) == ["entry only", "target only", "line"]
    assert planner.column(LENGTH) == ["", "", "100.0 mm"]
    assert planner.column(DIAMETER) == ["", "2 mm", "2 mm"]


@pytest.mark.parametrize(
    ("fields", "words", "is_shown"),
    [
        ({"type": 0}, "has the type 0", False),
        ({"type": -56}, "has the type -56", False),
        ({"entry": (math.nan, 0, 0)}, "is not within", False),
        ({"target": (0, math.inf, 0)}, "is not within", False),
        ({"diameter": -1.0}, "the diameter is -1 mm", True),
        ({"entry": (10, 20, 30)}, "no length", True),
        ({"type": TARGET}, "also has the entry", True),
    ],
)
def test_what_is_odd_or_cannot_be_shown_is_said_in_the_note(plan, fields, words, is_shown):
    planner = plan(line("Odd", **fields), line("Good"))
    assert words in planner.column(NOTE)[0]
    assert planner.column(NOTE)[1] == ""
    assert planner.is_checked("Odd") == is_shown
    color = planner.cell(0, NOTE, Qt.ForegroundRole)
    assert (color is None) == is_shown
    planner.select("Odd")
    assert words.lower() in planner.user.status.lower()
    assert planner.is_checked("Good")


def test_what_cannot_be_shown_has_no_check_box(plan):
    planner = plan(line("Odd", type=9), line("Good"))
    assert planner.cell(0, SHOWN, Qt.CheckStateRole) is None
    planner.click("Odd", SHOWN)
    assert planner.node("Odd") is None


def test_html_in_a_name_stays_text(plan):
    planner = plan(line("<b>bold</b>"))
    assert planner.names() == ["<b>bold</b>"]
    assert "&lt;b&gt;" in planner.cell(0, NAME, Qt.ToolTipRole)


def test_what_is_typed_leaves_the_rows_that_have_it(plan):
    planner = plan(
        line("Left", group="Electrodes"),
        line("Right", group="Electrodes", owner="A"),
        line("Left", group="Drains", owner="MR_7"),
    )
    planner.type_filter("left elec")
    planner.user.wait_for(lambda: planner.column(GROUP) == ["Electrodes"], "the filter")
    assert planner.ui.trajectoryCountLabel.text == "1 of 3"
    planner.user.press_key(planner.ui.trajectoryFilterLineEdit, Qt.Key_Escape)
    planner.wait_for_names("Left", "Right", "Left")
    assert planner.ui.trajectoryCountLabel.text == "3"
    planner.type_filter("image a")  # the name of the image that has the ID A
    planner.user.press_key(planner.ui.trajectoryFilterLineEdit, Qt.Key_Return)
    assert planner.names() == ["Right"]


def test_return_in_the_filter_does_not_wait(plan):
    planner = plan(line("Left"), line("Right"))
    planner.type_filter("RIGHT")
    planner.user.press_key(planner.ui.trajectoryFilterLineEdit, Qt.Key_Return)
    assert planner.names() == ["Right"]


SORTED = (
    line("E 10", group="b", owner="Z", target=(10.0, 20.0, 120.0), diameter=3.0),
    line("E 9", group="a", owner="Y", diameter=10.0),
    line("a", group="c", owner="x", type=ENTRY, target=(0, 0, 0), diameter=0.0),
)


@pytest.mark.parametrize(
    ("column", "names"),
    [
        (NAME, ["a", "E 9", "E 10"]),  # 9 before 10, small letters as great ones
        (GROUP, ["E 9", "E 10", "a"]),
        (TYPE, ["a", "E 10", "E 9"]),
        (LENGTH, ["a", "E 10", "E 9"]),  # none, 10 mm, 100 mm
        (DIAMETER, ["a", "E 10", "E 9"]),  # none, 3 mm, 10 mm
        (OWNER, ["a", "E 9", "E 10"]),
    ],
)
def test_clicks_on_a_header_sort_up_then_down_then_not_at_all(plan, column, names):
    planner = plan(*SORTED)
    planner.click_header(column)
    assert planner.names() == names
    planner.click_header(column)
    assert planner.names()[-1] == names[0]
    planner.click_header(column)
    assert planner.names() == ["E 10", "E 9", "a"]


def test_what_is_worth_looking_at_comes_first_when_sorted_by_the_note(plan):
    planner = plan(line("Good"), line("Odd", diameter=-1.0), line("Bad", type=9))
    planner.click_header(NOTE)
    assert planner.names() == ["Bad", "Odd", "Good"]


def test_those_that_are_shown_come_first_when_sorted_by_that(plan):
    planner = plan(line("1"), line("2"), line("3"))
    planner.click("1", SHOWN)
    planner.click_header(SHOWN)
    assert planner.names() == ["2", "3", "1"]


def test_sorting_and_filtering_keep_the_selection(plan):
    planner = plan(*SORTED)
    planner.select("E 9", "a")
    planner.click_header(NAME)
    assert planner.selected() == ["a", "E 9"]
    planner.type_filter("e")
    planner.user.press_key(planner.ui.trajectoryFilterLineEdit, Qt.Key_Return)
    assert planner.selected() == ["E 9"]


def test_the_arrow_keys_go_from_row_to_row(plan):
    planner = plan(line("1"), line("2"))
    planner.select("1")
    QTest.keyClick(planner.view, Qt.Key_Down)
    assert planner.selected() == ["2"]


def test_after_disconnecting_the_table_is_empty_and_the_lines_stay(plan, slicer_host):
    planner = plan(line("1"), line("2"))
    planner.user.press(planner.ui.connectButton)
    assert planner.names() == []
    assert slicer_host.util.getNode("1").GetDisplayVisibility()
