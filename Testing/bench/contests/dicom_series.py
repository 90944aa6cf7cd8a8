"""Series of CT slices for the benchmark, kept in the temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    generate_uid,
)

from helpers.functional_groups import functional_groups

SIDE = 512


def plain_series(folder: Path, slices: int) -> Path:
    """Return a folder with so many uncompressed slices; made if it is missing."""
    return _once(folder / f"ct-{slices}", lambda part: _write_series(part, slices))


def compressed_series(folder: Path, slices: int) -> Path:
    """Return the same slices as JPEG 2000."""
    source = plain_series(folder, slices)

    def write(part: Path) -> None:
        for path in sorted(source.iterdir()):
            dataset = pydicom.dcmread(path)
            dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
            dataset.save_as(part / path.name)

    return _once(folder / f"ct-j2k-{slices}", write)


def enhanced_file(folder: Path, frames: int) -> Path:
    """Return a file of so many frames as JPEG 2000, each with functional groups of its own."""
    made = _once(folder / f"enhanced-{frames}", lambda part: _write_enhanced(part, frames))
    return made / "enhanced.dcm"


def _once(folder: Path, write: Callable[[Path], None]) -> Path:
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        write(part)
        part.rename(folder)
    return folder


def _pixels(k: int) -> np.ndarray:
    noise = np.random.default_rng(1).integers(0, 200, (SIDE, SIDE))
    return np.roll(noise + 1000, k, axis=0).astype(np.uint16)


def _dataset(sop_class: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, generate_uid()
    dataset.ensure_file_meta()
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PatientName, dataset.PatientID, dataset.Modality = "Phantom^Bench", "1", "CT"
    dataset.StudyInstanceUID = generate_uid(entropy_srcs=["study"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[sop_class])
    dataset.FrameOfReferenceUID = generate_uid(entropy_srcs=["frame"])
    dataset.SeriesDescription = "CT"
    return dataset


def _write_series(folder: Path, slices: int) -> None:
    for k in range(slices):
        dataset = _dataset(CTImageStorage)
        dataset.InstanceNumber = k + 1
        dataset.ImagePositionPatient = [-128, -128, k]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.5], 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.set_pixel_data(_pixels(k), "MONOCHROME2", 12, generate_instance_uid=False)
        dataset.save_as(folder / f"{k:04}.dcm", enforce_file_format=True)


def _write_enhanced(folder: Path, frames: int) -> None:
    dataset = _dataset(EnhancedCTImageStorage)
    dataset.SharedFunctionalGroupsSequence = [
        functional_groups(
            PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
            PixelMeasuresSequence={"PixelSpacing": [0.5, 0.5], "SliceThickness": 1},
            PixelValueTransformationSequence={"RescaleSlope": 1, "RescaleIntercept": -1024},
        )
    ]
    dataset.PerFrameFunctionalGroupsSequence = [
        functional_groups(PlanePositionSequence={"ImagePositionPatient": [-128, -128, k]})
        for k in range(frames)
    ]
    pixels = np.stack([_pixels(k) for k in range(frames)])
    dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
    dataset.compress(JPEG2000Lossless, generate_instance_uid=False)
    dataset.save_as(folder / "enhanced.dcm", enforce_file_format=True)
