"""20,000 DICOM files, made from pydicom's own: about 1 GB, kept in the temporary folder."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data

FOLDER = Path(tempfile.gettempdir()) / "igtlmeta-bench"
FILES_IN_SERIES = 200
SIDE = 160  # pixels along a row and a column, of 16 bits: 51,200 bytes
KINDS = ("CT_small.dcm", "CT_small.dcm", "MR_small.dcm")

# Placeholders of the length of what takes their place, so that no file has to be encoded anew.
_STUDY = "1.2.826.0.1.3680043.8.498.66000000"
_SERIES = "1.2.826.0.1.3680043.8.498.77000000"
_INSTANCE = f"{_SERIES}.88000000"
_PATIENT = "patient_"
_POSITION = "77777.00"  # z of the first pixel, mm


def dicom_tree(count: int) -> Path:
    """Return a folder of so many files, a folder for each series; made where it is missing."""
    folder = FOLDER / f"dicom-slices-{count}"
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        templates = [_template(name) for name in KINDS]
        for series in range(count // FILES_IN_SERIES):
            _write_series(part / f"series{series:04d}", series, templates)
        part.rename(folder)
    return folder


def linked_copies(tree: Path, count: int) -> Path:
    """Return a folder with so many times the files of ``tree``, which take no room of their own."""
    folder = tree.with_name(f"{tree.name}-times-{count}")
    if not folder.is_dir():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        for number in range(count):
            shutil.copytree(tree, part / str(number), copy_function=os.link)
        part.rename(folder)
    return folder


def _template(name: str) -> bytes:
    """Return one of pydicom's files with larger pixels, and with placeholders for its UIDs."""
    dataset = pydicom.dcmread(pydicom.data.get_testdata_file(name, download=False))
    pixels = np.resize(dataset.pixel_array, (SIDE, SIDE))
    dataset.Rows = dataset.Columns = SIDE
    dataset.PixelData = pixels.tobytes()
    dataset.PatientID = _PATIENT
    dataset.ImagePositionPatient = ["-100", "-100", _POSITION]
    dataset.StudyInstanceUID = _STUDY
    dataset.SeriesInstanceUID = _SERIES
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = _INSTANCE
    file = io.BytesIO()
    dataset.save_as(file)
    return file.getvalue()


def _write_series(folder: Path, series: int, templates: list[bytes]) -> None:
    patient = series // 5
    template = templates[series % len(templates)]
    for placeholder, text in (
        (_PATIENT, f"pat{patient:05d}"),
        (_STUDY, f"{_STUDY[:-8]}{66_000_000 + patient}"),
        (_SERIES, f"{_SERIES[:-8]}{77_000_000 + series}"),
    ):
        template = template.replace(placeholder.encode(), text.encode())
    folder.mkdir(parents=True)
    for instance in range(FILES_IN_SERIES):
        number = str(88_000_000 + instance).encode()
        (folder / f"IM{instance:06d}.dcm").write_bytes(
            template.replace(b".88000000", b"." + number).replace(
                _POSITION.encode(), f"{2.0 * instance:08.2f}".encode()
            )
        )
