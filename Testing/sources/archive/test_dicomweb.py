"""Orthanc by DICOMweb as a source, beside the same files in a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest

from helpers import orthanc
from helpers.certificates import Authority
from helpers.ready_sources import ready
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dicomweb.session import WebSettings
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from interop import stunnel

pytestmark = [
    pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom's, about broken files
]

DATA = Path(pydicom.data.__file__).parent
GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, flat_phantom_folder: Path) -> Path:
    """The phantom's files and pydicom's in one folder."""
    folder = tmp_path_factory.mktemp("files")
    for number, path in enumerate(sorted(flat_phantom_folder.rglob("*.dcm"))):
        (folder / f"phantom-{number:04}").symlink_to(path)
    for number, path in enumerate(sorted((DATA / "test_files").rglob("*"))):
        if path.is_file():
            (folder / f"{number:04}-{path.name}").symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, files: Path) -> Iterator[orthanc.Orthanc]:
    """An archive that has taken what it would of these files."""
    with orthanc.running(tmp_path_factory.mktemp("orthanc")) as running:
        assert running.upload(sorted(files.iterdir())) > 150
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    return SeriesCache(tmp_path / "cache", GIGABYTE)


@pytest.fixture
def make_source(archive: orthanc.Orthanc, cache: SeriesCache) -> Iterator[Callable[..., Any]]:
    """A function that opens the archive as a source."""
    sources = []

    def make(*arguments: Any, **options: Any) -> ArchiveSource:
        sources.append(
            ArchiveSource(DicomWebArchive(archive.dicomweb), cache, *arguments, **options)
        )
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def test_the_list_has_what_the_folder_has(make_source, flat_phantom_folder):
    listed = {item.id: item for item in make_source({"PatientID": "DEMO-0001"}).images()}
    folder = DicomFolderSource(flat_phantom_folder).images()
    assert {*listed} == {item.id for item in folder}
    for item in folder:
        entry = listed[item.id]
        assert (entry.name, entry.modality) == (item.name, item.modality)
        assert (entry.patient_name, entry.patient_id) == (item.patient_name, item.patient_id)
        assert entry.size == (0, 0, 0)  # not known before it is fetched


def test_a_series_is_the_same_volume_as_in_the_folder(make_source, flat_phantom_folder):
    source, folder = make_source({"PatientID": "DEMO-0001"}), DicomFolderSource(flat_phantom_folder)
    for item in folder.images():
        expected, image = folder.image(item.id), ready(source.image, item.id)
        np.testing.assert_array_equal(image.pixels, expected.pixels)
        np.testing.assert_array_equal(image.ijk_to_ras(), expected.ijk_to_ras())
        assert image.pixels.dtype == expected.pixels.dtype
    assert [item.size for item in ready(source.images)] == [item.size for item in folder.images()]


def test_each_of_pydicoms_files_is_the_same_as_in_the_folder(make_source, files):
    """Compressed, in colors, big endian, of several volumes: what the archive has taken of them."""
    source, folder = make_source(), DicomFolderSource(files)
    for item in ready(source.images):
        with suppress(SourceError):  # several images, or none: the list then has what there is
            ready(source.image, item.id)
    ids_in_folder = {item.id for item in folder.images()}
    compared = 0
    for item in ready(source.images):
        if item.id not in ids_in_folder or not item.size[0]:
            continue
        try:
            expected = folder.image(item.id)
        except SourceError:
            continue
        np.testing.assert_array_equal(ready(source.image, item.id).pixels, expected.pixels)
        compared += 1
    assert compared > 40


def test_a_second_fetch_does_not_touch_the_archive(tmp_path, cache, flat_phantom_folder):
    query = {"PatientID": "DEMO-0001"}
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted((flat_phantom_folder / "CT").iterdir()))
        with closing(ArchiveSource(DicomWebArchive(archive.dicomweb), cache, query)) as source:
            (ct,) = source.images()
            first = ready(source.image, ct.id)
        again = ArchiveSource(DicomWebArchive(archive.dicomweb), cache, query)
    # The archive is gone.
    with closing(again):
        np.testing.assert_array_equal(ready(again.image, ct.id).pixels, first.pixels)


def test_a_filter_and_a_search(make_source):
    source = make_source({}, ["CT", "MR"])
    assert {item.modality for item in source.images()} == {"CT", "MR"}
    found, _ = ready(source.search, {"PatientName": "sheplogan*", "Client": "IGTLMetaBrowser"})
    assert sorted(item.name for item in found) == ["CT head", "MR head T1, oblique sagittal"]
    (exact,), _ = ready(
        source.search, {"PatientName": "Sheplogan^Vira^^^", "SeriesDescription": "CT h*"}
    )
    assert exact.name == "CT head"


def test_what_a_filter_keeps_out_no_search_brings_in(make_source):
    source = make_source({"PatientID": "DEMO-0001"})
    assert len(source.images()) == 3
    assert ready(source.search, {"PatientID": "*"})[0] == source.images()
    assert ready(source.search, {"PatientID": "98890234"})[0] == ()


def test_a_search_within_the_days_of_a_filter(make_source):
    """Of the filter's days alone, the archive would list others first."""
    every = {item.id: item.scan_time for item in make_source().images()}
    source = make_source({"StudyDate": "19000101-20991231"}, most=1)
    assert "has more" in source.notice
    for day in ("20240514", "20240515-20240516"):
        found, notice = ready(source.search, {"StudyDate": day, "PatientID": "DEMO-0001"})
        assert (len(found), bool(notice)) == (1, day == "20240514")
        assert found[0].id in every
    assert ready(source.search, {"StudyDate": "-18991231"}) == ((), "")


def test_a_search_within_the_pattern_of_a_filter(make_source):
    """By the filter's pattern alone, the archive would list others first."""
    source = make_source({"PatientID": "?*", "PatientName": "*"}, ["CT", "MR", "PT"], most=1)
    assert "has more" in source.notice
    for patient, modality in (("DEMO-0001", "PT"), ("DEMO-0001", "CT"), ("98890234", "MR")):
        found, _ = ready(source.search, {"PatientID": patient, "Modality": modality})
        assert [(item.patient_id, item.modality) for item in found] == [(patient, modality)]
    assert ready(source.search, {"PatientID": "nobody", "Modality": "CT"}) == ((), "")
    assert ready(source.search, {"Modality": "US"}) == ((), "")


def test_a_search_within_the_times_of_a_filter(make_source):
    """Of the filter's times alone, the archive would list what was not searched for."""
    phantom = {"PatientID": "DEMO-0001"}
    before_noon = make_source({**phantom, "StudyTime": "-115959"})
    found = before_noon.images()
    assert 0 < len(found) < len(make_source(phantom).images())
    assert ready(before_noon.search, {"StudyTime": "12-"}) == ((), "")
    assert ready(before_noon.search, {"StudyTime": "00-01"}) == ((), "")
    assert ready(before_noon.search, {"StudyTime": "02-23"}) == (found, "")


def test_a_filter_by_the_day_goes_with_the_days(make_source):
    """A server may run for weeks."""
    first_day = ["20240515-"]
    source = make_source(lambda: {"StudyDate": first_day[0], "PatientID": "DEMO-0001"})
    assert [item.modality for item in source.images()] == ["PT"]
    first_day[0] = "20240516-"
    assert ready(source.images) == ()
    assert ready(source.search, {"StudyDate": "20240515"}) == ((), "")


def test_what_was_found_by_a_search_another_gateway_knows(make_source, cache):
    """If it shares the cache, as one that takes over, or is started again."""
    one, other = make_source(most=1), make_source(most=1)
    for modality in ("CT", "MR"):
        (found, *_), _ = ready(one.search, {"PatientID": "DEMO-0001", "Modality": modality})
        if found not in other.images():
            break
    assert found not in other.images()
    assert ready(other.image, found.id).pixels.size
    strict = make_source({"PatientID": "98890234"})
    with pytest.raises(SourceError, match="No image has the id"):
        ready(strict.image, found.id)
    for note in (cache.folder / "searches").iterdir():
        note.write_text('{"' + found.id)
    with pytest.raises(SourceError, match="No image has the id"):
        ready(make_source(most=1).image, found.id)


def test_a_list_that_is_cut_says_so(make_source):
    source = make_source(most=2)
    assert len(source.images()) <= 2
    assert "2 series" in source.notice
    assert "has more" in source.notice
    assert make_source().notice == ""


@pytest.mark.skipif(stunnel.PROGRAM is None, reason=stunnel.WHY_MISSING)
def test_who_is_let_in(tmp_path, cache):
    """Basic authentication and TLS; what is wrong with either is said."""
    authority = Authority.make(tmp_path / "ca")
    certificate = authority.issue("localhost")
    with (
        orthanc.running(tmp_path / "orthanc", user=("reader", "secret")) as archive,
        stunnel.running(tmp_path, archive.http_port, f"cert = {certificate}") as port,
    ):
        # Debian's Orthanc crashes with HTTPS of its own; hospitals have it behind such a server.
        url = f"https://localhost:{port}/dicom-web"
        right = WebSettings("reader", "secret", authority=str(authority.file))
        ArchiveSource(DicomWebArchive(url, right), cache).close()
        wrong = WebSettings("reader", "guess", authority=str(authority.file))
        with pytest.raises(SourceError, match=r"401.*user name and password"):
            ArchiveSource(DicomWebArchive(url, wrong), cache)
        with pytest.raises(SourceError, match=r"is not trusted: .*certificate; see --archive-ca"):
            ArchiveSource(DicomWebArchive(url), cache)
