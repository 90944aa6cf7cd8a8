"""Series that an archive has had: what was deleted there is not offered here any more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import Dataset

from helpers import orthanc
from helpers import radiotherapy as study
from helpers.ready_sources import fetch_only, ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan


def test_an_image_that_was_deleted_is_not_sent_though_it_is_in_the_cache(
    serve, slices, make_slice, open_source
):
    there = [slices, [make_slice((0, 0, 0), SeriesInstanceUID="1.9.9")]]

    def script(path: str) -> Answer:
        if "/studies/" in path:
            return multipart(next(one for one in there if one[0].SeriesInstanceUID in path))
        return listing(*map(record, there))

    source = open_source(serve(script))
    first, second = source.images()
    ready(source.image, first.id)
    ready(source.image, second.id)
    del there[1]
    assert [item.id for item in ready(source.images)] == [first.id]
    with pytest.raises(SourceError, match="No image has the id"):
        ready(source.image, second.id)
    assert ready(source.image, first.id).pixels.size


def test_what_a_list_that_is_cut_does_not_name_is_there_all_the_same(
    serve, slices, make_slice, open_source
):
    """It may be behind what came."""
    answers = [listing(record(slices)), listing()]
    source = open_source(serve(lambda p: multipart(slices) if "/studies/" in p else answers[0]))
    (image,) = source.images()
    other = make_slice((0, 0, 0), SeriesInstanceUID="1.9.9")
    answers[0] = listing(record([other]))
    answers[0].headers = {**answers[0].headers, "Warning": "299 x: 1 additional results"}
    assert image.id not in {item.id for item in ready(source.images)}
    assert ready(source.image, image.id).pixels.size


@pytest.fixture(params=["DICOMweb", "DIMSE"])
def archive(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[orthanc.Orthanc, ArchiveSource]]:
    """Orthanc with a CT, and it as a source."""
    if not orthanc.is_installed():
        pytest.skip(f"no Orthanc: {orthanc.INSTALL}")
    with orthanc.running(tmp_path / "orthanc") as running:
        stored(running, *(study.ct_slice(number) for number in (1, 2, 3)))
        by_web = request.param == "DICOMweb"
        way = DicomWebArchive(running.dicomweb) if by_web else DimseArchive(running.peer)
        with closing(ArchiveSource(way, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            yield running, source


def stored(running: orthanc.Orthanc, *datasets: Dataset) -> None:
    for dataset in datasets:
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        assert running.call("POST", "/instances", data=file.getvalue()).ok


def delete(running: orthanc.Orthanc, uid: str) -> None:
    (found,) = running.call("POST", "/tools/lookup", data=uid).json()
    assert running.call("DELETE", found["Path"]).ok


def test_a_plan_and_a_segmentation_that_were_deleted_are_not_offered(archive):
    running, source = archive
    slices = [study.ct_slice(number) for number in (1, 2, 3)]
    lines = [codec.TrajectoryItem(name="Left", entry=(1, 2, 3), target=(4, 5, 6))]
    first = write_plan(lines, slices)
    second = write_plan([], slices, first)
    segmentation = study.segmentation(slices)
    stored(running, first, second, segmentation)
    fetch_only(source)
    assert ready(source.label_maps)
    assert ready(source.trajectories) == []
    delete(running, second.SeriesInstanceUID)
    assert [item.name for item in ready(source.trajectories)] == ["Left"]  # valid again
    delete(running, first.SeriesInstanceUID)
    delete(running, segmentation.SeriesInstanceUID)
    assert ready(source.trajectories) == []
    assert ready(source.label_maps) == []
