"""Archives that have one UID of a series twice: under two patients, or in two studies."""

from __future__ import annotations

from contextlib import closing
from copy import deepcopy

import pytest
from pydicom import Dataset

from helpers import orthanc
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import Archive
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.fields import image_id

WORDS = "1 series is left out, whose UID the archive has of several patients or studies"


@pytest.fixture
def copies(slices: list[Dataset]) -> list[Dataset]:
    """The same series of another patient, as of one whose ID was corrected elsewhere."""
    copies = deepcopy(slices)
    for one in copies:
        one.PatientID, one.PatientName = "corrected", "Roe^Jane"
    return copies


def by_web(archive: orthanc.Orthanc) -> Archive:
    return DicomWebArchive(archive.dicomweb)


def by_dimse(archive: orthanc.Orthanc) -> Archive:
    return DimseArchive(archive.peer)


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
@pytest.mark.parametrize("ask", [by_web, by_dimse])
def test_orthanc_keeps_both_and_neither_is_shown(slices, copies, make_slice, tmp_path, ask):
    """Which one is meant by its UID, nobody knows; an image has its ID from there."""
    other = [make_slice((0.0, 0.0, 0.0), SeriesInstanceUID="1.2.9.9", StudyInstanceUID="1.2.9")]
    for number, dataset in enumerate((*slices, *copies, *other)):
        dataset.save_as(tmp_path / f"{number}.dcm", enforce_file_format=True)
    with orthanc.running(tmp_path / "orthanc") as archive:
        assert archive.upload(tmp_path.glob("*.dcm")) == 7
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(ArchiveSource(ask(archive), cache)) as source:
            assert [item.id for item in source.images()] == [image_id("1.2.9.9")]
            assert WORDS in source.notice
            found, notice = ready(source.search, {"PatientID": "corrected"})
            assert (found, notice.startswith(WORDS)) == ((), True)
            with pytest.raises(SourceError, match="No image has the id"):
                ready(source.image, image_id(slices[0].SeriesInstanceUID))


def test_when_the_archive_is_corrected_the_series_is_shown(serve, slices, copies, open_source):
    """Nothing that was fetched before, as of the other patient, is used."""
    there = [slices]

    def script(path: str) -> Answer:
        return multipart(there[-1]) if "/studies/" in path else listing(*map(record, there))

    source = open_source(serve(script))
    (item,) = source.images()
    assert ready(source.image, item.id).metadata["PatientID"] == slices[0].PatientID
    there.append(copies)
    assert ready(source.images) == ()
    assert source.notice.startswith(WORDS)
    with pytest.raises(SourceError, match="No image has the id"):
        ready(source.image, item.id)
    del there[0]
    (item,) = ready(source.images)
    assert source.notice == ""
    assert ready(source.image, item.id).metadata["PatientID"] == "corrected"


def test_one_in_two_studies(serve, slices, copies, open_source):
    for one in copies:
        one.PatientID, one.StudyInstanceUID = slices[0].PatientID, "1.2.9"
    source = open_source(serve(lambda path: listing(record(slices), record(copies))))
    assert (source.images(), source.notice.startswith(WORDS)) == ((), True)


def test_a_study_of_which_one_is_left_out_is_not_whole(serve, slices, copies, open_source):
    """It has one of the two, which may have replaced a plan that is there."""
    for one in copies:
        one.StudyInstanceUID = "1.2.9"
    report, of_other = deepcopy(slices[0]), deepcopy(copies[0])
    for one in (report, of_other):
        one.SeriesInstanceUID, one.Modality = "1.2.3.9", "SR"
    there = [[report], [of_other]]

    def script(path: str) -> Answer:
        if "/studies/" in path:
            return multipart(slices)
        is_of_study = f"StudyInstanceUID={slices[0].StudyInstanceUID}" in path
        return listing(*map(record, [slices, *(there[:1] if is_of_study else there)]))

    source = open_source(serve(script))
    (item,) = source.images()
    ready(source.image, item.id)
    with pytest.raises(SourceError, match=r"whether one of its plans .* is not known"):
        ready(source.trajectories)
    assert ready(source.search, {"StudyInstanceUID": slices[0].StudyInstanceUID})[1].startswith(
        WORDS
    )
