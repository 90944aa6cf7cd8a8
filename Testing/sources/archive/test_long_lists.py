"""Long lists, and many: what they cost the server's thread, and what is forgotten of them.

Counted is how often that thread looks at an attribute of a series.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from pydicom import Dataset

from helpers.paced_archive import content_of
from helpers.ready_sources import ready
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Query, QueryResult, Series
from IGTLMetaBrowserLib.sources.archive.lists import archive_lists
from IGTLMetaBrowserLib.sources.archive.lists.patterns import matches
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

LINE = codec.TrajectoryItem(name="Left", entry=(10, 20, 30), target=(1, 2, 3))
PATIENTS = 30
OF_EACH = 10


class LargeArchive:
    """An archive of 30 patients with ten series each, and of series that have files.

    It lists the first of a patient without a search; ``count`` is how many files each has.
    """

    name = "a large archive"
    is_instance_soon = is_connecting = False

    def __init__(self) -> None:
        self.files: dict[str, list[Dataset]] = {}
        self.count = 3
        self.asked: list[Query] = []

    def close(self) -> None:
        """Nothing: it answers at once."""

    def find(self, query: Query, most: int) -> QueryResult:
        self.asked.append(query)
        found = [one for one in self._series() if matches(one, query)]
        return QueryResult(found[:most], len(found) > most)

    def _series(self) -> Iterator[Series]:
        for uid, (first, *_) in self.files.items():
            study, patient, modality = first.StudyInstanceUID, first.PatientID, first.Modality
            yield self._one(patient, study, uid, modality, len(self.files[uid]))
        for number in range(PATIENTS * OF_EACH):
            patient = number // OF_EACH
            yield self._one(str(patient), f"1.{patient}", f"1.{patient}.{number}", "CT", self.count)

    def _one(self, patient: str, study: str, uid: str, modality: str, count: int) -> Series:
        return Series(
            {
                "PatientID": patient,
                "PatientName": f"Doe^{patient}",
                "StudyInstanceUID": study,
                "SeriesInstanceUID": uid,
                "Modality": modality,
                "NumberOfSeriesRelatedInstances": str(count),
            }
        )

    def instance(self, series: Series, number: int) -> Mapping[str, str]:
        raise ArchiveError("it does not say")

    def fetch(self, series: Series, write: Callable, instance: str = "", find_room=None) -> None:
        for one in self.files[series.uid]:
            write(memoryview(content_of(one)))


@pytest.fixture
def archive() -> LargeArchive:
    return LargeArchive()


@pytest.fixture
def open_archive(archive, tmp_path: Path) -> Iterator[Callable[..., ArchiveSource]]:
    sources: list[ArchiveSource] = []

    def start(folder: str = "cache", most: int = 1000) -> ArchiveSource:
        cache = SeriesCache(tmp_path / folder, 1 << 30)
        sources.append(ArchiveSource(archive, cache, most=most))
        return sources[-1]

    yield start
    for source in sources:
        source.close()


@pytest.fixture
def looks(monkeypatch) -> list[str]:
    """The attributes that this thread looks at, each time that it does."""
    looks: list[str] = []
    look, here = Series.__getitem__, threading.get_ident()

    def noted(series: Series, keyword: str) -> str:
        if threading.get_ident() == here:
            looks.append(keyword)
        return look(series, keyword)

    monkeypatch.setattr(Series, "__getitem__", noted)
    return looks


def test_what_clients_see_of_a_list_is_made_by_the_thread_that_asks(archive, open_archive, looks):
    source = open_archive()
    assert len(ready(source.images)) == PATIENTS * OF_EACH
    assert len(ready(source.search, {"PatientID": "1*"})[0]) == 11 * OF_EACH
    assert looks == []


def test_a_list_in_which_all_has_changed_is_looked_through_once(archive, open_archive, looks):
    source = open_archive()
    before = ready(source.images)
    archive.count += 1
    now = ready(source.images)
    assert (now == before, now is before) == (True, False)
    assert len(looks) <= 2 * len(before)


def test_a_list_as_before_is_the_same_one(archive, open_archive, looks):
    """Which the server has packed."""
    source = open_archive()
    before = ready(source.images)
    asked = len(archive.asked)
    assert ready(source.images) is before
    assert len(archive.asked) == asked + 1


def test_overlays_are_looked_for_in_their_studies(archive, open_archive, make_slice, looks):
    """Ten, each with a plan; not in each of the ten among all series that are known."""
    for number in range(10):
        with_plan(make_slice, archive, number)
    source = open_archive()
    known = len(source.images()) + 10
    for item in [*source.images()]:
        if item.patient_id.startswith("P"):
            ready(source.image, item.id)
    assert len(ready(source.trajectories)) == 10
    turns = []

    def counted() -> list[codec.TrajectoryItem]:
        looks.clear()
        try:
            return [*source.trajectories()]
        finally:
            turns.append(len(looks))

    source.require_lists_since(time.monotonic())
    assert len(ready(counted)) == 10
    assert max(turns) < 2 * known


def with_plan(make_slice, archive: LargeArchive, number: int) -> None:
    """Have the archive get a study with an image and a plan."""
    uid = f"1.2.3.{number}"
    slices = [
        make_slice(
            (0, 0, 2.0 * k), k, PatientID=f"P{number}", PatientName=f"Doe^P{number}",
            StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", FrameOfReferenceUID=f"{uid}.9",
        )
        for k in range(3)
    ]  # fmt: skip
    plan = write_plan([LINE], slices)
    archive.files |= {f"{uid}.1": slices, plan.SeriesInstanceUID: [plan]}


def search_for_all(source: ArchiveSource) -> dict[str, str]:
    """Search for each patient; return the ids of one image of each."""
    found = {}
    for patient in range(PATIENTS):
        items, _ = ready(source.search, {"PatientID": str(patient)})
        found[str(patient)] = items[0].id
    return found


@pytest.mark.parametrize("most", [40, 100])
def test_of_what_searches_have_found_the_oldest_is_forgotten(
    archive, open_archive, monkeypatch, most
):
    monkeypatch.setattr(archive_lists, "_MOST_SERIES", most)
    source = open_archive(most=OF_EACH)
    found = search_for_all(source)
    known = {series["PatientID"] for series in source._lists.series.values()}
    assert len(source._lists.series) <= most + 2 * OF_EACH
    assert {"0", str(PATIENTS - 1)} <= known  # 0 is in the list without a search
    assert not known & {"1", "2", "3"}
    asked = len(archive.asked)
    assert source.metadata(found[str(PATIENTS - 1)])["PatientID"] == str(PATIENTS - 1)
    assert len(archive.asked) == asked
    assert ready(source.metadata, found["2"])["PatientID"] == "2"  # it is looked for once more


def test_who_asks_for_what_is_forgotten_is_told_to_search_again(archive, open_archive, monkeypatch):
    """If other gateways, or this one, have noted it nowhere: the disk was full, perhaps."""
    monkeypatch.setattr(archive_lists, "_MOST_SERIES", 40)
    source = open_archive(most=OF_EACH)
    monkeypatch.setattr(source._lists._found, "query_for", lambda image_id: None)
    found = search_for_all(source)
    with pytest.raises(SourceError, match=r"No image has the id .*search for it once more"):
        ready(source.image, found["2"])


def test_images_that_were_loaded_keep_their_overlays(
    archive, open_archive, make_slice, monkeypatch
):
    """However much others search for meanwhile."""
    monkeypatch.setattr(archive_lists, "_MOST_SERIES", 40)
    with_plan(make_slice, archive, 1)
    source = open_archive(most=OF_EACH)
    (item,), _ = ready(source.search, {"PatientID": "P1", "Modality": "CT"})
    ready(source.image, item.id)
    for _ in range(2):
        search_for_all(source)
        assert len(source._lists.series) <= 40 + 2 * OF_EACH
        assert len(ready(source.trajectories)) == 1
        asked = len(archive.asked)
        assert source.image(item.id).metadata["PatientID"] == "P1"
        assert len(archive.asked) == asked


def test_studies_are_known_as_long_as_an_image_of_theirs_is_in_use(
    archive, open_archive, make_slice
):
    for number in range(6):
        with_plan(make_slice, archive, number)
    source = open_archive()
    source._fetched._most = 2
    for number in range(6):
        (item,), _ = ready(source.search, {"PatientID": f"P{number}", "Modality": "CT"})
        ready(source.image, item.id)
        assert len(ready(source.trajectories)) == min(number + 1, 2)
        assert len(source._lists._studies) <= 2
    (item,), _ = ready(source.search, {"PatientID": "P0", "Modality": "CT"})
    ready(source.image, item.id)
    assert len(ready(source.trajectories)) == 2


def test_searches_with_many_series_are_fewer(archive, open_archive, monkeypatch):
    """Not the last one, which somebody waits for, however long it is."""
    monkeypatch.setattr(archive_lists, "_MOST_SERIES", 25)
    with closing(open_archive()) as source:
        for patient, count in (("1*", 1), ("2", 1), ("3", 2), ("1*", 3), ("4", 1)):
            ready(source.search, {"PatientID": patient})
            assert len(source._lists._searches) <= count
