"""The filter above the table: one box for all texts, and the modalities."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from IGTLMetaBrowserLib import codec

PATIENT = 3
ENTRIES = [
    codec.ImageMetaItem("Head T1", "a", "MR", "Müller^Anna", "P1"),
    codec.ImageMetaItem("Head T2", "b", "MR", "Smith^John", "P2"),
    codec.ImageMetaItem("Head", "c", "CT", "Smith^John", "P2"),
    codec.ImageMetaItem("Liver", "d", "US", "Müller^Anna", "P1"),
]


@pytest.fixture
def source(offer):
    return offer(ENTRIES)


def chip(user, modality: str):
    return user.panel.images.filter.modalities._choices[modality]


def test_what_is_typed_leaves_the_rows_that_have_it_in_any_text(user, source):
    user.type_filter("smith head")
    user.wait_for(lambda: user.ids() == ["b", "c"], "the filter")
    assert user.ui.countLabel.text == "2 of 4"


def test_a_name_is_found_as_it_is_shown(user, source):
    """And as the server has it, which its tool tip says."""
    model = user.panel.model
    assert [row[PATIENT] for row in user.table()][:2] == ["Müller, Anna", "Smith, John"]
    tip = model.data(model.index(0, PATIENT), Qt.ToolTipRole)
    assert tip == "<p>Müller, Anna<br>Müller^Anna</p>"
    for text in ("Müller, Anna", "müller^anna", "Anna"):
        user.type_filter(text)
        user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
        assert user.ids() == ["a", "d"]
        user.ui.filterLineEdit.clear()


def test_the_table_waits_until_the_user_pauses(user, source):
    resets = []
    user.panel.model.modelReset.connect(lambda: resets.append(user.ui.filterLineEdit.text))
    user.type_filter("müller")
    assert user.panel.images.filter._timer.isActive()
    assert user.ids() == ["a", "b", "c", "d"]
    user.wait_for(lambda: bool(resets), "the filter")
    assert resets == ["müller"]  # once, not at every letter
    assert user.ids() == ["a", "d"]


def test_return_does_not_wait(user, source):
    user.type_filter("liver")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ids() == ["d"]
    assert user.panel.browser.queue == []  # and loads nothing


def test_nothing_left_is_said(user, source):
    user.type_filter("kidney")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ids() == []
    assert user.ui.countLabel.text == "0 of 4"


def empty_text(view) -> str:
    """What stands in a table, where its rows would be."""
    labels = view.viewport().findChildren(QLabel)
    return next((label.text for label in labels if label.visible), "")


def test_an_empty_table_says_what_to_do(user, small_server):
    view = user.ui.imageTableView
    assert empty_text(view) == "Connect to a server to see its images"
    user.connect_to(small_server)
    assert empty_text(view) == ""
    user.wait_for_status("offers 4 images")
    user.type_filter("nothing has this")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert empty_text(view) == "No image matches. Clear the filter to see all images."
    user.press_key(user.ui.filterLineEdit, Qt.Key_Escape)
    assert empty_text(view) == ""


def test_the_other_empty_tables_say_what_to_do(user):
    user.ui.detailsCollapsibleButton.collapsed = user.ui.shareCollapsibleButton.collapsed = False
    assert empty_text(user.ui.detailsTableView) == "Select an image to see what is known of it"
    shared = user.ui.sharedNodesListWidget
    assert "to have something to share" in empty_text(shared)
    (label,) = shared.viewport().findChildren(QLabel)
    narrow = 320  # as in a module panel that is as narrow as it gets
    assert label.heightForWidth(narrow) <= shared.viewport().height


def test_the_clear_button_of_the_box_shows_all_again(user, source):
    user.type_filter("liver")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ui.filterLineEdit.clearButtonEnabled
    user.ui.filterLineEdit.clear()
    user.wait_for(lambda: len(user.ids()) == 4, "all images")
    assert user.ui.countLabel.text == "4 images"


def test_chips_choose_modalities(user, source):
    assert [button.text for button in (chip(user, "MR"), chip(user, "CT"))] == ["MR (2)", "CT (1)"]
    user.press(chip(user, "CT"))
    assert user.ids() == ["c"]
    user.press(chip(user, "US"))
    assert user.ids() == ["c", "d"]
    user.press(chip(user, "CT"))
    user.press(chip(user, "US"))
    assert user.ids() == ["a", "b", "c", "d"]


def test_tab_goes_from_the_box_to_the_chips_and_on_to_the_table(user, source):
    widget, order = user.ui.filterLineEdit, []
    while widget != user.ui.imageTableView:
        widget = widget.nextInFocusChain()
        if widget.focusPolicy & Qt.TabFocus:
            order.append(widget)
    chips = [chip(user, modality) for modality in ("MR", "CT", "US")]
    buttons = [user.ui.searchButton, user.ui.selectAllButton, user.ui.selectNoneButton]
    shown = [widget for widget in order if widget.isVisible()]
    assert [widget for widget in shown if widget not in buttons] == [
        *chips,
        user.ui.refreshButton,
        user.ui.groupCheckBox,
        user.ui.imageTableView,
    ]


def test_chips_and_box_are_both_heeded(user, source):
    user.press(chip(user, "MR"))
    user.type_filter("smith")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ids() == ["b"]


def test_a_chosen_modality_stays_chosen_when_the_list_is_read_again(user, source):
    user.press(chip(user, "CT"))
    source.entries.append(codec.ImageMetaItem("Knee", "e", "CT"))
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: user.ids() == ["c", "e"], "the new image")
    assert chip(user, "CT").checked
    assert chip(user, "CT").text == "CT (2)"


def test_a_chosen_modality_that_is_withdrawn_hides_nothing(user, source):
    user.press(chip(user, "CT"))
    source.entries = [entry for entry in ENTRIES if entry.modality != "CT"]
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: user.ids() == ["a", "b", "d"], "the others")


def test_many_modalities_are_in_a_menu(user, offer):
    offer([codec.ImageMetaItem(modality=f"M{number}", id=str(number)) for number in range(100)])
    modalities = user.panel.images.filter.modalities
    button, menu = modalities._menuButton, modalities._menu
    assert button.text == "Modality: all"
    assert len(menu.actions()) == 40

    menu.popup(button.mapToGlobal(button.rect.bottomLeft()))
    second = menu.actions()[1]
    QTest.mouseClick(menu, Qt.LeftButton, Qt.NoModifier, menu.actionGeometry(second).center())
    assert user.ids() == ["1"]
    assert button.text == "Modality: M1"


def test_a_menu_of_modalities_gives_way_to_chips_when_there_are_fewer(user, offer):
    many = [codec.ImageMetaItem(modality=f"M{number}", id=str(number)) for number in range(100)]
    source = offer(many)
    source.entries = ENTRIES
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: user.ids() == ["a", "b", "c", "d"], "the other list")
    assert chip(user, "MR").text == "MR (2)"
    source.entries = many
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 100, "the first list")
    assert len(user.panel.images.filter.modalities._menu.actions()) == 40


def test_wide_chips_have_no_numbers(user, offer):
    modalities = ("Angiography", "Endoscopy", "Other", "CT")
    offer([codec.ImageMetaItem(modality=name, id=name) for name in modalities])
    assert chip(user, "Angiography").text == "Angiography"
    assert "1" in chip(user, "Angiography").toolTip
    assert user.panel.images.filter.modalities._menu is None


def test_chips_that_are_too_wide_for_the_panel_are_a_menu(user, offer):
    offer([codec.ImageMetaItem(modality=letter * 32, id=letter) for letter in "ABC"])
    assert user.panel.images.filter.modalities._menu is not None
    user.module.show(400, 700)
    assert user.module.window.centralWidget().horizontalScrollBar().maximum == 0


def test_one_modality_needs_no_chips(user, offer):
    offer([codec.ImageMetaItem(modality="CT", id="a"), codec.ImageMetaItem(modality="CT", id="b")])
    assert user.panel.images.filter.modalities._choices == {}


def test_an_ampersand_and_an_empty_modality_can_be_read(user, offer):
    offer([codec.ImageMetaItem(modality="R&D", id="a"), codec.ImageMetaItem(id="b")])
    assert chip(user, "R&D").text == "R&&D (1)"  # the doubled one is shown as one
    assert chip(user, "").text == "none (1)"
