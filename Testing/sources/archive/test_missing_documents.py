"""Plans and segmentations that an archive lists and does not send: others may be replaced."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from pydicom import Dataset

from helpers import radiotherapy as study
from helpers import scripted_archive
from helpers.peers import ServerInThread
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.list_metadata.notices import notice_of_list, notices_of_documents
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom import plans as plan_files
from IGTLMetaBrowserLib.sources.dicom import replaced_documents
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

LINE = codec.TrajectoryItem(name="Left", entry=(10, 20, 30), target=(1, 2, 3))
WORDS = "a document of the patient cannot be had, which may have replaced what is there: cannot"


@dataclass
class Peer:
    """An archive: the series that it lists, and the UIDs of those that it does not send."""

    series: list[list[Dataset]]
    withheld: set[str] = field(default_factory=set)
    fetches: list[str] = field(default_factory=list)

    def __call__(self, path: str) -> Answer:
        if "/studies/" not in path:
            return listing(*map(record, self.series)) if "offset=0" in path else listing()
        uid = path.partition("/series/")[2].partition("/")[0]
        self.fetches.append(uid)
        (wanted,) = [one for one in self.series if one[0].SeriesInstanceUID == uid]
        return Answer(500) if uid in self.withheld else multipart(wanted)


@pytest.fixture
def slices() -> list[Dataset]:
    return [study.ct_slice(number) for number in (1, 2, 3)]


@pytest.fixture
def peer(slices: list[Dataset]) -> Peer:
    return Peer([slices])


@pytest.fixture
def source(peer: Peer, tmp_path: Path) -> Iterator[ArchiveSource]:
    """The archive, whose CT was fetched."""
    with scripted_archive.running(peer) as port:
        web = DicomWebArchive(f"http://127.0.0.1:{port}")
        with closing(ArchiveSource(web, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            (ct,) = source.images()
            ready(source.image, ct.id)
            yield source


@pytest.fixture
def plans(peer: Peer, slices: list[Dataset]) -> tuple[Dataset, Dataset]:
    """A plan that is sent, and what is not, which has replaced it."""
    first = deepcopy(write_plan([LINE], slices))
    second = deepcopy(write_plan([replace(LINE, name="Right")], slices, first))
    peer.series += [[first], [second]]
    peer.withheld = {second.SeriesInstanceUID}
    return first, second


def test_a_plan_says_that_it_may_have_been_replaced(source, peer, plans):
    """The archive is asked for the other once for each question."""
    first, second = plans
    with ServerInThread(source) as server, server.client() as client:
        client.list_images()
        for number in (1, 2):
            answer = client.wait(client.ask("TRAJ"))
            assert [item.name for item in answer.items] == ["Left"]
            notices = notices_of_documents(answer.metadata)
            assert notices[first.SOPInstanceUID].startswith(WORDS)
            assert peer.fetches.count(second.SeriesInstanceUID) == number
        peer.withheld.clear()
        answer = client.wait(client.ask("TRAJ"))
    assert [item.name for item in answer.items] == ["Right"]
    assert notices_of_documents(answer.metadata) == {}


def raise_too_many_open_files(*_arguments: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


def test_one_that_has_come_and_cannot_be_read_is_read_for_the_next_question(
    source, peer, slices, monkeypatch
):
    first = write_plan([LINE], slices)
    second = write_plan([replace(LINE, name="Right")], slices, first)
    peer.series += [[first]]
    assert [item.name for item in ready(source.trajectories)] == ["Left"]
    peer.series += [[second]]
    ready(source.images)
    with monkeypatch.context() as busy:
        busy.setattr(plan_files, "open_limited", raise_too_many_open_files)
        assert [item.name for item in ready(source.trajectories)] == ["Left"]
        (notice,) = source.notices_of_documents().values()
        assert notice.startswith(WORDS.removesuffix("cannot") + "a plan cannot be read: Too many")
    assert [item.name for item in ready(source.trajectories)] == ["Right"]
    assert source.notices_of_documents() == {}


def test_of_a_segmentation_that_cannot_be_read_all_others_say_so(source, peer, slices, monkeypatch):
    first, second = (study.segmentation(slices) for _ in range(2))
    second.SeriesInstanceUID, second.SOPInstanceUID = f"{study.CT}.8", f"{study.CT}.9"
    peer.series += [[first]]
    ready(source.label_maps)
    peer.series += [[second]]
    ready(source.images)
    with monkeypatch.context() as busy:
        busy.setattr(replaced_documents, "open_limited", raise_too_many_open_files)
        items = ready(source.label_maps)
    notices = [ready(source.image, item.id).metadata["Notice"] for item in items]
    assert len(notices) == 2
    assert all("may have replaced what is there: Too many open files" in one for one in notices)


def test_it_says_so_of_one_in_another_study_of_the_patient(source, peer, slices):
    """Other systems replace across studies; and nobody shall take what is there for all."""
    others = [deepcopy(one) for one in slices]
    for number, one in enumerate(others):
        one.StudyInstanceUID, one.SeriesInstanceUID = f"{study.CT}.6", f"{study.CT}.7"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{study.CT}.7.{number}"
    plan = write_plan([LINE], others)
    missing = write_plan([LINE], slices)
    peer.series += [others, [plan], [missing]]
    peer.withheld = {missing.SeriesInstanceUID}
    for item in ready(source.images):
        ready(source.image, item.id)
    assert [item.name for item in ready(source.trajectories)] == ["Left"]
    notices = source.notices_of_documents()
    assert notices[plan.SOPInstanceUID].startswith(WORDS)


def test_without_another_plan_it_is_not_taken_for_none(source, peer, plans):
    first, _ = plans
    peer.withheld.add(first.SeriesInstanceUID)
    with pytest.raises(SourceError, match=WORDS):
        ready(source.trajectories)
    peer.withheld.clear()
    assert [item.name for item in ready(source.trajectories)] == ["Right"]


def test_so_it_is_with_segmentations(source, peer, slices):
    first, second = (study.segmentation(slices) for _ in range(2))
    second.SeriesInstanceUID, second.SOPInstanceUID = f"{study.CT}.8", f"{study.CT}.9"
    peer.series += [[first], [second]]
    peer.withheld = {second.SeriesInstanceUID}
    (item,) = ready(source.label_maps)
    assert WORDS in ready(source.image, item.id).metadata["Notice"]
    peer.withheld.add(first.SeriesInstanceUID)
    del peer.series[1]
    with pytest.raises(SourceError, match=WORDS):
        ready(source.label_maps)


def test_of_a_patient_whose_documents_are_all_missing_nothing_is_there_in_silence(
    source, peer, slices
):
    """Another patient's are there: neither is his plan said to be replaced, nor are these all."""
    others = [deepcopy(one) for one in slices]
    for number, one in enumerate(others):
        one.PatientID, one.PatientName = "OTHER", "Other^Ann"
        one.StudyInstanceUID, one.SeriesInstanceUID = f"{study.CT}.6", f"{study.CT}.7"
        one.FrameOfReferenceUID = f"{study.CT}.8"
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{study.CT}.7.{number}"
    seen = [write_plan([LINE], others), study.segmentation(others)]
    missing = [write_plan([LINE], slices), study.segmentation(slices)]
    for number, one in enumerate([seen[1], missing[1]]):
        one.SeriesInstanceUID, one.SOPInstanceUID = f"{study.CT}.9{number}", f"{study.CT}.4{number}"
    peer.series += [others, *([one] for one in (*seen, *missing))]
    peer.withheld = {one.SeriesInstanceUID for one in missing}
    for item in ready(source.images):
        ready(source.image, item.id)
    with ServerInThread(source) as server, server.client() as client:
        client.list_images()
        for data_type in ("TRAJ", "LBMETA"):
            answer = client.wait(client.ask(data_type))
            assert len(answer.items) == 1
            assert notice_of_list(answer.metadata).startswith(
                "of another patient nothing is there, as a document cannot be had: cannot fetch"
            )
            assert notices_of_documents(answer.metadata) == {}
        label_map = client.get_image(answer.items[0].id)
        assert "cannot be had" not in label_map.metadata.get("Notice", "")
        peer.withheld.clear()
        for data_type in ("TRAJ", "LBMETA"):
            answer = client.wait(client.ask(data_type))
            assert len(answer.items) == 2
            assert notice_of_list(answer.metadata) == ""
