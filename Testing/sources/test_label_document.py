"""A label map as a DICOM Segmentation, and back."""

from __future__ import annotations

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
from IGTLMetaBrowserLib.sources.label_document import write_segmentation


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
    names = {3: "Liver", 7: "Tumor"}
    # In whatever order the archive gives the images.
    document = write_segmentation(labels, ijk_to_ras, images[::-1], names)
    document.save_as(folder / "seg", enforce_file_format=True)
    source = DicomFolderSource(folder)
    liver, tumor = sorted(source.label_maps(), key=lambda item: item.name)
    assert (liver.name, tumor.name) == ("Liver", "Tumor")
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
    assert [item.name for item in DicomFolderSource(folder).label_maps()] == ["Label 1", "Label 2"]


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
        write_segmentation(labels, matrix, images)


def test_an_empty_label_map_and_labels_without_an_image(images, labels, ijk_to_ras):
    with pytest.raises(SourceError, match="no voxel has a label"):
        write_segmentation(np.zeros_like(labels), ijk_to_ras, images)
    with pytest.raises(SourceError, match="planes of which there is no image"):
        write_segmentation(labels, ijk_to_ras, images[:2])
