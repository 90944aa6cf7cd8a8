"""A perfusion in DICOM files: images of one place at several times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from helpers import radiotherapy as study

SECONDS = (0.0, 1.5, 4.0)


def slice_at(number: int, value: int, **attributes: object) -> Dataset:
    """Slice ``number`` of a CT, all of whose pixels are ``value``."""
    dataset = study.ct_slice(number)
    dataset.RescaleIntercept = 0
    pixels = np.full((dataset.Rows, dataset.Columns), value, np.uint16)
    dataset.PixelData = pixels.tobytes()
    for keyword, content in attributes.items():
        setattr(dataset, keyword, content)
    return dataset


@pytest.fixture
def perfusion(tmp_path: Path) -> Path:
    """Three slices at each of three times: slice n of time t has the value 10 t + n."""
    for t, seconds in enumerate(SECONDS):
        for number in (1, 2, 3):
            time = f"0830{seconds:09.6f}"
            uid = f"{study.instance_of(study.CT, number)}.{t + 1}"
            dataset = slice_at(number, 10 * t + number, AcquisitionTime=time, SOPInstanceUID=uid)
            dataset.InstanceNumber = 3 * t + number
            dataset.file_meta.MediaStorageSOPInstanceUID = uid
            dataset.save_as(tmp_path / f"{t}-{number}", enforce_file_format=True)
    return tmp_path
