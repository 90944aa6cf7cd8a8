"""A label map as a DICOM Segmentation, and back."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from cli.command import igtlmeta
from helpers import radiotherapy as study
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.nrrd_file import write_nrrd
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.dicom_folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.dicom_segmentations import Structure
from IGTLMetaBrowserLib.sources.label_document import write_segmentation
from IGTLMetaBrowserLib.sources.label_file import Labels, read_labels, write_labels

RED = (255, 0, 0, 255)


@pytest.fixture
def images() -> list[Dataset]:
    return [study.ct_slice(number) for number in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path: Path, images: list[Dataset]) -> Path:
    folder = tmp_path / "ct"
    folder.mkdir()
    for number, dataset in enumerate(images):
        dataset.save_as(folder / f"ct{number}", enforce_file_format=True)
    return folder


@pytest.fixture
def ijk_to_ras(folder: Path) -> np.ndarray:
    source = DicomFolderSource(folder)
    return source.image(source.images()[0].id).ijk_to_ras()


@pytest.fixture
def labels() -> np.ndarray:
    """Two structures of the labels 3 and 7, which are in no order of the planes."""
    labels = np.zeros((3, 128, 128), np.uint8)
    labels[0, 10:20, 30:50] = 7
    labels[2, 60:70, 5:9] = 3
    return labels


def test_what_is_written_is_a_label_map_of_its_image(images, folder, labels, ijk_to_ras):
    structures = [Structure("Lebér", 3, (221, 130, 101, 255)), Structure("Tumor", 7, RED)]
    # In whatever order the archive gives the images.
    document = write_segmentation(Labels(labels, ijk_to_ras, structures), images[::-1])
    document.save_as(folder / "seg", enforce_file_format=True)
    source = DicomFolderSource(folder)
    liver, tumor = sorted(source.label_maps(), key=lambda item: item.name)
    assert (liver.name, tumor.name) == ("Lebér", "Tumor")
    # Colors are stored in CIELab.
    np.testing.assert_allclose(liver.rgba, (221, 130, 101, 255), atol=1)
    assert liver.owner == tumor.owner == source.images()[0].id
    image = source.image(liver.id)
    np.testing.assert_allclose(image.ijk_to_ras(), ijk_to_ras, atol=1e-3)
    np.testing.assert_array_equal(image.pixels == liver.label, labels == 3)
    np.testing.assert_array_equal(image.pixels == tumor.label, labels == 7)


def test_by_the_command(folder, labels, ijk_to_ras, tmp_path):
    path = tmp_path / "labels.nrrd"
    write_nrrd(path, codec.ImageMessage.from_ijk_to_ras(labels, ijk_to_ras), {})
    result = igtlmeta("store", path, "--images", folder, "-o", folder)
    assert result.returncode == 0, result.stderr
    assert [item.name for item in DicomFolderSource(folder).label_maps()] == ["Label 3", "Label 7"]


def test_a_file_of_the_window_by_the_command(folder, labels, ijk_to_ras, tmp_path):
    path = tmp_path / "labels.npz"
    write_labels(path, Labels(labels, ijk_to_ras, [Structure("Tumor", 7, RED)]))
    result = igtlmeta("store", path, "--images", folder, "-o", folder)
    assert result.returncode == 0, result.stderr
    assert [item.name for item in DicomFolderSource(folder).label_maps()] == ["Label 3", "Tumor"]
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SourceError, match="cannot be read"):
        read_labels(path)


def test_structures_that_overlap_are_segments_that_overlap(images, folder, labels, ijk_to_ras):
    inner = np.where(labels == 7, 9, 0)
    inner[0, 15:] = 0
    structures = [Structure(f"S{label}", label, RED) for label in (3, 7, 9)]
    document = write_segmentation(Labels(np.stack([labels, inner]), ijk_to_ras, structures), images)
    assert document.SegmentsOverlap == "YES"
    document.save_as(folder / "seg", enforce_file_format=True)
    source = DicomFolderSource(folder)
    voxels = {item.name: source.image(item.id).pixels != 0 for item in source.label_maps()}
    for name, expected in {"S3": labels == 3, "S7": labels == 7, "S9": inner == 9}.items():
        np.testing.assert_array_equal(voxels[name], expected)


def test_one_that_replaces_another_is_offered_in_its_place(images, folder, labels, ijk_to_ras):
    liver = Labels(labels, ijk_to_ras, [Structure("Liver", 3, RED)])
    first = write_segmentation(liver, images)
    second = write_segmentation(liver, images, predecessor=first)
    third = write_segmentation(liver, images, predecessor=second)
    for number, document in enumerate((first, second, third)):
        document.save_as(folder / f"seg{number}", enforce_file_format=True)
        source = DicomFolderSource(folder)
        (label_map,) = {item.id for item in source.label_maps()}
        # The image says of which document it is: who changes it can replace that.
        metadata = source.image(label_map).metadata
        assert (metadata["SOPInstanceUID"], metadata["Modality"]) == (
            document.SOPInstanceUID,
            "SEG",
        )
    by_uid = lambda one: {item.TrackingID: item.TrackingUID for item in one.SegmentSequence}  # noqa: E731
    assert by_uid(first) == by_uid(third)


def test_what_may_not_be_replaced(images, labels, ijk_to_ras):
    map_ = Labels(labels, ijk_to_ras)
    for keyword, words in (
        ("PatientID", "of another patient"),
        ("StudyInstanceUID", "of another study"),
        ("FrameOfReferenceUID", "of another frame of reference"),
        ("SOPClassUID", "of another kind"),
    ):
        other = write_segmentation(map_, deepcopy(images))  # highdicom shares elements with them
        setattr(other, keyword, "1.2.3")
        with pytest.raises(SourceError, match=words):
            write_segmentation(map_, images, predecessor=other)


@pytest.mark.parametrize("change", ["moved", "flipped", "larger"])
def test_another_grid_is_refused(images, labels, ijk_to_ras, change):
    matrix = ijk_to_ras.copy()
    if change == "moved":
        matrix[0, 3] += 0.5 * abs(matrix[0, 0])
    elif change == "flipped":
        matrix[:3, 3] += matrix[:3, 0] * 127
        matrix[:3, 0] *= -1
    else:
        labels = np.pad(labels, ((0, 0), (0, 1), (0, 0)))
    with pytest.raises(SourceError, match="not on the grid of the images"):
        write_segmentation(Labels(labels, matrix), images)


def test_an_empty_label_map_and_labels_without_an_image(images, labels, ijk_to_ras):
    with pytest.raises(SourceError, match="no voxel has a label"):
        write_segmentation(Labels(np.zeros_like(labels), ijk_to_ras), images)
    with pytest.raises(SourceError, match="planes of which there is no image"):
        write_segmentation(Labels(labels, ijk_to_ras), images[:2])
    images[0].NumberOfFrames = 3
    with pytest.raises(SourceError, match="a multi-frame one"):
        write_segmentation(Labels(labels, ijk_to_ras), images)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("PatientID", "of one patient, not of 2"),
        ("SeriesInstanceUID", "of one series, not of 2"),
        ("FrameOfReferenceUID", "no frame of reference, or several"),
    ],
)
def test_images_that_do_not_belong_together(images, labels, ijk_to_ras, keyword, words):
    setattr(images[2], keyword, "1.2.3")
    with pytest.raises(SourceError, match=words):
        write_segmentation(Labels(labels, ijk_to_ras), images)


def test_images_that_cannot_be_referred_to(images, labels, ijk_to_ras):
    del images[1].SOPClassUID
    with pytest.raises(SourceError, match="they have no SOPClassUID"):
        write_segmentation(Labels(labels, ijk_to_ras), images)


def test_images_that_do_not_say_how_thick_they_are(images, labels, ijk_to_ras):
    for image in images:
        del image.SliceThickness
    document = write_segmentation(Labels(labels, ijk_to_ras), images)
    (groups,) = document.SharedFunctionalGroupsSequence
    assert groups.PixelMeasuresSequence[0].SliceThickness == 5
