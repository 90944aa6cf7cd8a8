"""Orthanc by DIMSE as a source, beside the same files in a folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pydicom.data
import pytest

from helpers import orthanc
from helpers.ready_sources import ready
from helpers.reserved_port import free_port
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import Series
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse import port as dimse_port
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive, DimseSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource

pytestmark = [
    pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom's, about broken files
]

DATA = Path(pydicom.data.__file__).parent
MOVE_PORT = free_port()
COMPRESSED = (
    "MR_small_RLE.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
)


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory, flat_phantom_folder: Path
) -> Iterator[orthanc.Orthanc]:
    """An archive with the phantom and some compressed images, which may send to this test."""
    modalities = {"IGTLMETA": ("localhost", MOVE_PORT)}
    with orthanc.running(tmp_path_factory.mktemp("orthanc"), modalities=modalities) as running:
        running.upload(sorted(flat_phantom_folder.rglob("*.dcm")))
        running.upload(DATA / "test_files" / name for name in COMPRESSED)
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    return SeriesCache(tmp_path / "cache", 1 << 30)


def test_several_series_at_once_share_the_port_for_moves(archive):
    by_moves = DimseArchive(archive.peer, DimseSettings(move_port=MOVE_PORT))
    found = by_moves.find({}, 4)

    def count(series: Series) -> int:
        files: list[bytes | memoryview] = []
        by_moves.fetch(series, files.append)
        return len(files)

    with ThreadPoolExecutor(len(found)) as executor:
        assert [*executor.map(count, found)] == [series.count for series in found]


@pytest.mark.parametrize("is_relational", [True, False])
def test_a_series_is_found_by_its_uid_among_many_studies(archive, monkeypatch, is_relational):
    if not is_relational:  # as of an archive that needs the study
        monkeypatch.setattr(DimseArchive, "_find_named", lambda *_: [])
    by_dimse = DimseArchive(archive.peer)
    every = by_dimse.find({}, 100)
    assert len({series["StudyInstanceUID"] for series in every}) > 3
    for series in every:
        (found,) = by_dimse.find({"SeriesInstanceUID": series.uid}, 2)
        assert [found[key] for key in ("SeriesInstanceUID", "StudyInstanceUID", "PatientID")] == [
            series[key] for key in ("SeriesInstanceUID", "StudyInstanceUID", "PatientID")
        ]


def test_an_archive_with_a_limit_of_its_own_has_more_than_is_listed(tmp_path, cache):
    """Orthanc ends the list as if it were asked to (C-CANCEL)."""
    with orthanc.running(tmp_path / "orthanc", settings={"LimitFindResults": 2}) as limited:
        limited.upload(DATA / "test_files" / name for name in COMPRESSED)
        with closing(ArchiveSource(DimseArchive(limited.peer), cache)) as source:
            assert len(source.images()) == 2
            assert source.notice.startswith("These are 2 series; ORTHANC@localhost:")
            assert "has more that match" in source.notice
            found, notice = ready(source.search, {"Modality": "MR"})
            assert (len(found), notice) == (1, "")


def test_an_archive_that_does_not_say_of_which_class_files_are(archive, monkeypatch):
    """SOPClassUID is an optional key (PS3.4 C.6.2.1): then files of all classes may come."""
    monkeypatch.setattr(DimseArchive, "_classes_of_instances", lambda *_: {"1.2.3": None})
    by_dimse, files = DimseArchive(archive.peer), []
    (series,) = by_dimse.find({"PatientName": "Sheplogan^Vira^^^", "Modality": "CT"}, 2)
    by_dimse.fetch(series, files.append)
    assert len(files) == series.count


@pytest.mark.parametrize("port", [None, MOVE_PORT], ids=["C-GET", "C-MOVE"])
def test_a_series_is_the_same_volume_as_in_the_folder(archive, cache, flat_phantom_folder, port):
    by_dimse = DimseArchive(archive.peer, DimseSettings(move_port=port))
    folder = DicomFolderSource(flat_phantom_folder)
    with closing(ArchiveSource(by_dimse, cache, {"PatientName": "Sheplogan*"})) as source:
        assert {item.id for item in source.images()} == {item.id for item in folder.images()}
        for item in folder.images():
            image = ready(source.image, item.id)
            np.testing.assert_array_equal(image.pixels, folder.image(item.id).pixels)


def test_an_archive_names_the_c_move_by_which_a_file_was_asked_for(archive, cache, monkeypatch):
    """So that it has all the memory that it needs."""
    monkeypatch.setattr(dimse_port, "_LARGEST_UNNAMED", 0)
    by_moves = DimseArchive(archive.peer, DimseSettings(move_port=MOVE_PORT))
    with closing(ArchiveSource(by_moves, cache, {"PatientName": "Sheplogan*"}, ["CT"])) as source:
        (ct,) = source.images()
        assert ready(source.image, ct.id).pixels.size


def test_compressed_images_come_as_they_are(archive, cache, tmp_path):
    for name in COMPRESSED:
        (tmp_path / name).symlink_to(DATA / "test_files" / name)
    folder = DicomFolderSource(tmp_path)
    with closing(ArchiveSource(DimseArchive(archive.peer), cache)) as source:
        for item in folder.images():
            image = ready(source.image, item.id)
            np.testing.assert_array_equal(image.pixels, folder.image(item.id).pixels)


def test_a_filter_by_study_and_by_series(archive, cache):
    query = {"StudyDate": "20240101-20241231", "SeriesDescription": "CT*"}
    with closing(ArchiveSource(DimseArchive(archive.peer), cache, query, ["CT"])) as source:
        assert [item.name for item in source.images()] == ["CT head"]


@pytest.mark.parametrize("is_filter", [True, False], ids=["filter", "search"])
def test_a_time_with_colons(archive, cache, is_filter):
    """Written as people write it; in DICOM there are no colons in times (PS3.5 6.2, TM)."""
    known = DimseArchive(archive.peer).find({"Modality": "CT"}, 1)[0]["StudyTime"]
    minute = f"{known[:2]}:{known[2:4]}"
    query = {"Modality": "CT", "StudyTime": f"{minute}:00-{minute}:59"}
    for way in (DimseArchive(archive.peer), DicomWebArchive(archive.dicomweb)):
        with closing(ArchiveSource(way, cache, query if is_filter else {})) as source:
            items = source.images() if is_filter else ready(source.search, query)[0]
            assert [item.name for item in items] == ["CT head"]


def test_who_does_not_listen_and_who_does_not_know_us(archive, cache):
    nobody = f"PACS@localhost:{free_port()}"
    with pytest.raises(SourceError, match="cannot be reached"):
        ArchiveSource(DimseArchive(nobody), cache)
    unknown = DimseArchive(archive.peer, DimseSettings(aet="STRANGER", move_port=free_port()))
    with closing(ArchiveSource(unknown, cache, {}, ["CT"])) as source:
        (ct, *_) = (item for item in source.images() if item.name == "CT head")
        with pytest.raises(SourceError, match=r"refuses a C-MOVE .*AE title \(STRANGER\)"):
            ready(source.image, ct.id)
    assert threading.active_count() < 20
