"""Files that come, change and go: a scan finds what a new start would, and reads what is new."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom.seg import SegmentationTypeValues
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from helpers import radiotherapy as study
from helpers.any_order import any_order
from helpers.contours import square, structure_set
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.dicom_index import rows
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom import plans, series_offers
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps import folder_label_maps
from IGTLMetaBrowserLib.sources.dicom.pixels.pixels import PixelDigests
from IGTLMetaBrowserLib.sources.dicom.replaced_documents import DocumentVersion
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

LINE = codec.TrajectoryItem(name="Left STN", entry=(10, 20, 30.5), target=(-1, 2, 3))
FOUR_D = f"{study.STUDY}.40"


def ct_slice(number: int, instance: str = "", **attributes: Any) -> Dataset:
    dataset = study.ct_slice(number)
    if instance:
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def moment(number: int, time: int) -> Dataset:
    """A slice of a 4D series of two places and two times."""
    return ct_slice(
        number,
        f"{FOUR_D}.{number}.{time}",
        SeriesInstanceUID=FOUR_D,
        AcquisitionTime=f"08{time:02}00",
        InstanceNumber=2 * time + number,
    )


def slices() -> list[Dataset]:
    return [ct_slice(number) for number in (1, 2, 3)]


def another_image() -> Dataset:
    """Other pixels under the UID of one of the CT's slices."""
    dataset = ct_slice(2)
    dataset.PixelData = bytes(len(dataset.PixelData))
    return dataset


def fractions() -> Dataset:
    made = study.segments(
        slices(), np.ones((3, 128, 128)), ["Liver"], kind=SegmentationTypeValues.FRACTIONAL
    )
    made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.1"
    return made


def referring() -> Dataset:
    """A slice of another series, which refers to one of the CT's."""
    references = [study.reference(study.instance_of(study.CT, 3))]
    return ct_slice(
        1,
        "1.2.3.3",
        SeriesInstanceUID=f"{study.STUDY}.50",
        IssuerOfPatientID="A",
        ReferencedImageSequence=references,
    )


@cache
def first_plan() -> Dataset:
    return write_plan([LINE], slices())


FILES: dict[str, Callable[[], Dataset]] = {
    **{f"ct {number}": partial(ct_slice, number) for number in (1, 2, 3)},
    **{f"4D {n} {time}": partial(moment, n, time) for n in (1, 2) for time in (1, 2)},
    "other": referring,
    "no series": partial(ct_slice, 1, "1.2.3.4", SeriesInstanceUID=None),
    "seg": lambda: study.segmentation(slices()),
    "fractions": fractions,
    "structures": lambda: structure_set(square(ct_slice(1), 10, 20)),
    "plan": first_plan,
    "plan that has replaced it": lambda: write_plan([LINE, LINE], slices(), first_plan()),
    "rtplan": study.plan,
}
"""Files of each kind, by their names."""
OTHERS: dict[str, Callable[[], Dataset]] = {
    "another image": another_image,
    "another patient": partial(ct_slice, 4, PatientID="2"),
    "another issuer": partial(ct_slice, 4, IssuerOfPatientID="B"),
    "the same place": partial(ct_slice, 1, "1.2.3.2", RescaleIntercept=5),
    "the same pixels": partial(ct_slice, 1, "1.2.3.2"),
}
"""Those that take the CT apart, or a slice of it away."""


@pytest.fixture(scope="module")
def contents() -> dict[str, bytes]:
    """What is in files, by their names."""
    found = {"text": b"no DICOM"}
    for name, make in (FILES | OTHERS).items():
        file = BytesIO()
        make().save_as(file, enforce_file_format=True)
        found[name] = file.getvalue()
    return found


@pytest.fixture(autouse=True)
def _scan_whenever_a_list_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)


PLACES = [*FILES, "a", "ct 0", "folder/copy", "z"]
CONTENTS = [*FILES, *OTHERS, "text"]
CHANGES = st.lists(
    st.tuples(st.sampled_from(PLACES), st.none() | st.sampled_from(CONTENTS)),
    min_size=1,
    max_size=4,
)
seconds = itertools.count(1_700_000_000)


def write(path: Path, content: bytes | None) -> None:
    """Have a file hold this at another time than any before; None removes it."""
    if content is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    second = next(seconds)
    os.utime(path, (second, second))


def said(source: DicomFolderSource) -> dict[str, Any]:
    """All that a source tells of a folder."""
    ids = [item.id for item in source.images()]
    stacks = source.stacks()
    return {
        "images": [*source.images()],
        "metadata": {image_id: source.metadata(image_id) for image_id in ids},
        "frames": {
            image_id: [(one.file.name, one.file.version, one.index) for one in stack.frames]
            for image_id, stack in stacks.items()
        },
        "matrices": {image_id: stack.ijk_to_ras.tolist() for image_id, stack in stacks.items()},
        "sequences": [*source.sequences()],
        "issuers": source.issuers(),
        "label maps": source.label_maps(),
        "versions": source.versions_of_documents,
        "trajectories": source.trajectories(),
        "plans": source.documents_of_trajectories(),
        "notices": source.notices_of_documents(),
        "refused": source.refused,  # to which reading the label maps has added
    }


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]) -> Path:
    return folder_of(tmp_path_factory, contents)


def folder_of(paths: pytest.TempPathFactory, contents: dict[str, bytes]) -> Path:
    """A folder with a file of each kind."""
    folder = paths.mktemp("folder")
    for name in FILES:
        write(folder / name, contents[name])
    return folder


def check_like_a_new_start(source: DicomFolderSource) -> None:
    with closing(DicomFolderSource(source.folder)) as new:
        assert said(source) == said(new)


def test_a_scan_finds_what_a_new_start_would_after_one_file_has_come_or_gone(folder, contents):
    comes = [(place, name) for name in (*OTHERS, "text") for place in ("a", "z")]
    goes = [(name, name) for name in FILES]
    with closing(DicomFolderSource(folder)) as source:
        said(source)
        for place, name in comes + goes:
            is_there = (folder / place).exists()
            write(folder / place, None if is_there else contents[name])
            check_like_a_new_start(source)
            write(folder / place, contents[name] if is_there else None)
            said(source)


@any_order(5)
@given(changes=st.lists(CHANGES, min_size=1, max_size=4))
def test_a_scan_finds_what_a_new_start_would_after_any_changes(contents, tmp_path_factory, changes):
    folder = folder_of(tmp_path_factory, contents)
    with closing(DicomFolderSource(folder)) as source:
        said(source)
        for some in changes:
            for place, name in some:
                write(folder / place, contents.get(name))
            check_like_a_new_start(source)


READERS = (
    (rows, "unpack_header"),
    (series_offers, "stack_frames"),
    (plans, "read_plan"),
    (folder_label_maps, "version_in"),
    (folder_label_maps, "read_segmentation"),
    (folder_label_maps, "read_structures"),
    (PixelDigests, "of_file"),
    (PixelDigests, "of_frame"),
)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done of what takes long."""
    done: list[str] = []

    def noted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            done.append(name)
            return function(*arguments)

        return call

    for place, name in READERS:
        monkeypatch.setattr(place, name, noted(name, getattr(place, name)))
    return done


def test_of_a_new_file_all_is_read_and_of_others_nothing(folder, contents, read):
    write(folder / "copy", contents["ct 2"])
    write(folder / "z", contents["the same pixels"])
    with closing(DicomFolderSource(folder)) as source:
        said(source)
        assert {*read} == {name for _, name in READERS}
        for name, done in {
            "text": [],
            "no series": ["stack_frames", "unpack_header"],
            "plan": ["read_plan"],
            "seg": ["read_segmentation", "unpack_header", "version_in"],
            "structures": ["read_structures"],
        }.items():
            read.clear()
            write(folder / name, None)
            said(source)
            assert read == []
            write(folder / name, contents[name])
            said(source)
            assert sorted(read) == done, name


def test_of_a_series_that_has_changed_the_others_files_are_not_read(folder, contents, read):
    with closing(DicomFolderSource(folder)) as source:
        said(source)
        read.clear()
        write(folder / "new", contents["another issuer"])
        said(source)
    assert sorted(read) == ["stack_frames", "unpack_header"]


@pytest.mark.parametrize(
    ("twin", "reason"), [("ct 2", "the same image as"), ("the same pixels", "are there twice")]
)
def test_pixels_that_could_not_be_read_are_compared_next_time(
    folder, contents, monkeypatch, twin, reason
):
    """As on a share that is away for a moment."""
    write(folder / "twin", contents[twin])
    with monkeypatch.context() as away:
        away.setattr(PixelDigests, "_of_frames", _raise_source_error)
        source = DicomFolderSource(folder)
        assert reason not in str(source.refused)
    write(folder / "new", b"no DICOM")
    with closing(source):
        check_like_a_new_start(source)
        assert reason in str(source.refused)


def test_an_image_goes_on_being_read_when_another_one_of_its_series_has_changed(folder, contents):
    """By its stack it is known what was begun."""

    def stack_of(file: str) -> Any:
        stacks = source.stacks().values()
        (found,) = (one for one in stacks if file in [frame.file.name for frame in one.frames])
        return found

    write(folder / "a", contents["another patient"])
    with closing(DicomFolderSource(folder)) as source:
        before, of_other = stack_of("ct 1"), stack_of("a")
        ct_slice(5, PatientID="2").save_as(folder / "z", enforce_file_format=True)
        said(source)
        assert stack_of("ct 1") is before
        assert stack_of("a") is not of_other


def test_what_a_segmentation_has_replaced_is_read_next_time_if_it_could_not_be(
    folder, contents, monkeypatch
):
    with monkeypatch.context() as away:
        unread = DocumentVersion(unread="away", may_be_read_later=True)
        away.setattr(folder_label_maps, "version_in", lambda _path: unread)
        source = DicomFolderSource(folder)
        said(source)
    with closing(source):
        check_like_a_new_start(source)


def _raise_source_error(*_arguments: object) -> None:
    raise SourceError("away")
