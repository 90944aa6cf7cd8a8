"""Which columns of the tables are shown, and in which order."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from helpers.plans import line
from IGTLMetaBrowserLib import codec

STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID = range(9)
INT16 = codec.ScalarType.INT16
ENTRIES = [
    codec.ImageMetaItem("Head", "A", "CT", "Smith", "P1", size=(2, 2, 2), scalar_type=INT16),
    codec.ImageMetaItem("Knee", "B", "CT", "Jones", "P2", size=(3, 2, 2), scalar_type=INT16),
]


@pytest.fixture
def listed(user, offer):
    offer(ENTRIES)
    return user


def shown(user) -> list[int]:
    return user.panel.images.columns.shown()


def choose(user, text: str) -> None:
    """Choose a column in the menu of the header, as a user does."""
    menu = user.panel.images.columns.menu
    header = user.ui.imageTableView.horizontalHeader()
    header.customContextMenuRequested.emit(header.rect.center())
    (action,) = (action for action in menu.actions() if action.text == text)
    QTest.mouseClick(menu, Qt.LeftButton, Qt.NoModifier, menu.actionGeometry(action).center())


def test_what_is_the_same_for_all_images_is_said_above_the_table_and_in_no_column(listed):
    assert shown(listed) == [STATE, NAME, PATIENT, SIZE, ID]
    assert listed.ui.listedLabel.text.startswith("All images: Modality CT · Type int16. ")


def test_of_one_image_all_is_shown(user, offer):
    offer(ENTRIES[:1])
    assert shown(user) == [STATE, NAME, MODALITY, PATIENT, SCAN_TIME, SIZE, TYPE, ID]


def test_the_user_chooses_columns_and_that_is_kept(listed):
    choose(listed, "Modality")
    choose(listed, "Patient ID")
    choose(listed, "ID")
    expected = [STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SIZE]
    assert shown(listed) == expected
    assert listed.ui.imageTableView.columnWidth(PATIENT_ID) > 30

    listed.module.reload()
    assert [column for column in shown(listed) if column not in (SCAN_TIME, TYPE)] == expected


def test_the_user_moves_columns_and_that_is_kept(listed):
    listed.ui.imageTableView.horizontalHeader().moveSection(9, 1)
    assert shown(listed) == [STATE, ID, NAME, PATIENT, SIZE]
    listed.module.reload()
    assert shown(listed)[:3] == [STATE, ID, NAME]


def test_reset_shows_the_columns_as_at_first(listed):
    listed.ui.imageTableView.horizontalHeader().moveSection(9, 1)
    choose(listed, "Patient")
    choose(listed, "Reset columns")
    assert shown(listed) == [STATE, NAME, PATIENT, SIZE, ID]
    listed.module.reload()
    assert shown(listed)[:2] == [STATE, NAME]


def test_settings_that_something_else_wrote_hide_nothing(load_slicer_module, slicer_host, listed):
    slicer_host.app.settings().setValue("IGTLMetaBrowser/Columns/Images", "+name -no size size")
    listed.module.reload()
    assert set(shown(listed)) >= {STATE, NAME, SIZE, ID}


def test_ctrl_c_copies_whole_rows_as_they_are_shown(listed):
    listed.press(listed.ui.selectAllButton)
    listed.press_key(listed.ui.imageTableView, Qt.Key_C, Qt.ControlModifier)
    assert (
        QApplication.clipboard().text()
        == "\tHead\tSmith\t2 × 2 × 2\tA\n\tKnee\tJones\t3 × 2 × 2\tB"
    )


def test_columns_of_trajectories_can_be_chosen_and_are_copied(plan):
    planner = plan(line("1"), line("2"))
    columns = planner.user.panel.trajectories.columns
    columns.choose(2, False)
    planner.select("1")
    planner.user.press_key(planner.view, Qt.Key_C, Qt.ControlModifier)
    first, *rest = QApplication.clipboard().text().split("\t")
    assert (first, rest[0]) == ("shown", "1")
    assert len(rest) == 6


def drag_edge(view, column: int, pixels: int) -> None:
    """Drag the right edge of a column's header, as a user does."""
    header = view.horizontalHeader()
    y = header.size.height() // 2
    edge = header.sectionViewportPosition(column) + header.sectionSize(column) - 1
    viewport = header.viewport()
    QTest.mousePress(viewport, Qt.LeftButton, Qt.NoModifier, QPoint(edge, y))
    QTest.mouseMove(viewport, QPoint(edge + pixels // 2, y))
    QTest.mouseMove(viewport, QPoint(edge + pixels, y))
    QTest.mouseRelease(viewport, Qt.LeftButton, Qt.NoModifier, QPoint(edge + pixels, y))


def test_the_width_that_the_user_gives_a_column_is_kept(listed):
    view = listed.ui.imageTableView
    before = view.columnWidth(NAME)
    drag_edge(view, NAME, 60)
    wide = view.columnWidth(NAME)
    assert wide > before + 30
    assert QSettings().value("IGTLMetaBrowser/ColumnWidths/Images") == f"name:{wide}"

    listed.module.reload()
    view = listed.ui.imageTableView
    assert view.columnWidth(NAME) == wide
    listed.panel.images.columns.reset()
    assert view.columnWidth(NAME) < wide


def is_name_cut(user, row: int) -> bool:
    view = user.ui.imageTableView
    return view.sizeHintForIndex(view.model().index(row, NAME)).width() > view.columnWidth(NAME)


def test_the_names_of_the_last_rows_are_not_cut_either(user, offer):
    count = 1000
    offer([codec.ImageMetaItem(f"Head {number}", f"{number}", "CT") for number in range(count)])
    assert not is_name_cut(user, 0)
    assert not is_name_cut(user, count - 1)


def test_the_names_of_another_list_are_not_cut_unless_the_user_wants_it(user, offer):
    source = offer(ENTRIES)
    source.entries = [*ENTRIES, codec.ImageMetaItem("Head, oblique sagittal", "C", "MR")]
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 3, "the other list")
    assert not is_name_cut(user, 2)

    drag_edge(user.ui.imageTableView, NAME, -60)
    user.press(user.ui.refreshButton)
    user.wait_for(
        lambda: not user.panel.browser.images.list_requests.is_waiting, "the list once more"
    )
    assert is_name_cut(user, 2)


def test_widths_that_something_else_wrote_harm_nothing(user, slicer_host):
    key = "IGTLMetaBrowser/ColumnWidths/Images"
    slicer_host.app.settings().setValue(key, "name:x type:-3 no:7 : patient:91")
    user.module.reload()
    assert user.ui.imageTableView.columnWidth(PATIENT) == 91
