"""Plans made in the window, stored in the archive that is browsed."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import slicer

from helpers import orthanc, radiotherapy
from helpers.empty_archive import empty_archive
from helpers.plans import NOTE
from helpers.stored_documents import (
    SECONDS_TO_STORE,
    actions,
    connect,
    documents,
    line,
    load_the_image,
    without_orthanc,
)
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.dicom.plans import read_plan
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import replaced_by
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

pytest.importorskip("dicomweb_client")
pytest.importorskip("highdicom")
pytest.importorskip("pynetdicom")

pytestmark = pytest.mark.usefixtures("forked_commands")


class Plan:
    """The plan of the image, in the window and in the archive."""

    def __init__(self, user, archive: orthanc.Orthanc) -> None:
        self.user = user
        self.archive = archive
        self.trajectories = user.panel.browser.trajectories

    def get(self) -> dict[str, tuple[float, ...]]:
        """Get the trajectories; return the targets of those that there are."""
        self.user.ui.statusLabel.text = ""
        self.user.press(self.user.ui.trajectoriesButton)
        ends = ("shown", "No trajectories")
        self.user.wait_for(lambda: any(end in self.user.status for end in ends), "trajectories")
        found = [one.item for one in self.trajectories.markups.trajectories if not one.is_gone]
        return {item.name: item.target for item in found}

    def node(self, name: str):
        """The node of a trajectory that is on the server."""
        (one,) = (one for one in self.trajectories.markups.trajectories if one.item.name == name)
        return self.trajectories.node(one)

    def store(self, text: str, words: str) -> None:
        """Store what the menu offers, until these words are said."""
        self.user.ui.statusLabel.text = ""
        actions(self.user)[text].trigger()
        self.user.wait_for_status(words, SECONDS_TO_STORE)

    def move(self, name: str, *target: float) -> None:
        """Move the target of a trajectory, and store it."""
        (one,) = (one for one in self.trajectories.markups.trajectories if one.item.name == name)
        self.move_one(one, *target)

    def move_one(self, one, *target: float) -> None:
        self.trajectories.node(one).SetNthControlPointPositionWorld(1, *target)
        self.user.ui.trajectoryTableView.selectRow(
            [*self.trajectories.markups.trajectories].index(one)
        )
        self.store("Store selected trajectories (1)", "Trajectories: ")

    def listed(self) -> list:
        """The trajectories that there are."""
        return [one for one in self.trajectories.markups.trajectories if not one.is_gone]

    def notes(self) -> list[str]:
        """What the table notes of each."""
        model = self.user.panel.trajectories.model
        return [model.data(model.index(row, NOTE)) for row in range(model.rowCount())]

    def remove(self, *names: str) -> None:
        for name in names:
            slicer.mrmlScene.RemoveNode(self.node(name))

    def predecessors(self) -> list[list[str]]:
        """Of each document in the archive, the UID of which it has replaced."""
        return [replaced_by(document) for document in documents(self.archive, "SR")]


@pytest.fixture
def plan(user, archive: orthanc.Orthanc, questions: list[str]) -> Plan:
    """Two lines that were drawn and stored, and are got back."""
    connect(user, archive.dicomweb)
    load_the_image(user)
    lines = [line("Left STN"), line("Right STN")]
    plan = Plan(user, archive)
    plan.store("Store all new lines (2)", "Trajectories: 2 stored in http://localhost")
    assert "Store 2 trajectories in http://localhost" in questions[0]
    assert "in the study of 'CT head'?" in questions[0]
    # They are the plan's now: offered no more, and not doubled by the answer.
    assert not actions(user)["Store all new lines (0)"].enabled
    assert [plan.node("Left STN"), plan.node("Right STN")] == lines
    assert plan.get() == {"Left STN": (10, -5, 2), "Right STN": (10, -5, 2)}
    assert slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode") == lines
    return plan


@without_orthanc
def test_trajectories_are_stored_one_after_the_other(plan, questions):
    """Each goes into the plan as it is then: what it took the place of is not got before."""
    plan.move("Left STN", 11, -6, 3)
    assert "in place of the plan of 'CT head' that it came from?" in questions[1]
    assert "The other one of that plan stays as it is." in questions[1]
    plan.move("Right STN", 12, -7, 4)
    assert "The other one of that plan stays as it is." in questions[2]
    assert plan.get() == {
        "Left STN": pytest.approx((11, -6, 3)),
        "Right STN": pytest.approx((12, -7, 4)),
    }


@without_orthanc
def test_trajectories_are_removed_from_a_plan(plan, questions):
    """By removing them from the scene, if the user agrees; also the last of them."""
    plan.remove("Right STN")
    plan.move("Left STN", 11, -6, 3)
    assert "Left out of it, as removed from the scene: 'Right STN'." in questions[1]
    assert "of that plan stay" not in questions[1]
    assert plan.get() == {"Left STN": pytest.approx((11, -6, 3))}
    assert not any("removed" in text for text in actions(plan.user))
    plan.remove("Left STN")
    plan.store("Store that a plan was removed (1)", "Trajectories: 0 stored in")
    assert "that nothing of the plan of 'CT head' is planned any more?" in questions[2]
    assert "removed from the scene: 'Left STN'. What is stored there cannot" in questions[2]
    assert not any("removed" in text for text in actions(plan.user))
    assert plan.get() == {}
    uids = {one.SOPInstanceUID for one in documents(plan.archive, "SR")}
    replaced = [uid for uids_ in plan.predecessors() for uid in uids_]
    assert (len(uids), len(set(replaced) & uids)) == (3, 2)


@pytest.fixture
def small_archive(emptied: orthanc.Orthanc, tmp_path: Path) -> orthanc.Orthanc:
    """An archive with a CT of three slices, which is stored in soon."""
    (tmp_path / "ct").mkdir()
    for number in (1, 2, 3):
        path = tmp_path / "ct" / str(number)
        radiotherapy.ct_slice(number).save_as(path, enforce_file_format=True)
    emptied.upload(sorted((tmp_path / "ct").iterdir()))
    return emptied


@without_orthanc
def test_lines_of_any_name_are_one_line_each_when_they_come_back(user, small_archive, questions):
    """They are the user's own nodes still, under the names that a document can have."""
    connect(user, small_archive.dicomweb)
    load_the_image(user)
    named = ["x" * 70, "計画" * 20, "a\\b & c", "tab\tand\x1b[1m", "  ", "twice", "twice"]
    lines = [line(name) for name in named]
    plan = Plan(user, small_archive)
    plan.store("Store all new lines (7)", "Trajectories: 7 stored in http://localhost")
    for _ in range(2):
        plan.get()
        assert slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode") == lines
        assert plan.notes() == [""] * 7
        expected = ["x" * 63, "計画" * 10 + "計", "a\\b & c", "tab and [1m", "Trajectory"]
        assert sorted(plan.get()) == sorted([*expected, "twice"])
        # The one that Slicer could not save keeps its name in the archive.
        plan.move("a\\b & c", 11, -6, 3)
    assert len(documents(small_archive, "SR")) == 3


@without_orthanc
@pytest.mark.parametrize("planned_in", [0, 1])
def test_a_plan_of_a_4d_series_stays_with_the_volume_that_it_was_drawn_in(
    user, small_archive, tmp_path, questions, planned_in
):
    later = [radiotherapy.ct_slice(number) for number in (1, 2, 3)]
    for number, one in enumerate(later, start=1):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = (
            f"{radiotherapy.CT}.9.{number}"
        )
        one.AcquisitionNumber = 9
        one.save_as(tmp_path / f"later{number}", enforce_file_format=True)
    small_archive.upload(sorted(tmp_path.glob("later*")))
    connect(user, small_archive.dicomweb)
    (series,) = user.ids()
    user.panel.browser.images.request([series])
    user.wait_for_status("has 2 images")
    user.press(user.ui.refreshButton)
    user.wait_for(lambda: len(user.ids()) == 2, "both volumes")
    image_id = user.ids()[planned_in]
    user.load(image_id)
    user.panel.archiveStore.imageInViews = lambda: image_id
    plan = Plan(user, small_archive)
    node = line("Left STN")
    plan.store("Store all new lines (1)", "Trajectories: 1 stored in http://localhost")
    assert plan.get() == {"Left STN": (10, -5, 2)}
    assert plan.node("Left STN") is node
    plan.move("Left STN", 11, -6, 3)
    assert "in place of the plan of 'CT" in questions[1]
    assert sorted(map(len, plan.predecessors())) == [0, 1]
    assert plan.get() == {"Left STN": pytest.approx((11, -6, 3))}


@without_orthanc
def test_lines_that_stay_the_users_are_stored_again_in_the_place_of_what_they_were(
    user, small_archive, questions
):
    """Under a transform, they cannot be the server's: a second plan would be valid beside it."""
    connect(user, small_archive.dicomweb)
    load_the_image(user)
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    lines = [line("Left STN"), line("Right STN"), line("Drain")]
    for node in lines:
        node.SetAndObserveTransformNodeID(transform.GetID())
    plan = Plan(user, small_archive)
    plan.store("Store all new lines (3)", "Trajectories: 3 stored in http://localhost")
    slicer.mrmlScene.RemoveNode(lines[2])
    plan.store("Store all new lines (2)", "Trajectories: 2 stored in http://localhost")
    assert "in place of the plan of" in questions[1]
    assert "Left out of it, as removed from the scene: 'Drain'." in questions[1]
    lines[0].SetNthControlPointPositionWorld(1, 11, -6, 3)
    user.panel.archiveStore.plans.store(lines[:1])
    assert "The other one of that plan stays as it is." in questions[2]
    user.wait_for(lambda: not user.panel.archiveStore.isStoring, "the plan", SECONDS_TO_STORE)
    assert sorted(map(len, plan.predecessors())) == [0, 1, 1]
    assert plan.get() == {"Left STN": pytest.approx((11, -6, 3)), "Right STN": (10, -5, 2)}


@without_orthanc
def test_while_a_document_is_stored_nothing_else_is_stored_or_sent(user, small_archive, questions):
    connect(user, small_archive.dicomweb)
    load_the_image(user)
    line("Left STN")
    store = actions(user)["Store all new lines (1)"]
    store.trigger()
    store.trigger()  # once more, before it is done
    (action,) = actions(user).values()
    assert (action.text, action.enabled) == ("A document is being stored", False)
    user.wait_for_status("Trajectories: 1 stored in", SECONDS_TO_STORE)
    assert len(questions) == len(documents(small_archive, "SR")) == 1


@without_orthanc
@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(1, 2, 3)], "has 1 of 2 points"),
        ([(1, 2, 3), (4, float("nan"), 6)], "is not within"),
        ([(1, 2, 3), (4, 1e30, 6)], "is not within"),
    ],
)
def test_a_line_that_is_none_is_not_stored(user, small_archive, questions, points, words):
    connect(user, small_archive.dicomweb)
    load_the_image(user)
    line("Left STN")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Half")
    for point in points:
        node.AddControlPointWorld(*point)
    actions(user)["Store all new lines (2)"].trigger()
    assert "'Half'" in user.status
    assert words in user.status
    assert questions == []


@without_orthanc
def test_an_image_without_a_frame_of_reference_has_no_plan(user, emptied, tmp_path, questions):
    """Nothing says in what space its points would be."""
    for number in (1, 2, 3):
        dataset = radiotherapy.ct_slice(number)
        del dataset.FrameOfReferenceUID
        dataset.save_as(tmp_path / f"ct{number}", enforce_file_format=True)
    emptied.upload(sorted(tmp_path.glob("ct*")))
    connect(user, emptied.dicomweb)
    load_the_image(user)
    line("Left STN")
    actions(user)["Store all new lines (1)"].trigger()
    user.wait_for_status("It was not stored: the images have no frame", SECONDS_TO_STORE)
    assert documents(emptied, "SR") == []
    assert actions(user)["Store all new lines (1)"].enabled


@without_orthanc
def test_two_plans_that_were_stored_in_the_place_of_one_say_so_until_one_is_given_up(plan, ct):
    """By others, at the same moment; the line that they have in common is in both still."""
    (first,) = documents(plan.archive, "SR")
    slices = [pydicom.dcmread(path) for path in ct]
    lines = {item.name: item for item in read_plan(first).trajectories}
    for x in (11, 12):
        moved = replace(lines["Left STN"], target=(x, -5, 2))
        content = BytesIO()
        document = write_plan([moved, lines["Right STN"]], slices, first)
        document.save_as(content, enforce_file_format=True)
        DicomWebArchive(plan.archive.dicomweb).store([content.getvalue()])
    plan.get()
    assert "4 trajectories are shown. This plan (20" in plan.user.status
    assert "have replaced the same plan: decide which of them counts" in plan.user.status
    assert all("and another one (20" in note for note in plan.notes())
    eleven = next(one for one in plan.listed() if one.item.target[0] == 11)
    plan.move_one(eleven, 13, -7, 4)
    assert sorted(one.item.target[0] for one in plan.listed()) == [10, 10, 11, 12]
    plan.get()
    assert sorted(one.item.target[0] for one in plan.listed()) == [10, 10, 12, 13]
    given_up = next(one for one in plan.listed() if one.item.target[0] == 12)
    (uid,) = (uid for uid, ones in plan.trajectories.by_document().items() if given_up in ones)
    for one in plan.trajectories.by_document()[uid]:
        slicer.mrmlScene.RemoveNode(plan.trajectories.node(one))
    plan.store("Store that a plan was removed (2)", "Trajectories: 0 stored in")
    plan.get()
    assert sorted(one.item.target[0] for one in plan.listed()) == [10, 13]
    assert not any("another one" in note for note in plan.notes())


def test_without_its_image_a_plan_is_not_stored(user, questions):
    with empty_archive() as archive:
        connect(user, archive.url)
        line("Left STN")
        user.panel.archiveStore.imageInViews = lambda: ""
        actions(user)["Store all new lines (1)"].trigger()
        assert "Load and show the image first that it is for" in user.status
        assert questions == []


def test_nothing_is_offered_without_trajectories_or_without_an_archive(user, small_server):
    with empty_archive() as archive:
        connect(user, archive.url)
        stored = [action for text, action in actions(user).items() if "Store" in text]
        assert not any(action.enabled for action in stored)
        user.press(user.ui.connectButton)
    user.connect_to(small_server)
    assert not any("Store" in text for text in actions(user))
