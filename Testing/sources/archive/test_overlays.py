"""Label maps of a real archive: offered with the images that they belong to, and no others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers import orthanc, scripted_archive
from helpers import radiotherapy as study
from helpers.peers import ServerInThread
from helpers.ready_sources import ready
from helpers.scripted_archive import Answer, listing, multipart, record
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive import source as source_module
from IGTLMetaBrowserLib.sources.archive.archive import Query, QueryResult
from IGTLMetaBrowserLib.sources.archive.dicomweb.dicomweb_archive import DicomWebArchive
from IGTLMetaBrowserLib.sources.archive.dimse.dimse_archive import DimseArchive
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache
from IGTLMetaBrowserLib.sources.archive.series.fetched_images import FetchedImages
from IGTLMetaBrowserLib.sources.archive.source import ArchiveSource
from IGTLMetaBrowserLib.sources.dicom.fields import image_id
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom.label_maps.label_map import Structure
from IGTLMetaBrowserLib.sources.documents.label_document import write_segmentation
from IGTLMetaBrowserLib.sources.documents.label_file import LabelMapToStore
from IGTLMetaBrowserLib.sources.documents.plan_document import write_plan

pytestmark = pytest.mark.skipif(not orthanc.is_installed(), reason=f"no Orthanc: {orthanc.INSTALL}")


@contextmanager
def archived(folder: Path, tmp_path: Path) -> Iterator[ArchiveSource]:
    """The files of a folder in an archive, as a source."""
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted(path for path in folder.rglob("*") if path.is_file()))
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(
            ArchiveSource(DicomWebArchive(archive.dicomweb), cache, seconds_a_turn=0.01)
        ) as source:
            yield source


@pytest.fixture
def slices() -> list[Dataset]:
    return [study.ct_slice(number) for number in (1, 2, 3)]


def structure_set(first: Dataset) -> Dataset:
    """A structure set with a square on this slice."""
    x, y, z = map(float, first.ImagePositionPatient)
    rows, columns = map(float, first.PixelSpacing)
    corners = [(10, 10), (30, 10), (30, 25), (10, 25)]
    contour = Dataset()
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 4
    contour.ContourData = [n for i, j in corners for n in (x + columns * i, y + rows * j, z)]
    roi, name = Dataset(), Dataset()
    roi.ReferencedROINumber, roi.ContourSequence = 7, [contour]
    name.ROINumber, name.ROIName = 7, "Prostate"
    dataset = study.structure_set()
    dataset.StructureSetROISequence, dataset.ROIContourSequence = [name], [roi]
    return dataset


@pytest.fixture
def folder(tmp_path: Path, slices: list[Dataset]) -> Path:
    """A CT with its segmentation and its structure set."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number, dataset in enumerate(slices):
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)
    study.segmentation(slices).save_as(folder / "seg", enforce_file_format=True)
    structure_set(slices[1]).save_as(folder / "structures", enforce_file_format=True)
    return folder


def test_label_maps_come_with_their_image_and_are_those_of_the_folder(folder, tmp_path):
    by_folder = DicomFolderSource(folder)
    expected = {(item.name, item.label): item for item in by_folder.label_maps()}
    assert len(expected) > 1
    with archived(folder, tmp_path) as source:
        (ct,) = source.images()
        assert ready(source.label_maps) == []
        ready(source.image, ct.id)
        items = {(item.name, item.label): item for item in ready(source.label_maps)}
        assert items.keys() == expected.keys()
        for key, item in items.items():
            assert item.owner == ct.id == image_id(study.CT)
            image, other = ready(source.image, item.id), by_folder.image(expected[key].id)
            np.testing.assert_array_equal(image.pixels, other.pixels)
            np.testing.assert_array_equal(image.ijk_to_ras(), other.ijk_to_ras())


def test_those_of_a_series_that_is_two_volumes_come_as_well(folder, tmp_path):
    """Of neither of these, as nothing in the list tells of which: so it is in a folder."""
    for number in (11, 12, 13):
        study.ct_slice(number).save_as(folder / f"ct{number}", enforce_file_format=True)
    (folder / "structures").unlink()
    by_folder = DicomFolderSource(folder)
    expected = {(item.name, item.label, "") for item in by_folder.label_maps()}
    assert (len(by_folder.images()), len(expected)) == (2, len([*by_folder.label_maps()]))
    with archived(folder, tmp_path) as source:
        (ct,) = source.images()
        with pytest.raises(SourceError, match="2 images"):
            ready(source.image, ct.id)
        items = ready(source.label_maps)
        assert {(item.name, item.label, item.owner) for item in items} == expected
        image = ready(source.image, items[0].id)
        assert np.array_equal(image.ijk_to_ras(), by_folder.image(items[0].id).ijk_to_ras())


class CutArchive(DicomWebArchive):
    """An archive whose list is cut before what is no CT; of a study, it lists all."""

    def find(self, query: Query, most: int) -> QueryResult:
        is_study = "StudyInstanceUID" in query
        found = super().find(query, most)
        return QueryResult(series for series in found if is_study or series["Modality"] == "CT")


class LimitedArchive(DicomWebArchive):
    """An archive that lists one series at a time, and says that there are more."""

    def find(self, query: Query, most: int) -> QueryResult:
        return QueryResult(super().find(query, most)[:1], is_cut=True)


@contextmanager
def opened_by(
    kind: type[DicomWebArchive], folder: Path, tmp_path: Path, most: int = 9
) -> Iterator[ArchiveSource]:
    """The files of a folder, in an archive that is asked in this way."""
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted(folder.iterdir()))
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(ArchiveSource(kind(archive.dicomweb), cache, most=most)) as source:
            yield source


@pytest.mark.parametrize("most", [1, 9])
def test_label_maps_that_are_in_no_list_come_with_their_image_as_well(folder, tmp_path, most):
    """However few are listed: of a study, all are looked at."""
    with opened_by(CutArchive, folder, tmp_path, most) as source:
        (ct,) = ready(source.search, {"Modality": "CT"})[0]
        assert ready(source.label_maps) == []
        ready(source.image, ct.id)
        assert len(ready(source.label_maps)) > 1


def test_of_a_study_that_is_not_listed_whole_nothing_counts_as_valid(folder, tmp_path):
    """What is not listed may have replaced it; so it is for a second question of that moment."""
    for other in ("seg", "structures"):
        (folder / other).unlink()
    with opened_by(LimitedArchive, folder, tmp_path) as source:
        (ct,) = source.images()
        assert "has more that match" in source.notice
        assert ready(source.image, ct.id).pixels.size
        since = time.monotonic()
        for ask in (source.label_maps, source.trajectories):
            with pytest.raises(SourceError, match=r"lists 1 series of a study, and has more"):
                ready(ask, since=since)


def test_without_a_frame_of_reference_nothing_says_that_they_are_of_one_place(
    folder, slices, tmp_path
):
    (folder / "structures").unlink()
    segmentation = study.segmentation(slices)
    for number, dataset in enumerate(slices):
        del dataset.FrameOfReferenceUID
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)
    segmentation.FrameOfReferenceUID = ""
    segmentation.save_as(folder / "seg", enforce_file_format=True)
    with archived(folder, tmp_path) as source:
        (ct,) = source.images()
        ready(source.image, ct.id)
        assert ready(source.label_maps) == []


@pytest.mark.parametrize(
    ("keyword", "value"), [("FrameOfReferenceUID", "1.2.3.99"), ("PatientID", "another")]
)
def test_a_segmentation_of_another_place_or_patient_is_not_offered(
    folder, slices, tmp_path, keyword, value
):
    """Its image is named, but in another frame of reference or for another patient."""
    (folder / "structures").unlink()
    segmentation = study.segmentation(slices)
    setattr(segmentation, keyword, value)
    segmentation.save_as(folder / "seg", enforce_file_format=True)
    with archived(folder, tmp_path) as source:
        (ct,) = source.images()
        ready(source.image, ct.id)
        assert ready(source.label_maps) == []


def plan_in(frame: str, images: list[Dataset]) -> Dataset:
    """A plan for these images, as if they were in this frame of reference."""
    for image in images:
        image.FrameOfReferenceUID = frame
    line = codec.TrajectoryItem(name="Left", entry=(10, 20, 30), target=(1, 2, 3))
    return deepcopy(write_plan([line], images))  # it shares attributes with the images


@pytest.mark.parametrize("other", ["", "frame of reference", "patient"])
def test_a_plan_is_offered_only_in_its_own_place_and_for_its_own_patient(slices, tmp_path, other):
    """Of one study with the image, whose series it names: that alone is not enough.

    No archive but a scripted one lets a study be of two patients.
    """
    frame = str(slices[0].FrameOfReferenceUID)
    plan = plan_in("1.2.3.99" if other == "frame of reference" else frame, slices)
    if other == "patient":
        plan.PatientID = "another"
    for dataset in slices:
        dataset.FrameOfReferenceUID = frame

    def script(path: str) -> Answer:
        if "/studies/" not in path:
            return listing(record(slices), record([plan]))
        return multipart([plan] if path.endswith(plan.SeriesInstanceUID) else slices)

    with scripted_archive.running(script) as port:
        web = DicomWebArchive(f"http://127.0.0.1:{port}")
        with closing(ArchiveSource(web, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            (ct,) = source.images()
            assert ready(source.trajectories) == []
            ready(source.image, ct.id)
            names = [item.name for item in ready(source.trajectories)]
    assert names == ([] if other else ["Left"])


@pytest.mark.parametrize("planned_in", [0, 1])
def test_a_plan_of_a_4d_series_belongs_to_a_volume_of_it_that_is_listed(
    slices, tmp_path, planned_in
):
    """Where all of them are in its place, to the one of the image that it names first."""
    later = [study.ct_slice(number) for number in (1, 2, 3)]
    for number, one in enumerate(later):
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = f"{study.CT}.9.{number}"
        one.AcquisitionNumber = 9
    files = [*slices, *later]
    first = (slices, later)[planned_in]
    plan = plan_in(study.FRAME, [*first, *(one for one in files if one not in first)])

    def script(path: str) -> Answer:
        if "/studies/" not in path:
            return listing(record(files), record([plan]))
        return multipart([plan] if path.endswith(plan.SeriesInstanceUID) else files)

    with scripted_archive.running(script) as port:
        web = DicomWebArchive(f"http://127.0.0.1:{port}")
        with closing(ArchiveSource(web, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            (ct,) = source.images()
            with pytest.raises(SourceError, match="2 images"):
                ready(source.image, ct.id)
            volumes = ready(source.images)
            ready(source.image, volumes[0].id)
            owners = [item.owner for item in ready(source.trajectories)]
            assert owners == [volumes[planned_in].id]


def test_what_another_client_has_stored_is_in_the_next_answer(slices, tmp_path):
    """Of each question, the archive is asked once; what it was asked for before is not used."""
    plan = plan_in(str(slices[0].FrameOfReferenceUID), slices)
    there, queries = [slices], []

    def script(path: str) -> Answer:
        if "/studies/" in path:
            return multipart(next(one for one in there if one[0].SeriesInstanceUID in path))
        if "offset=0" not in path or "/studies?" in path:  # whether there are more
            return listing()
        queries.append(path)
        return listing(*map(record, there))

    with scripted_archive.running(script) as port:
        web = DicomWebArchive(f"http://127.0.0.1:{port}")
        source = ArchiveSource(web, SeriesCache(tmp_path / "cache", 1 << 30))
        with closing(source), ServerInThread(source) as server, server.client() as client:
            (ct,) = client.list_images()
            client.get_image(ct.id)
            assert client.get_trajectories() == []
            there.append([plan])
            queries.clear()
            assert [item.name for item in client.get_trajectories()] == ["Left"]
            assert len(queries) == 1
            client.get_list(ct.id)  # of one image, which is known
            assert len(queries) == 1


@pytest.mark.parametrize("is_own", [True, False])
def test_structures_are_never_drawn_in_another_patients_image(slices, tmp_path, is_own):
    """Both images were fetched, and the structure set names the series of the other one."""
    others = deepcopy(slices)
    for dataset in others:
        dataset.PatientID, dataset.PatientName = "another", "Another"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.80", "1.2.3.81"
        dataset.FrameOfReferenceUID = "1.2.3.82"
    structures = structure_set(slices[1])
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    if not is_own:
        (named,) = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence
        named.SeriesInstanceUID = "1.2.3.81"
    series = {one[0].SeriesInstanceUID: one for one in (slices, others, [structures])}

    def script(path: str) -> Answer:
        if "/series/" in path:
            return multipart(series[path.partition("/series/")[2].partition("/")[0]])
        return listing(*map(record, series.values()))

    with scripted_archive.running(script) as port:
        web = DicomWebArchive(f"http://127.0.0.1:{port}")
        with closing(ArchiveSource(web, SeriesCache(tmp_path / "cache", 1 << 30))) as source:
            for item in source.images():
                ready(source.image, item.id)
            assert len(ready(source.label_maps)) == is_own


@pytest.mark.parametrize("way", ["STOW-RS", "C-STORE"])
def test_a_segmentation_that_was_stored_comes_back(slices, tmp_path, way):
    """What ``igtlmeta store`` makes of a label map: as SEG in the study, then as label maps."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number, dataset in enumerate(slices):
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)
    original = DicomFolderSource(folder)
    image = original.image(original.images()[0].id)
    labels = np.zeros(image.pixels.shape, np.uint8)
    labels[1, 10:20, 30:50] = 1
    content = BytesIO()
    tumor = [Structure("Tumor", 1, (255, 0, 0, 255))]
    document = write_segmentation(LabelMapToStore(labels, image.ijk_to_ras(), tumor), slices)
    document.save_as(content, enforce_file_format=True)
    with orthanc.running(tmp_path / "orthanc") as archive:
        archive.upload(sorted(folder.iterdir()))
        web = DicomWebArchive(archive.dicomweb)
        (web if way == "STOW-RS" else DimseArchive(archive.peer)).store([content.getvalue()])
        cache = SeriesCache(tmp_path / "cache", 1 << 30)
        with closing(ArchiveSource(web, cache, seconds_a_turn=0.01)) as source:
            (ct,) = source.images()
            ready(source.image, ct.id)
            (label_map,) = ready(source.label_maps)
            stored = ready(source.image, label_map.id)
    assert (label_map.name, label_map.owner) == ("Tumor", ct.id)
    # Of the planes, those that it is in: an archive need not keep the others.
    np.testing.assert_array_equal(stored.pixels == label_map.label, labels[1:2] == 1)
    second = image.ijk_to_ras() @ np.array([0, 0, 1, 1])
    np.testing.assert_allclose(stored.ijk_to_ras()[:, :3], image.ijk_to_ras()[:, :3], atol=1e-3)
    np.testing.assert_allclose(stored.ijk_to_ras()[:, 3], second, atol=1e-3)


def test_the_structures_of_more_series_than_are_kept_open_are_all_offered(slices, tmp_path):
    """A list needs all of them at a time: for the last ones, the first are not closed again."""
    folder = tmp_path / "files"
    folder.mkdir()
    datasets = list(slices)
    for number in range(40):
        dataset = structure_set(slices[1])
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.1{number}"
        dataset.SeriesInstanceUID = f"2.25.2{number}"
        dataset.StructureSetROISequence[0].ROIName = f"Structure {number}"
        datasets.append(dataset)
    for number, dataset in enumerate(datasets):
        dataset.save_as(folder / f"{number}", enforce_file_format=True)
    with archived(folder, tmp_path) as source:
        (ct,) = source.images()
        ready(source.image, ct.id)
        names = {item.name for item in ready(source.label_maps)}
        assert names == {f"Structure {number}" for number in range(40)}


def test_of_more_studies_those_count_of_which_an_image_was_asked_for_last(
    folder, slices, tmp_path, monkeypatch
):
    """For each list, the archive is asked for each study: a server for many has had thousands."""
    for number, dataset in enumerate(slices):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.31", "2.25.32"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"2.25.33{number}"
        dataset.save_as(folder / f"other{number}", enforce_file_format=True)
    monkeypatch.setattr(source_module, "FetchedImages", partial(FetchedImages, most=1))
    with archived(folder, tmp_path) as source:
        ready(source.image, image_id(study.CT))
        assert len(ready(source.label_maps)) > 1
        assert source.notice_of_missing("LBMETA") == ""
        ready(source.image, image_id("2.25.32"))
        assert ready(source.label_maps) == []
        assert "load one of another study" in source.notice_of_missing("LBMETA")
        ready(source.image, image_id(study.CT))
        assert len(ready(source.label_maps)) > 1
