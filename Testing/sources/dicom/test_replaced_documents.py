"""Documents that have replaced each other: which are valid, and what is said of two that rival."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, Dataset

from cli.command import igtlmeta, served
from helpers.peers import ServerInThread
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index.headers.limited_file import open_limited
from IGTLMetaBrowserLib.net.list_metadata.notices import notices_of_documents
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom import plans
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import (
    DocumentVersion,
    conflict_notices,
    replaced_keys,
)
from IGTLMetaBrowserLib.sources.documents.label_document import write_segmentation
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

LINE = codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3))


def made(document: Dataset, time: str, author: str = "") -> Dataset:
    """A document that was made at this time of 2026-11-29, by somebody."""
    document.ContentDate, document.ContentTime = "20261129", time
    if author:
        document.OperatorsName = author
    return document


@pytest.fixture
def images(make_slice: Callable[..., Dataset]) -> list[Dataset]:
    return [make_slice((0, 0, z)) for z in (0, 2, 4)]


@pytest.fixture
def open_folder(images: list[Dataset], tmp_path: Path) -> Callable[..., DicomFolderSource]:
    """A function that opens a folder with the images and these documents."""
    numbers = count()

    def start(*documents: Dataset) -> DicomFolderSource:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        for number, dataset in enumerate([*images, *documents]):
            dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)
        return DicomFolderSource(folder)

    return start


def test_two_plans_that_replace_one_are_both_offered_and_say_so(images, open_folder):
    first = write_plan([LINE], images)
    left = made(write_plan([LINE], images, first), "174222.5", "Doe^Jane")
    right = made(write_plan([LINE], images, first), "174223")
    with ServerInThread(open_folder(first, left, right)) as server, server.client() as client:
        client.list_images()  # by which it knows who the server is
        answer = client.wait(client.ask("TRAJ"))
    assert [item.name for item in answer.items] == ["Left STN", "Left STN"]
    notices = [*notices_of_documents(answer.metadata).values()]
    jane, nobody = "2026-11-29 17:42:22 by Doe Jane", "2026-11-29 17:42:23"
    assert notices == [
        f"this plan ({own}) and another one ({other}) have replaced the same plan: decide which of "
        "them counts, and remove what does not"
        for own, other in ((jane, nobody), (nobody, jane))
    ]


def test_the_command_says_so_without_a_list_before(images, open_folder):
    first = write_plan([LINE], images)
    left, right = (made(write_plan([LINE], images, first), time) for time in ("174222", "174223"))
    with served(open_folder(first, left, right)) as address:
        table = igtlmeta("trajectories", address)
        objects = json.loads(igtlmeta("trajectories", address, "--json").stdout)
    said = [
        f"this plan (2026-11-29 {own}) and another one (2026-11-29 {other}) have replaced the same "
        "plan: decide which of them counts, and remove what does not"
        for own, other in (("17:42:22", "17:42:23"), ("17:42:23", "17:42:22"))
    ]
    assert table.stderr.splitlines() == [f"igtlmeta: Left STN: {words}" for words in said]
    assert [one["notice"] for one in objects] == said


def test_whoever_goes_on_with_one_of_two_plans_is_told_still(images, open_folder):
    first = write_plan([LINE], images)
    left, right = (write_plan([LINE], images, first) for _ in range(2))
    after = write_plan([LINE], images, left)
    source = open_folder(first, left, right, after)
    assert source.notices_of_documents().keys() == {right.SOPInstanceUID, after.SOPInstanceUID}
    # Until one of them is given up: nothing of it is planned any more.
    source = open_folder(first, left, right, after, write_plan([], images, right))
    assert {*source.documents_of_trajectories()} == {after.SOPInstanceUID}
    assert source.notices_of_documents() == {}


def test_a_plan_that_another_user_has_given_up_meanwhile_says_so(images, open_folder):
    first = write_plan([LINE], images)
    ended = made(write_plan([], images, first), "174223", "Doe^Jane")
    source = open_folder(first, write_plan([LINE], images, first), ended)
    (notice,) = source.notices_of_documents().values()
    assert "another document (2026-11-29 17:42:23 by Doe Jane) says that nothing is" in notice


def test_a_plan_that_was_replaced_by_one_that_makes_no_sense_is_not_valid(images, open_folder):
    """As a segmentation is not: that one has replaced it, its file says all the same."""
    first = write_plan([LINE], images)
    second = write_plan([LINE], images, first)
    second.ContentSequence = []
    assert open_folder(first, second).trajectories() == []


def test_where_a_plan_cannot_be_read_the_others_say_that_it_may_have_replaced_them(
    images, open_folder, monkeypatch
):
    """Descriptors may be short for a moment: it is read for the next list, though all is the same.

    Of one that is broken that does not help.
    """
    errors = [OSError(errno.EMFILE, "Too many open files"), ValueError("broken")]

    def open_file(path: Path) -> Any:
        if path.name == "4.dcm" and errors:
            raise errors.pop(0)
        return open_limited(path)

    monkeypatch.setattr(plans, "open_limited", open_file)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1.0)
    first = write_plan([LINE], images)
    source = open_folder(first, write_plan([LINE], images, first))
    for reason in ("Too many open files", "broken", "broken"):
        assert {*source.documents_of_trajectories()} == {first.SOPInstanceUID}
        (notice,) = source.notices_of_documents().values()
        assert notice == (
            f"a document cannot be read, which may have replaced what is there: {reason}"
        )
        source.images()


def test_two_segmentations_that_replace_one_are_both_offered_and_say_so(images, open_folder):
    labels = np.zeros((3, 5, 7), np.uint8)
    labels[1, 2:4, 3] = 1
    source = open_folder()
    ijk_to_ras = source.image(source.images()[0].id).ijk_to_ras()
    first = write_segmentation(LabelMapToStore(labels, ijk_to_ras, []), images)
    rivals = [
        write_segmentation(LabelMapToStore(labels, ijk_to_ras, []), images, first) for _ in range(2)
    ]
    source = open_folder(first, *rivals)
    items = source.label_maps()
    assert len(items) == 2
    for item in items:
        notice = source.image(item.id).metadata["Notice"]
        assert "and another one (" in notice
        assert "have replaced the same segmentation" in notice
    alone = open_folder(first, rivals[0])
    (item,) = alone.label_maps()
    assert "Notice" not in alone.image(item.id).metadata


@pytest.mark.parametrize(("name", "is_replaced"), [("DOE^JANE", True), ("Roe^Jim", False)])
def test_a_document_of_another_name_replaces_none(images, open_folder, name, is_replaced):
    """Nor can it be stored: the ID of one of them is wrong, and nobody knows of which."""
    first = write_plan([LINE], images)
    after = write_plan([LINE], images, first)
    first.PatientName = "Doe^Jane"
    after["PatientName"] = DataElement("PatientName", "PN", name)  # it has its images'
    source = open_folder(first, after)
    valid = {*source.documents_of_trajectories()}
    assert valid == {after.SOPInstanceUID} | (set() if is_replaced else {first.SOPInstanceUID})


def version(uid: str, *replaced: str, patient: str = "42", name: str = "") -> DocumentVersion:
    return DocumentVersion(uid, patient, replaced, f"made as {uid}", name=name)


def test_of_another_patient_nothing_is_replaced_and_nothing_rivals():
    others = version("b", "p", patient="43")
    versions = [version("p"), version("a", "p"), others]
    assert conflict_notices(versions, "plan") == {}
    assert replaced_keys([version("p"), others]) == {("43", "p")}


def test_of_another_name_nothing_rivals():
    names = [version("p"), version("a", "p", name="Doe^Jane"), version("b", "p", name="Roe^Jim")]
    assert conflict_notices(names, "plan") == {}
    assert replaced_keys(names) == {("42", "p")}
    assert replaced_keys([version("p", name="Doe^Jane"), *names[1:]]) == {("42", "p")}
    assert replaced_keys([version("p", name="Poe^Jo"), *names[1:]]) == set()


def test_one_that_replaces_both_rivals_ends_it():
    versions = [version("p"), version("a", "p"), version("b", "p"), version("c", "a", "b")]
    assert conflict_notices(versions, "plan") == {}


def test_documents_that_name_each_other_without_end_are_borne():
    versions = [version("a", "b", "p"), version("b", "a"), version("c", "c"), version("d", "b")]
    assert conflict_notices(versions, "plan") == {}


def test_documents_that_replace_each_other_or_themselves_are_not_lost():
    """Each says that the other is no longer valid: which one is right, the user has to decide."""
    versions = [version("a", "b", "p"), version("b", "a"), version("c", "c"), version("p")]
    assert replaced_keys(versions) == {("42", "p")}
    assert "decide which of them counts" in conflict_notices(versions, "plan")["42", "a"]
    ended = [*versions, version("d", "b", "c")]
    assert replaced_keys(ended) == {("42", uid) for uid in ("a", "b", "c", "p")}


def test_of_a_thousand_rivals_three_are_named():
    versions = [version("p"), *(version(str(number), "p") for number in range(1000))]
    notices = conflict_notices(versions, "plan")
    assert len(notices) == 1000
    assert "and others (made as 0, made as 1, made as 2) have" in notices["42", "999"]
