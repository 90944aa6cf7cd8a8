"""``igtlmeta store``: two users who replace one document at the same moment, in a real archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers import orthanc
from helpers import radiotherapy as study
from helpers.ready_sources import ready
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli import archive_options, main
from IGTLMetaBrowserLib.sources.archive.archive import BrokenOffError, Query, QueryResult
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.documents.label_document import write_segmentation
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore, write_label_file
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan
from IGTLMetaBrowserLib.sources.trajectory_file import write_trajectories

pytestmark = pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")

LINE = codec.TrajectoryItem(name="Left STN", entry=(30, 40, 50), target=(10, -5, 2))
AT_THE_CHECK, AT_THE_STORE = 2, None


class SharedArchive(DicomWebArchive):
    """An archive in which somebody else stores a document, too.

    Just before it is asked for its documents the ``moment``-th time, or something is stored.
    """

    def __init__(self, url: str, other: bytes, moment: int | None) -> None:
        super().__init__(url)
        self._other = other
        self._moment = moment
        self._searches = 0

    def find(self, query: Query, most: int) -> QueryResult:
        self._searches += 1
        if self._searches == self._moment:
            super().store([self._other])
        return super().find(query, most)

    def store(self, files: Sequence[bytes]) -> None:
        if self._moment is AT_THE_STORE:
            super().store([self._other])
        super().store(files)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[orthanc.Orthanc]:
    with orthanc.running(tmp_path / "orthanc") as running:
        yield running


@pytest.fixture
def images(tmp_path: Path) -> list[Dataset]:
    (tmp_path / "ct").mkdir()
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    for number, dataset in enumerate(slices):
        dataset.save_as(tmp_path / "ct" / f"{number}.dcm", enforce_file_format=True)
    return slices


@pytest.fixture(params=["plan.json", "labels.npz"])
def document(
    request: pytest.FixtureRequest, tmp_path: Path, images: list[Dataset]
) -> tuple[Path, Callable[..., Dataset]]:
    """What is to be stored, and a function that makes a document of the same."""
    path = tmp_path / request.param
    if path.suffix == ".json":
        write_trajectories(path, [LINE])
        return path, lambda before=None: write_plan([LINE], images, before)
    image = DicomFolderSource(tmp_path / "ct")
    message = image.image(image.images()[0].id)
    pixels = np.zeros(message.pixels.shape, np.uint8)
    pixels[1, 10:20, 30:50] = 1
    labels = LabelMapToStore(pixels, message.ijk_to_ras(), [])
    write_label_file(path, labels)
    return path, lambda before=None: write_segmentation(labels, images, before)


@pytest.fixture
def store(
    archive: orthanc.Orthanc,
    document: tuple[Path, Callable[..., Dataset]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[int | None], int]:
    """A function that replaces a document as somebody else does, at that moment."""
    path, make = document
    archive.upload([*(tmp_path / "ct").iterdir()])
    first = make()
    DicomWebArchive(archive.dicomweb).store([bytes_of(first)])

    def run(moment: int | None) -> int:
        shared = SharedArchive(archive.dicomweb, bytes_of(make(first)), moment)
        monkeypatch.setattr(archive_options, "open_archive", lambda _: shared)
        where = ["--images", str(tmp_path / "ct"), "--dicomweb", archive.dicomweb]
        return main.main(["store", str(path), "--replaces", first.SOPInstanceUID, *where])

    return run


def bytes_of(document: Dataset) -> bytes:
    content = BytesIO()
    document.save_as(content, enforce_file_format=True)
    return content.getvalue()


def count(archive: orthanc.Orthanc) -> int:
    """How many documents there are beside the three images."""
    return archive.call("GET", "/statistics").json()["CountInstances"] - 3


def test_a_document_that_was_replaced_while_the_new_one_was_made_is_not_replaced_again(
    store, archive, capfd
):
    assert store(AT_THE_CHECK) == 1
    assert "was replaced meanwhile, by somebody else perhaps; get what" in capfd.readouterr().err
    assert count(archive) == 2


class LimitedArchive(DicomWebArchive):
    """An archive that lists less than it has, and says so."""

    def find(self, query: Query, most: int) -> QueryResult:
        return QueryResult(super().find(query, most), is_cut=True)


def test_where_not_all_documents_are_listed_none_is_replaced(
    archive, document, images, monkeypatch, tmp_path, capfd
):
    path, make = document
    first = make()
    limited = LimitedArchive(archive.dicomweb)
    limited.store([*map(bytes_of, [*images, first])])
    monkeypatch.setattr(archive_options, "open_archive", lambda _: limited)
    where = ["--images", str(tmp_path / "ct"), "--dicomweb", archive.dicomweb]
    assert main.main(["store", str(path), "--replaces", first.SOPInstanceUID, *where]) == 1
    assert "lists 1 series of a study, and has more: whether one of" in capfd.readouterr().err
    assert count(archive) == 1


class LostAnswerArchive(DicomWebArchive):
    """An archive whose answer does not come; ``is_stored``: it has stored the document before."""

    def __init__(self, url: str, is_stored: bool, is_reached: bool = True) -> None:
        super().__init__(url)
        self._is_stored = is_stored
        self._is_reached = is_reached

    def store(self, files: Sequence[bytes]) -> None:
        if self._is_stored:
            super().store(files)
        if not self._is_reached:
            self.close()
        raise BrokenOffError(f"cannot store in {self.name}: it has ended")


@pytest.mark.parametrize(
    ("is_stored", "is_reached", "words"),
    [
        (True, True, "stored in http"),
        (False, True, "it has ended\n"),
        (True, False, "whether it was stored all the same is not known: look before you"),
    ],
)
def test_a_document_whose_answer_is_lost_was_stored_or_not(
    archive, document, tmp_path, monkeypatch, capfd, is_stored, is_reached, words
):
    """It is looked up: who stores it once more would have two that are valid."""
    path, _ = document
    archive.upload([*(tmp_path / "ct").iterdir()])
    lost = LostAnswerArchive(archive.dicomweb, is_stored, is_reached)
    monkeypatch.setattr(archive_options, "open_archive", lambda _: lost)
    where = ["--images", str(tmp_path / "ct"), "--dicomweb", archive.dicomweb]
    code = main.main(["store", str(path), *where])
    assert (code == 0) == (is_stored and is_reached)
    assert words in capfd.readouterr().err
    assert count(archive) == is_stored


def test_who_stores_at_the_same_moment_is_told_and_so_are_all_who_look(
    store, archive, tmp_path, capfd
):
    assert store(AT_THE_STORE) == 0
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"stored in {archive.dicomweb}, but so was another document (" in said
    assert "both are valid; get what there is now" in said
    assert count(archive) == 3
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with closing(ArchiveSource(DicomWebArchive(archive.dicomweb), cache)) as source:
        ready(source.image, source.images()[0].id)
        if items := ready(source.label_maps):
            notices = [ready(source.image, item.id).metadata["Notice"] for item in items]
        else:
            assert len(ready(source.trajectories)) == 2
            notices = [*ready(source.notices_of_documents).values()]
    assert len(notices) == 2
    assert all("and another one (20" in notice for notice in notices)
