"""Archives that list less than they have and do not say so: what they say of studies tells it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom import Dataset

from helpers import dimse_peer, orthanc
from helpers import radiotherapy as study
from helpers.dimse_peer import Behavior
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb import dicomweb_archive as dicomweb
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource

NOT_KNOWN = "has more: whether one of its plans or segmentations has replaced another is not known"


@pytest.fixture
def series() -> list[Dataset]:
    """Three studies of four series each, of one slice: three CT, and one MR."""
    return [one_series(number // 4, number) for number in range(12)]


def one_series(of_study: int, number: int) -> Dataset:
    slice_ = study.ct_slice(1)
    slice_.StudyInstanceUID = f"1.2.{of_study}"
    slice_.SeriesInstanceUID = f"1.2.{of_study}.{number}"
    slice_.SOPInstanceUID = slice_.file_meta.MediaStorageSOPInstanceUID = f"1.2.9.{number}"
    slice_.SeriesDescription = "Head" if number else "Neck"
    slice_.Modality = "MR" if number % 4 == 3 else "CT"
    return slice_


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
@pytest.mark.parametrize("limit", [2, 6, 0])
def test_orthanc_with_a_limit_of_its_own(series, tmp_path, limit):
    """Of the twelve, it gives some and not a word more (1.10, LimitFindResults); 0 is no limit.

    With 2, it gives three of the four of a study, too: one of its plans may have been replaced.
    """
    files = [tmp_path / f"{number}.dcm" for number in range(len(series))]
    for file, dataset in zip(files, series, strict=True):
        dataset.save_as(file, enforce_file_format=True)
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    settings = {"LimitFindResults": limit}
    with orthanc.running(tmp_path / "orthanc", settings=settings) as archive:
        assert archive.upload(files) == len(files)
        with closing(ArchiveSource(DicomWebArchive(archive.dicomweb), cache)) as source:
            for notice in (
                source.notice,
                ready(source.search, {"PatientID": series[0].PatientID})[1],
                ready(source.search, {"SeriesDescription": "Head*"})[1],
            ):
                assert ("has more that match" in notice) == (limit > 0)
            (mrs, notice) = ready(source.search, {"Modality": "MR"})
            assert (len(mrs), notice) == (3, "")
            ready(source.image, source.images()[0].id)
            if limit == 2:
                with pytest.raises(SourceError, match=NOT_KNOWN):
                    ready(source.trajectories)
            else:
                assert ready(source.trajectories) == []


def scripted(
    series: list[Dataset], count: Any, listed: int, modalities: Sequence[str] = ("CT", "MR")
) -> Any:
    """A script that lists so many of the series, and says that a study has ``count``."""

    def script(path: str) -> Answer:
        if "/instances" in path or "/studies/" in path:
            return multipart([series[0]])
        if "/studies?" not in path:
            if "offset=0" not in path:
                return listing()
            return listing(*map(record, [[one] for one in series[:listed]]))
        said = record([series[0]])
        del said["0020000E"], said["00080060"]
        if isinstance(count, int | str):
            said["00201206"] = {"vr": "IS", "Value": [count]}
        said["00080061"] = {"vr": "CS", "Value": [*modalities]}
        return count if isinstance(count, Answer) else listing(said)

    return script


@pytest.mark.parametrize(
    ("count", "is_said"),
    [
        (4, True), ("4 ", True), (3, False), (2, False), (None, False), ("many", False),
        ("9" * 99, False), (Answer(404), False), (Answer(204), False), (Answer(501), False),
        (Answer(200, b"<html>"), False), (Answer(200, b"[1, [2]]"), False),
        (Answer(200, b"[" * 99999), False), (Answer(200, b"[{}, {}]", is_cut=True), False),
    ],
)  # fmt: skip
def test_a_study_of_which_fewer_series_are_listed_than_it_has(
    serve, series, open_source, count, is_said
):
    """Who says nothing of studies, or nothing that makes sense, lists what it lists."""
    source = open_source(serve(scripted(series, count, 3)))
    assert len(source.images()) == 3
    assert ("has more that match" in source.notice) == is_said


@pytest.mark.parametrize(
    ("modalities", "modality", "is_said"),
    [
        (["CT"], "CT", True),  # then all four are of it
        (["CT", "MR"], "CT", False),  # then it is not known how many are
        (["CT", "MR"], "MR", True),  # none of which is listed
        (["CT"], "MR", False),
        (["CT", "MR"], "?R", True),  # and of others, nothing: it has one more of some modality
    ],
)
def test_of_a_modality_it_is_known_that_there_is_one(
    serve, series, open_source, modalities, modality, is_said
):
    source = open_source(serve(scripted(series, 4, 3, modalities)))
    found, notice = ready(source.search, {"Modality": modality})
    assert len(found) == (3 if modality == "CT" else 0)
    assert ("has more that match" in notice) == is_said


@pytest.mark.parametrize("first", [0, 3, 6, 9])
@pytest.mark.parametrize("page", [5000, 2])
def test_a_search_by_what_is_not_of_the_study_is_cut_if_no_more_is_given_of_any(
    serve, series, open_source, monkeypatch, first, page
):
    """Whatever the limit of the archive was ``first``: who runs it can set another at any time."""
    monkeypatch.setattr(dicomweb, "_PAGE", page)  # so many are asked for at once
    words = [one.SeriesDescription for one in series]
    records = [
        {**record([one]), "0008103E": {"vr": "LO", "Value": [text]}}
        for one, text in zip(series, words, strict=True)
    ]
    limit = first

    def script(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        offset, most = (int(asked[key][0]) for key in ("offset", "limit"))
        if "/studies?" in path:
            studies = [{**one, "00201206": {"vr": "IS", "Value": [4]}} for one in records[::4]]
            return listing(*studies[offset:])
        wanted = asked.get("SeriesDescription", [""])[0].rstrip("*")
        pairs = zip(records, words, strict=True)
        found = [one for one, text in pairs if text.startswith(wanted)]
        return listing(*found[:limit][offset : offset + most])

    source = open_source(serve(script))
    assert len(source.images()) == first
    for limit in (6, 3, 12, 1):
        for wanted, count in (("Neck", 1), ("Head*", 11)):
            found, notice = ready(source.search, {"SeriesDescription": wanted})
            assert len(found) == min(count, limit)
            assert ("has more that match" in notice) == (count >= limit)


@pytest.mark.parametrize("listed", [240, 237, 238])
def test_of_a_long_list_its_end_is_looked_at(serve, series, open_source, listed):
    """Of 120 studies, each of which has two series."""
    all_series = [record([one_series(number // 2, number)]) for number in range(240)]
    studies = [{**one, "00201206": {"vr": "IS", "Value": [2]}} for one in all_series[::2]]

    def script(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        offset, limit = (int(asked[key][0]) for key in ("offset", "limit"))
        found = studies if "/studies?" in path else all_series[:listed]
        return listing(*found[offset : offset + limit])

    source = open_source(serve(script))
    assert len(source.images()) == listed
    assert ("has more that match" in source.notice) == (listed < 240)


def test_what_is_said_of_other_studies_than_were_asked_for_counts_for_nothing(
    serve, series, open_source
):
    """An archive may pass over what it does not search by."""
    source = open_source(serve(scripted(series, 4, 3)))
    assert ready(source.search, {"PatientID": "of nobody"}) == ((), "")
    found, notice = ready(source.search, {"SeriesDescription": "*"})
    assert (len(found), bool(notice)) == (3, True)


def test_of_an_archive_that_passes_over_a_description_what_matches_may_be_behind_its_limit(
    serve, series, open_source
):
    source = open_source(serve(scripted(series, 4, 3)))
    found, notice = ready(source.search, {"SeriesDescription": "none"})
    assert (len(found), "has more that match" in notice) == (0, True)


@pytest.mark.parametrize(("count", "is_said"), [("4", True), ("1", False), ("", False)])
def test_so_it_is_by_dimse(series, tmp_path, count, is_said):
    def find(event: Any) -> Any:
        yield (
            dimse_peer.PENDING,
            dimse_peer.answer(series[0], "STUDY", NumberOfStudyRelatedSeries=count),
        )

    peer = Behavior(series[:1], finds={"STUDY": find})
    cache = SeriesCache(tmp_path / "cache", 1 << 30)
    with (
        dimse_peer.running(peer) as address,
        closing(ArchiveSource(DimseArchive(address), cache)) as source,
    ):
        assert len(source.images()) == 1
        assert ("has more that match" in source.notice) == is_said
        assert ready(source.search, {"Modality": "CT"})[1] == ""
