"""Fixtures for sources: the demo's DICOM folder, and small CT series written slice by slice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from helpers import demo_dicom


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's three images as DICOM files, and their trajectories."""
    folder = tmp_path_factory.mktemp("phantom")
    demo_dicom.write_phantom(folder)
    return folder


@pytest.fixture(scope="session")
def flat_phantom_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with 16 slices in each image."""
    folder = tmp_path_factory.mktemp("flat_phantom")
    demo_dicom.write_phantom(folder, 16)
    return folder


def _axial_slice(position: tuple[float, float, float]) -> Dataset:
    """Return a CT slice that has all but pixels."""
    dataset = Dataset()
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.ensure_file_meta()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PatientName = "Doe^Jane"
    dataset.PatientID = "42"
    dataset.Modality = "CT"
    dataset.StudyInstanceUID = "1.2.3"
    dataset.StudyID = None
    dataset.StudyDate = "20240514"
    dataset.StudyTime = "083000"
    dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.SeriesNumber = 4
    dataset.SeriesDescription = "Thin slices"
    dataset.FrameOfReferenceUID = "1.2.3.5"
    dataset.ImagePositionPatient = list(position)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [0.5, 0.25]
    dataset.SliceThickness = 2
    dataset.InstanceNumber = 1
    dataset.RescaleSlope = 1
    dataset.RescaleIntercept = 0
    return dataset


@pytest.fixture
def make_slice() -> Callable[..., Dataset]:
    """A function that makes one axial CT slice of 5 rows and 7 columns at an LPS position.

    Its pixels hold ``value`` as stored, and ``value + 1`` in the first pixel. Further arguments are
    attributes of the dataset; None removes one.
    """

    def make(position: tuple[float, float, float], value: int = 0, **attributes: Any) -> Dataset:
        dataset = _axial_slice(position)
        pixels = np.full((5, 7), value, np.uint16)
        pixels[0, 0] += 1
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        for keyword, content in attributes.items():
            if content is None:
                del dataset[keyword]
            else:
                setattr(dataset, keyword, content)
        return dataset

    return make


@pytest.fixture
def write_series(make_slice: Callable[..., Dataset]) -> Callable[..., None]:
    """A function that writes a CT slice for each LPS position; slice n holds the value n."""

    def write(folder: Path, positions: list[tuple[float, float, float]], **attributes: Any) -> None:
        for number, position in enumerate(positions):
            dataset = make_slice(position, number, **attributes)
            dataset.save_as(folder / f"{number}.dcm", enforce_file_format=True)

    return write
