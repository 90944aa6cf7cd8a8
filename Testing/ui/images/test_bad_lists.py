"""Lists that are bad, odd, or change while the user looks at them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from IGTLMetaBrowserLib import codec

INT16 = codec.ScalarType.INT16
STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID = range(9)


def image(image_id: str, name: str = "", **fields) -> codec.ImageMetaItem:
    return codec.ImageMetaItem(name, image_id, "CT", size=(2, 2, 2), scalar_type=INT16, **fields)


def double_click(user, row: int) -> None:
    view = user.ui.imageTableView
    point = view.visualRect(user.panel.model.index(row, NAME)).center()
    QTest.mouseClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, point)
    QTest.mouseDClick(view.viewport(), Qt.LeftButton, Qt.NoModifier, point)


def test_a_list_of_zero(user, offer):
    offer([])
    assert user.status.endswith("offers no images.")
    assert user.ids() == []
    assert user.ui.countLabel.text == ""
    assert not user.ui.selectAllButton.enabled
    user.type_filter("head")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    user.click_header(SIZE)
    user.press_key(user.ui.imageTableView, Qt.Key_A, Qt.ControlModifier)
    user.press_key(user.ui.imageTableView, Qt.Key_Return)
    assert user.panel.browser.queue == []


def test_of_doubled_ids_one_is_loaded_once(user, offer, slicer_host):
    offer([image("TWICE", "first"), image("OTHER"), image("TWICE", "second")])
    assert [row[STATE] for row in user.table()] == ["", "", "ID is not unique"]
    model = user.panel.model
    tip = model.data(model.index(2, STATE), Qt.ToolTipRole)
    assert "Another image has the same ID; only that one can be requested." in tip

    user.press(user.ui.selectAllButton)
    assert user.panel.images.selection.imageIds() == ["TWICE", "OTHER"]
    user.press(user.ui.loadButton)
    user.wait_for(lambda: user.state("OTHER") == "loaded", "both")
    # A note says that nobody knows which of the two came.
    assert slicer_host.util.getNode("TWICE") is not None
    assert slicer_host.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2
    states = ["loaded (note)", "loaded", "ID is not unique"]
    assert [row[STATE] for row in user.table()] == states


def test_a_double_click_on_the_other_of_two_says_why_it_cannot_be_loaded(user, offer):
    offer([image("TWICE"), image("TWICE")])
    double_click(user, 1)
    assert user.status == "Another image has the same ID; only that one can be requested."
    assert user.panel.browser.images.downloads.transfer is None


def test_an_image_without_an_id_cannot_be_asked_for(user, offer):
    offer([image("", "nameless"), image("A")])
    assert user.table()[0][STATE] == "no ID"
    user.press(user.ui.selectAllButton)
    assert user.panel.images.selection.imageIds() == ["A"]
    double_click(user, 0)
    assert user.status.startswith("The server gives this image no ID")


@pytest.mark.parametrize("name", ["頭部", "Ελένη", "Ærø", "🧠 brain", "עברית"])
def test_ids_and_names_in_any_language(user, offer, slicer_host, name):
    image_id = name[:5]
    offer([image(image_id, name, patient_name=name)])
    assert user.table()[0][NAME] == name
    user.type_filter(name[-1].upper())
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert user.ids() == [image_id]
    user.load(image_id)
    assert user.state(image_id) == "loaded"
    assert slicer_host.util.getNode(name) is not None


def test_an_image_without_a_name_is_called_by_its_id(user, offer):
    offer([image("A")])
    user.load("A")
    assert user.status == "'A' is loaded."


def test_a_list_that_changes_between_two_reads(user, offer):
    source = offer([image("A", "Head"), image("B"), image("C")])
    user.load("A")
    source.entries = [image("C"), image("A", "Head"), image("NEW")]
    user.press(user.ui.refreshButton)
    user.wait_for_status("offers 3 images: 1 new, 1 removed.")
    assert user.ids() == ["C", "A", "NEW"]
    assert user.table()[1][STATE] == "loaded"


def test_an_image_that_was_withdrawn_fails_with_the_servers_words(user, offer):
    source = offer([image("A", "Head"), image("B")])
    source.entries = [image("B")]
    user.load("A")
    assert "there is no image 'A' here" in user.state("A")
    assert "there is no image 'A' here" in user.status
    user.load("B")
    assert user.state("B") == "loaded"


def test_a_hostile_list(user, offer):
    offer(
        [
            codec.ImageMetaItem(
                "a\x1b[2J\r\nb",
                "\udcff\x07",
                "\x00".replace("\x00", "\x01") * 32,
                "\u202egnorw",
                "<script>",
                codec.Timestamp((1 << 64) - 1),
                (65535, 65535, 65535),
                0,
            ),
            codec.ImageMetaItem(scan_time=codec.Timestamp(1), scalar_type=255),
        ]
    )
    first, second = user.table()
    assert first[NAME] == "a\ufffd[2J\ufffd\ufffdb"
    assert first[PATIENT] == "\ufffdgnorw"  # nothing that turns the direction of writing
    assert first[SCAN_TIME].startswith("2106-02-07")
    assert first[SIZE] == "65535 × 65535 × 65535"
    assert first[TYPE] == "unknown (0)"
    assert second[SCAN_TIME].startswith("1970-01-01")
    assert second[TYPE] == "unknown (255)"
    for column in range(9):
        user.click_header(column)
    user.type_filter("script")
    user.press_key(user.ui.filterLineEdit, Qt.Key_Return)
    assert len(user.ids()) == 1
    user.module.window.grab()  # and it can be drawn


def test_columns_of_long_texts_do_not_push_the_others_away(user, offer):
    offer([codec.ImageMetaItem("W" * 64, "A", "M" * 32, "W" * 64, "W" * 64)])
    view = user.ui.imageTableView
    assert all(view.columnWidth(column) <= 260 for column in range(9))


def test_a_list_of_a_broken_size_is_refused_and_the_old_one_stays(user, scripted):
    good = codec.pack(codec.ImageMetaMessage(items=[image("A")]))
    user.connect_to(scripted(good, good[:42] + b"\0" * 7 + b"\5" + good[50:]))
    user.wait_for(lambda: user.ids() == ["A"], "the list")
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: "offers" not in user.status.split(".")[-2], "the error")
    assert user.ids() == ["A"]


def test_names_that_are_too_long_for_the_list_are_shown_whole(user, offer):
    name = "T1 weighted, sagittal, with contrast agent, of the posterior fossa" + " and more" * 3
    offer([codec.ImageMetaItem(name, "A", patient_name="Lindqvist"), codec.ImageMetaItem("B", "B")])
    assert user.table()[0][1] == name
    user.ui.hidePatientsCheckBox.click()
    assert user.table()[0][1] == name
    assert "Lindqvist" not in str(user.table())
