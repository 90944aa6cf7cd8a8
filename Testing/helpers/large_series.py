"""Series of CT slices that are large enough for a fetch to have a middle: 0.5 MB a slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

_SIDE = 512


def write_large_series(folder: Path, slices: int, seed: int) -> str:
    """Write a series of noise, other for each ``seed``; return its SeriesInstanceUID."""
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed).integers(0, 4096, (_SIDE, _SIDE)).astype(np.uint16)
    study, series, frame = (str(generate_uid()) for _ in range(3))
    for k in range(slices):
        dataset = Dataset()
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.ensure_file_meta()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.PatientName, dataset.PatientID = f"Noise^Number {seed}", f"NOISE-{seed}"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID, dataset.Modality = frame, "CT"
        dataset.SeriesDescription, dataset.InstanceNumber = f"Noise {seed}", k + 1
        dataset.ImagePositionPatient = [-128, -128, k]
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        dataset.PixelSpacing, dataset.SliceThickness = [0.5, 0.5], 1
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        pixels = np.roll(noise, 7 * k, axis=0)
        dataset.set_pixel_data(pixels, "MONOCHROME2", 12, generate_instance_uid=False)
        dataset.save_as(folder / f"{k:04}.dcm", enforce_file_format=True)
    return series
