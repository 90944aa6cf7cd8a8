"""Two hospitals that have given the same ID: their patients have one name, and are never mixed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from copy import deepcopy
from pathlib import Path

import pytest
from pydicom import Dataset

from helpers import orthanc
from helpers import radiotherapy as study
from helpers.ready_sources import fetch_only, ready
from helpers.scripted_archive import Script, archive_of, listing, multipart, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

WORDS = "has 2 issuers under the ID 42: check whose this is"
LINE = codec.TrajectoryItem(name="Left", entry=(10, 20, 30), target=(1, 2, 3))


@pytest.fixture
def slices(make_slice) -> list[Dataset]:
    return [make_slice((0.0, 0.0, 2.0 * k), k, IssuerOfPatientID="North") for k in range(3)]


@pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")
@pytest.mark.parametrize("way", ["DICOMweb", "DIMSE"])
def test_an_archive_with_one_id_of_two_issuers(make_slice, slices, tmp_path, way):
    other = make_slice((0, 0, 0), StudyInstanceUID="1.2.3.8", SeriesInstanceUID="1.2.3.9")
    other.IssuerOfPatientID = "South"
    with orthanc.running(tmp_path / "orthanc") as running:
        running.upload(saved([*slices, other], tmp_path / "files"))
        web, dimse = DicomWebArchive(running.dicomweb), DimseArchive(running.peer)
        archive = web if way == "DICOMweb" else dimse
        with closing(ArchiveSource(archive, cache_in(tmp_path))) as source:
            for item in source.images():
                assert WORDS in source.metadata(item.id)["Notice"]
                assert WORDS in ready(source.image, item.id).metadata["Notice"]
            assert sorted(source.issuers().values()) == ["North", "South"]


def test_who_names_no_issuer_may_be_of_any(make_slice, slices, serve, open_source):
    other = make_slice((0, 0, 0), SeriesInstanceUID="1.2.3.9")
    source = open_source(serve(archive_of(multipart(slices), record(slices), record([other]))))
    assert not any("Notice" in source.metadata(item.id) for item in source.images())


@pytest.mark.parametrize("listed", ["South", "North", ""])
def test_images_of_another_issuer_than_was_asked_for(slices, serve, open_source, listed):
    asked = record(slices)
    asked["00100021"] = {"vr": "LO", "Value": [listed]} if listed else {"vr": "LO"}
    source = open_source(serve(archive_of(multipart(slices), asked)))
    if listed != "South":
        assert fetch_only(source).pixels.shape == (3, 5, 7)
        return
    with pytest.raises(SourceError, match=r"another issuer of the patient ID .*nothing of it"):
        fetch_only(source)


def test_a_series_that_another_issuer_has_now_is_fetched_anew(slices, serve, open_source):
    """What lies in the cache was the other's."""
    asked: list[str] = []
    archived = [slices]

    def script(path: str):
        asked.append(path)
        return archive_of(multipart(archived[-1]), record(archived[-1]))(path)

    source = open_source(serve(script))
    fetch_only(source)
    for dataset in slices:
        dataset.IssuerOfPatientID = "South"
    ready(source.images)
    fetch_only(source)
    assert len([path for path in asked if "/studies/" in path]) == 2


@pytest.mark.parametrize(("issuer", "shown"), [("North", 1), ("", 1), ("South", 0)])
def test_a_plan_of_another_issuer_is_not_offered(slices, tmp_path, serve, issuer, shown):
    """In the frame of reference of the image, whose series it names; from an archive or a folder.

    One that names no issuer is of somebody else's software: the ID and the place tell whose it is.
    """
    plan = deepcopy(write_plan([LINE], slices))  # it shares attributes with the images
    assert plan.IssuerOfPatientID == "North"
    plan.IssuerOfPatientID = issuer
    url = serve(script_of(slices, [plan]))
    with closing(ArchiveSource(DicomWebArchive(url), cache_in(tmp_path))) as source:
        (item,) = source.images()
        ready(source.image, item.id)
        assert len(ready(source.trajectories)) == shown
    saved([*slices, plan], tmp_path / "files")
    assert len(DicomFolderSource(tmp_path / "files").trajectories()) == shown


@pytest.mark.parametrize("issuer", ["North", "", "South"])
def test_structures_of_another_issuer_are_not_offered(tmp_path, issuer):
    planes = [study.ct_slice(number) for number in (1, 2, 3)]
    for dataset in planes:
        dataset.IssuerOfPatientID = "North"
    segmentation = deepcopy(study.segmentation(planes))
    segmentation.IssuerOfPatientID = issuer
    saved([*planes, segmentation], tmp_path)
    assert len(DicomFolderSource(tmp_path).label_maps()) == (issuer != "South")


def test_images_of_two_issuers_under_one_uid_are_two_volumes(slices, make_slice, tmp_path):
    """As two copies of a study that were sent from two hospitals, and got one PatientID."""
    others = [make_slice((0, 0, 2.0 * k), k + 3, IssuerOfPatientID="South") for k in range(3)]
    saved([*slices, *others], tmp_path)
    source = DicomFolderSource(tmp_path)
    assert [item.size[2] for item in source.images()] == [3, 3]
    assert sorted(source.issuers().values()) == ["North", "South"]
    assert source.issuers().keys() == {item.id for item in source.images()}


def test_a_document_is_of_one_issuer(slices, make_slice):
    other = make_slice((0, 0, 9), 9, IssuerOfPatientID="South")
    with pytest.raises(SourceError, match="of one patient: their IDs are of several issuers"):
        write_plan([LINE], [*slices, other])
    predecessor = deepcopy(write_plan([LINE], slices))
    predecessor.IssuerOfPatientID = "South"
    with pytest.raises(SourceError, match="to be replaced is of another patient"):
        write_plan([LINE], slices, predecessor)


def script_of(*series: Sequence[Dataset]) -> Script:
    """An archive that has these series, each with its issuer in the list."""
    by_uid = {one[0].SeriesInstanceUID: one for one in series}

    def script(path: str):
        if "/series/" in path:
            return multipart(by_uid[path.partition("/series/")[2].partition("/")[0]])
        return listing(*map(record, by_uid.values()))

    return script


def saved(datasets: Sequence[Dataset], folder: Path) -> list[Path]:
    folder.mkdir(exist_ok=True)
    files = [folder / f"{number}.dcm" for number in range(len(datasets))]
    for file, dataset in zip(files, datasets, strict=True):
        dataset.save_as(file, enforce_file_format=True)
    return files


def cache_in(folder: Path) -> SeriesCache:
    return SeriesCache(folder / "cache", 1 << 30)
