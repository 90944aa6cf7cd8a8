"""The details of an image: what is known of it, who says so, and where they do not agree."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from helpers.clinic import Clinic, clinic_server
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec


class Details:
    """What the table of details shows, and what the user does with it."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.view = user.ui.detailsTableView
        self.model = user.panel.images.details.model

    def rows(self) -> list[tuple[str, ...]]:
        columns, model = range(self.model.columnCount()), self.model
        return [
            tuple(model.data(model.index(row, column)) for column in columns)
            for row in range(model.rowCount())
        ]

    def row(self, attribute: str) -> tuple[str, ...]:
        (found,) = [row for row in self.rows() if row[0] == attribute]
        return found

    def cell(self, attribute: str, column: int, role: Any) -> Any:
        number = self.rows().index(self.row(attribute))
        return self.model.data(self.model.index(number, column), role)

    def click(self, attribute: str, modifier: Any = Qt.NoModifier) -> None:
        index = self.model.index(self.rows().index(self.row(attribute)), 0)
        self.view.scrollTo(index)
        point = self.view.visualRect(index).center()
        QTest.mouseClick(self.view.viewport(), Qt.LeftButton, modifier, point)

    def search(self, text: str) -> None:
        QTest.keyClicks(self.user.ui.detailsSearchLineEdit, text)


@pytest.fixture
def details(user):
    with clinic_server(Clinic()) as server:
        user.connect_to(server.port)
        user.wait_for_status("offers 4 images")
        user.ui.detailsCollapsibleButton.collapsed = False
        yield Details(user)


def test_show_details_unfolds_what_the_list_says(details):
    user = details.user
    user.ui.detailsCollapsibleButton.collapsed = True
    user.select("PET")
    user.choose(user.open_menu("PET").showDetails)
    assert details.view.visible
    assert details.rows()[:3] == [
        ("ID", "PET", "Image list"),
        ("Scan time", "2023-11-14 22:13:20 (2023-11-14 22:13:20.000000 UTC)", "Image list"),
        ("Type", "int16", "Image list"),
    ]
    assert details.row("Patient name") == ("Patient name", "Müller, Jörg", "Image list")
    assert details.row("Size") == ("Size", "4\\3\\2", "Image list")


def test_a_name_is_read_as_people_do_and_edited_as_it_came(details):
    details.user.select("PET")
    assert details.cell("Patient name", 1, Qt.ToolTipRole) == "<p>Müller, Jörg<br>Müller^Jörg</p>"
    assert details.cell("Patient name", 1, Qt.EditRole) == "Müller^Jörg"
    details.search("Muller, Jorg")
    assert [row[1] for row in details.rows()] == ["Müller, Jörg"]


def test_without_a_selection_there_are_none(details):
    assert details.rows() == []
    assert not details.user.ui.detailsSearchLineEdit.enabled
    assert not details.user.ui.calibrateButton.enabled


def test_details_follow_the_selection_and_the_state(details):
    details.user.select("PET")
    assert details.row("ID")[1] == "PET"
    details.user.load("BROKEN")
    details.user.wait_for(lambda: len(details.rows()) > 1, "the details")
    details.user.wait_for(lambda: "failed" in str(details.rows()), "the state")
    assert "Lindqvist, Astrid is missing" in details.row("State")[1]


def test_what_comes_with_an_image_is_told_with_who_says_it(details):
    details.user.load("HEAD")
    details.user.wait_for(lambda: "Remark" in str(details.rows()), "the details")
    assert details.row("Remark") == ("Remark", "born 19500203", "Metadata")
    assert details.row("Spacing between slices")[1:] == ("3", "Computed")
    assert details.row("Patient birth date")[1:] == ("19500203", "Metadata")
    tip = details.cell("Patient birth date", 0, Qt.ToolTipRole)
    assert tip == "<p>Patient birth date<br>DICOM keyword: PatientBirthDate</p>"


def test_where_providers_do_not_agree_it_is_marked_and_told(details):
    details.user.load("HEAD")
    details.user.wait_for(lambda: "Remark" in str(details.rows()), "the details")
    assert details.rows()[0] == ("Modality", "MR", "Metadata (others differ)")
    assert details.cell("Modality", 1, Qt.ToolTipRole) == "<p>MR<br>image list: CT</p>"
    assert details.cell("Modality", 1, Qt.ForegroundRole) is not None
    # Both say the same patient.
    assert details.row("Patient ID")[1:] == ("W-1021", "Metadata")
    assert details.cell("Patient ID", 1, Qt.ForegroundRole) is None


def test_a_server_s_text_is_no_html_in_a_tool_tip(user, offer):
    offer([codec.ImageMetaItem("<b>bold</b>", "A")])
    user.ui.detailsCollapsibleButton.collapsed = False
    user.select("A")
    tip = Details(user).cell("Series description", 1, Qt.ToolTipRole)
    assert tip == "<p>&lt;b&gt;bold&lt;/b&gt;</p>"


def test_the_search_box_leaves_the_rows_that_have_all_words(details):
    details.user.select("PET")
    details.search("patient MULLER")
    assert [row[0] for row in details.rows()] == ["Patient name"]
    details.user.press_key(details.user.ui.detailsSearchLineEdit, Qt.Key_Escape)
    assert len(details.rows()) > 5


def test_ctrl_c_copies_the_selected_rows_with_tabs(details):
    details.user.select("PET")
    details.click("Patient ID")
    details.click("Patient name", Qt.ControlModifier)
    details.user.press_key(details.view, Qt.Key_C, Qt.ControlModifier)
    assert QApplication.clipboard().text() == (
        "Patient name\tMüller, Jörg\tImage list\nPatient ID\tW-0877\tImage list"
    )


def test_the_context_menu_copies_as_well(details):
    details.user.select("PET")
    details.click("Modality")
    menu = open_details_menu(details)
    for action, lines in ((menu.copy, 1), (menu.copyAll, len(details.rows()))):
        menu.menu.popup(details.view.mapToGlobal(QPoint(0, 0)))
        center = menu.menu.actionGeometry(action).center()
        QTest.mouseClick(menu.menu, Qt.LeftButton, Qt.NoModifier, center)
        assert len(QApplication.clipboard().text().splitlines()) == lines


def test_an_update_leaves_the_selected_row_selected(details):
    details.user.load("PET")
    details.user.wait_for(lambda: "loaded" in str(details.rows()), "the state")
    details.click("Patient ID")
    details.user.panel.model.updateState("PET")
    section = details.user.panel.images.details
    details.user.wait_for(lambda: not section._timer.isActive(), "the update")
    section.copy()
    assert "W-0877" in QApplication.clipboard().text()


def test_a_doubled_id_has_only_what_its_own_row_says(user, offer):
    offer(
        [
            codec.ImageMetaItem("First", "A", patient_name="Smith"),
            codec.ImageMetaItem("Second", "A"),
        ]
    )
    user.ui.detailsCollapsibleButton.collapsed = False
    view, model = user.ui.imageTableView, user.panel.model
    point = view.visualRect(model.index(1, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    details = Details(user)
    assert details.row("Name")[1] == "Second"
    assert "same ID" in details.row("Note")[1]
    assert "Smith" not in str(details.rows())
    assert not user.ui.calibrateButton.enabled


def test_another_server_s_image_of_the_same_id_has_nothing_of_the_first(details):
    user = details.user
    user.load("HEAD")
    user.wait_for(lambda: "Remark" in str(details.rows()), "the details")

    class Other(Clinic):
        def images(self):
            return [codec.ImageMetaItem("Knee", "HEAD")]

    with ServerInThread(Other()) as server:
        user.press(user.ui.connectButton)  # leaves the first
        user.connect_to(server.port)
        user.wait_for_status("offers one image")
        user.select("HEAD")
        assert "Remark" not in str(details.rows())
        assert "Lindqvist" not in str(details.rows())


def test_study_series_and_image_are_copied_as_json(details):
    details.user.select("HEAD")
    details.user.panel.images.details.menu.copyJson.trigger()
    known = json.loads(QApplication.clipboard().text())
    assert set(known) == {"study", "series", "instance"}
    assert known["series"]["Modality"] == "CT"


# Typed values


def open_editor(details, attribute: str) -> QLineEdit:
    """Double-click a value."""
    index = details.model.index(details.rows().index(details.row(attribute)), 1)
    details.click(attribute)  # a row that is seen in part is scrolled now
    point = details.view.visualRect(index).center()
    QTest.mouseClick(details.view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    QTest.mouseDClick(details.view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    editors = details.view.viewport().findChildren(QLineEdit)
    if not editors:
        raise LookupError(f"{attribute} cannot be edited")
    return editors[-1]


def edit(details, attribute: str, text: str) -> None:
    """Double-click a value, and type another one."""
    editor = open_editor(details, attribute)
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key_Return)


def test_a_value_is_typed_in_and_removed_again(details):
    details.user.select("PET")
    edit(details, "Modality", "MR")
    details.user.wait_for(
        lambda: details.row("Modality") == ("Modality", "MR", "Typed in (others differ)"),
        "the typed value",
    )
    details.user.wait_for_status("Modality keeps the value that you typed until Slicer exits.")
    known = details.user.panel.browser.metadata.normalized("PET")
    assert known["series"]["Modality"] == "MR"

    # It is about a conflict now, and stands elsewhere.
    assert details.view.currentIndex().row() == 0
    menu = open_details_menu(details)
    assert menu.removeTyped.enabled
    menu.removeTyped.trigger()
    details.user.wait_for(
        lambda: details.row("Modality")[1:] == ("PT", "Image list"), "what the list says"
    )


def test_a_value_that_the_keyword_cannot_have_is_refused(details):
    details.user.select("PET")
    edit(details, "Modality", " ")
    details.user.wait_for_status("Modality is empty; remove it")
    assert details.row("Modality")[1] == "PT"


@pytest.mark.parametrize("attribute", ["State", "Pixel spacing", "Rows"])
def test_what_is_no_opinion_cannot_be_edited(details, attribute):
    details.user.load("HEAD")
    details.user.wait_for(lambda: "Remark" in str(details.rows()), "the details")
    with pytest.raises(LookupError):
        edit(details, attribute, "1")


def test_what_comes_meanwhile_does_not_end_the_typing(details):
    details.user.select("HEAD")
    editor = open_editor(details, "Modality")
    details.user.press(details.user.ui.loadButton)
    details.user.wait_for(lambda: details.user.state("HEAD") == "loaded", "the image")
    editor.selectAll()
    QTest.keyClicks(editor, "XA")
    QTest.keyClick(editor, Qt.Key_Return)
    details.user.wait_for(lambda: details.row("Modality")[1] == "XA", "the typed value")


def test_the_name_of_a_hidden_patient_cannot_be_edited(details):
    details.user.select("PET")
    details.user.ui.hidePatientsCheckBox.click()
    with pytest.raises(LookupError):
        edit(details, "Patient name", "Smith")
    edit(details, "Modality", "MR")


def open_details_menu(details):
    view = details.view
    point = view.visualRect(view.currentIndex()).center()
    event = QContextMenuEvent(QContextMenuEvent.Mouse, point, view.viewport().mapToGlobal(point))
    QApplication.sendEvent(view.viewport(), event)
    menu = details.user.panel.images.details.menu
    details.user.wait_for(lambda: menu.menu.visible, "the menu")
    menu.menu.close()
    return menu
