"""The table of images by patient and study."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from helpers.long_lists import make_long_list
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.lists.image_list import ImageList

STATE, NAME = 0, 1


def at(*moment: int) -> codec.Timestamp:
    return codec.Timestamp.from_seconds(datetime(*moment).timestamp())


ENTRIES = [
    codec.ImageMetaItem("CT head", "A", "CT", "Lindqvist^Astrid", "W1", at(2024, 5, 14, 9)),
    codec.ImageMetaItem(
        "PET",
        "B",
        "PT",
        "Müller^Jörg",
        "W2",
        at(2024, 5, 14, 10),
        (2, 2, 2),
        codec.ScalarType.INT16,
    ),
    codec.ImageMetaItem("MR head", "C", "MR", "Lindqvist^Astrid", "W1", at(2024, 5, 20, 9)),
    codec.ImageMetaItem("CT head 2", "D", "CT", "Lindqvist^Astrid", "W1", at(2024, 5, 14, 23)),
]


class TwoHospitals:
    """Offers images of two patients who have one name and one ID."""

    def images(self) -> list[codec.ImageMetaItem]:
        return [replace(ENTRIES[0], id=image_id) for image_id in "ABC"]

    def issuers(self) -> dict[str, str]:
        return {"A": "North", "B": "South", "C": "North"}

    def trajectories(self) -> list[codec.TrajectoryItem]:
        return []


def test_patients_of_two_hospitals_with_one_id_are_two(user):
    with ServerInThread(TwoHospitals()) as server:
        user.connect_to(server.port)
        user.wait_for(lambda: user.panel.browser.images.listing.listed_at is not None, "the list")
        user.ui.groupCheckBox.click()
        assert [name for name in names(user) if "Lindqvist" in name] == [
            "Lindqvist, Astrid, North (2 images)",
            "Lindqvist, Astrid, South (1 image)",
        ]
        user.ui.hidePatientsCheckBox.click()
        assert not any("North" in name for name in names(user))


@pytest.fixture
def grouped(user, offer):
    offer(ENTRIES)
    user.ui.groupCheckBox.click()
    return user


def names(user) -> list[str]:
    return [row[NAME] for row in user.table()]


def click(user, row: int, column: int = NAME, modifier=Qt.NoModifier) -> None:
    view = user.ui.imageTableView
    point = view.visualRect(user.panel.model.index(row, column)).center()
    QTest.mouseClick(view.viewport(), Qt.LeftButton, modifier, point)


def selected_rows(user) -> list[int]:
    return sorted({index.row() for index in user.ui.imageTableView.selectedIndexes()})


def test_patients_and_their_studies_stand_above_their_images_with_counts(grouped):
    assert names(grouped) == [
        "Lindqvist, Astrid (3 images)",
        "    2024-05-14 (2 images)",
        "        CT head",
        "        CT head 2",
        "    2024-05-20 (1 image)",
        "        MR head",
        "Müller, Jörg (1 image)",
        "    2024-05-14 (1 image)",
        "        PET",
    ]
    assert grouped.ui.countLabel.text == "4 images"
    # Who it is says the group already.
    assert grouped.ui.imageTableView.isColumnHidden(3)


def test_a_click_on_the_arrow_collapses_and_expands(grouped):
    click(grouped, 0, STATE)
    assert names(grouped)[1] == "Müller, Jörg (1 image)"
    click(grouped, 0, STATE)
    assert len(names(grouped)) == 9


def test_the_arrow_keys_collapse_and_expand(grouped):
    click(grouped, 2)
    view = grouped.ui.imageTableView
    grouped.press_key(view, Qt.Key_Left)  # to the study
    grouped.press_key(view, Qt.Key_Left)
    assert names(grouped)[1:3] == ["    2024-05-14 (2 images)", "    2024-05-20 (1 image)"]
    grouped.press_key(view, Qt.Key_Right)
    assert len(names(grouped)) == 9


def test_a_patient_selects_all_images_below(grouped):
    click(grouped, 0)
    assert grouped.panel.images.selection.imageIds() == ["A", "D", "C"]
    assert selected_rows(grouped) == [0, 1, 2, 3, 4, 5]


def test_a_patient_that_is_clicked_is_selected_as_a_whole_and_nothing_else(grouped):
    grouped.press(grouped.ui.selectAllButton)
    click(grouped, 0)
    assert grouped.panel.images.selection.imageIds() == ["A", "D", "C"]
    assert selected_rows(grouped) == [0, 1, 2, 3, 4, 5]


def test_an_image_that_is_clicked_is_selected_alone(grouped):
    grouped.press(grouped.ui.selectAllButton)
    click(grouped, 8)  # the only one of its patient
    assert grouped.panel.images.selection.imageIds() == ["B"]
    assert selected_rows(grouped) == [8]


def test_a_collapsed_study_selects_its_images_as_well(grouped):
    click(grouped, 1, STATE)
    click(grouped, 1)
    assert grouped.panel.images.selection.imageIds() == ["A", "D"]


def test_one_image_taken_out_leaves_the_others_selected(grouped):
    click(grouped, 0)
    click(grouped, 3, modifier=Qt.ControlModifier)
    assert grouped.panel.images.selection.imageIds() == ["A", "C"]
    assert selected_rows(grouped) == [2, 4, 5]


def test_a_patient_can_be_taken_out_as_a_whole(grouped):
    grouped.press(grouped.ui.selectAllButton)
    click(grouped, 0, modifier=Qt.ControlModifier)
    assert grouped.panel.images.selection.imageIds() == ["B"]


def test_filter_sorting_and_selection_work_as_in_the_plain_list(grouped):
    click(grouped, 2)
    grouped.type_filter("ct")
    grouped.press_key(grouped.ui.filterLineEdit, Qt.Key_Return)
    assert names(grouped) == [
        "Lindqvist, Astrid (2 images)",
        "    2024-05-14 (2 images)",
        "        CT head",
        "        CT head 2",
    ]
    assert grouped.panel.images.selection.imageIds() == ["A"]
    grouped.ui.groupCheckBox.click()
    assert names(grouped) == ["CT head", "CT head 2"]
    assert grouped.panel.images.selection.imageIds() == ["A"]


def test_what_is_collapsed_stays_so_when_the_list_is_read_again(grouped):
    click(grouped, 0, STATE)
    listed_at = grouped.panel.browser.images.listing.listed_at
    grouped.press(grouped.ui.refreshButton)
    images = grouped.panel.browser.images
    grouped.wait_for(lambda: images.listing.listed_at != listed_at, "the list")
    assert names(grouped)[1] == "Müller, Jörg (1 image)"


def test_images_in_groups_are_loaded_and_have_details(grouped):
    click(grouped, 8)
    grouped.press(grouped.ui.loadButton)
    grouped.wait_for(lambda: grouped.state("B") == "loaded", "image B")
    grouped.ui.detailsCollapsibleButton.collapsed = False
    click(grouped, 8)
    assert grouped.panel.images.details.model.rowCount() > 0
    click(grouped, 0)  # a patient has none
    assert grouped.panel.images.details.model.rowCount() == 0


def test_the_choice_is_kept(grouped):
    grouped.module.reload()
    assert grouped.ui.groupCheckBox.checked
    assert grouped.panel.model.isGrouped


def test_100_000_images_of_5000_patients_are_collapsed_at_first(user):
    model = user.panel.model
    model.setImages(ImageList(make_long_list(100_000)), ())
    model.setGrouped(True)
    user.wait_for(lambda: model.rows.has_groups, "the groups")
    assert model.rowCount() == 5000
    user.press(user.ui.selectAllButton)
    assert len(user.panel.images.selection.imageIds()) == 100_000
    model.toggleGroups([0])
    user.wait_for(lambda: model.rowCount() > 5000, "the open group")
