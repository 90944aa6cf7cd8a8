"""Searches by what an archive need not search by (optional keys, PS3.4 C.6.2.1), by DIMSE."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import evt

from helpers import dimse_peer, orthanc
from helpers import radiotherapy as study
from helpers.dimse_peer import Behavior
from helpers.ready_sources import ready
from IGTLMetaBrowserLib.sources.archive.dimse import association
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource


@pytest.fixture
def series() -> list[Dataset]:
    """Six studies of two series each, of one slice: the last one is described in other words."""
    return [one_series(number // 2, number, is_last=number > 10) for number in range(12)]


def one_series(of_study: int, number: int, is_last: bool) -> Dataset:
    slice_ = study.ct_slice(1)
    slice_.StudyInstanceUID = f"1.2.{of_study}"
    slice_.SeriesInstanceUID = f"1.2.{of_study}.{number}"
    slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number}"
    slice_.StudyDescription = "Stroke" if of_study == 5 else "Control"
    slice_.SeriesDescription = "Perfusion" if is_last else "Thin slices"
    return slice_


def passing_over(series: list[Dataset], asked: list[Dataset]) -> Behavior:
    """An archive that has them, and searches by UIDs alone."""

    def studies(event: Any) -> Iterator[tuple[int, Dataset]]:
        asked.append(event.identifier)
        for one in series[::2]:
            yield (
                dimse_peer.PENDING,
                dimse_peer.answer(one, "STUDY", StudyDescription=one.StudyDescription),
            )

    def of_study(event: Any) -> Iterator[tuple[int, Dataset]]:
        asked.append(event.identifier)
        for one in series:
            if one.StudyInstanceUID == event.identifier.StudyInstanceUID:
                yield (
                    dimse_peer.PENDING,
                    dimse_peer.answer(one, SeriesDescription=one.SeriesDescription),
                )

    return Behavior(series, {"STUDY": studies, "SERIES": of_study})


@pytest.mark.parametrize(
    ("query", "count"), [({"SeriesDescription": "Perf*"}, 1), ({"StudyDescription": "S*"}, 2)]
)
def test_what_does_not_match_does_not_fill_the_list_of_an_archive_that_passes_over_it(
    series, tmp_path, query, count
):
    """At most three are listed: what matches is behind that."""
    asked: list[Dataset] = []
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with (
        dimse_peer.running(passing_over(series, asked)) as address,
        closing(ArchiveSource(DimseArchive(address), cache, most=3)) as source,
    ):
        asked.clear()
        found, notice = ready(source.search, query)
        assert (len(found), notice) == (count, "")
    (keyword, text), *_ = query.items()
    level = keyword.removesuffix("Description").upper()
    assert {one.get(keyword) for one in asked if one.QueryRetrieveLevel == level} == {text}


def test_who_has_no_end_of_what_does_not_match_is_said_to_have_more(series, tmp_path, monkeypatch):
    monkeypatch.setattr(association, "MOST_ANSWERS", 4)
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with (
        dimse_peer.running(passing_over(series, [])) as address,
        closing(ArchiveSource(DimseArchive(address), cache, most=3)) as source,
    ):
        found, notice = ready(source.search, {"StudyDescription": "S*"})
        assert (len(found), "has more that match" in notice) == (0, True)


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
def test_orthanc_searches_by_descriptions(series, tmp_path):
    files = [tmp_path / f"{number}.dcm" for number in range(len(series))]
    for file, dataset in zip(files, series, strict=True):
        dataset.save_as(file, enforce_file_format=True)
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with orthanc.running(tmp_path / "orthanc") as archive:
        assert archive.upload(files) == len(files)
        with closing(ArchiveSource(DimseArchive(archive.peer), cache, most=3)) as source:
            for query, count in (
                ({"SeriesDescription": "Perf*"}, 1),
                ({"StudyDescription": "S*"}, 2),
            ):
                found, notice = ready(source.search, query)
                assert (len(found), notice) == (count, "")


def test_both_pieces_of_a_message_are_sent_at_once(series, monkeypatch):
    """The second waited for 40 ms, until the peer had said that it has the first (Nagle)."""
    seen = []

    def look(event: Any) -> None:
        own = event.assoc.dul.socket.socket
        seen.append(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    prepare = association._leave_answers

    def prepare_and_look(established: Any) -> None:
        prepare(established)
        established.bind(evt.EVT_DIMSE_SENT, look)

    monkeypatch.setattr(association, "_leave_answers", prepare_and_look)
    with dimse_peer.running(passing_over(series, [])) as address:
        assert len(DimseArchive(address).find({}, 20)) == 12
    assert seen
    assert all(seen)
