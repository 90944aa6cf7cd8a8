"""Reads a series that nobody asked for: what is done for the first time takes 10 ms longer."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from ....dicom_index.headers.similar_headers import SimilarHeaders
from ..archive import Series
from ..arriving.arriving_volume import FEWEST_SLICES, ArrivingVolume


def read_a_first_series() -> None:
    """Put a few slices of a few pixels into a volume, as if they came from an archive."""
    uids = {"StudyInstanceUID": "1.2.3", "SeriesInstanceUID": "1.2.4", "PatientID": ""}
    series = Series({**uids, "NumberOfSeriesRelatedInstances": str(FEWEST_SLICES)})
    arriving, reader = ArrivingVolume(series, Path()), SimilarHeaders()
    arriving.set_ends(_place(0), _place(FEWEST_SLICES - 1))
    for k in range(FEWEST_SLICES):
        content = _slice(uids, k)
        arriving.add(f"{k}", content, reader.read(content))
    arriving.confirm()
    arriving.image("")


def _place(k: int) -> dict[str, str]:
    return {
        "SOPInstanceUID": f"1.2.5.{k}",
        "ImagePositionPatient": f"0\\0\\{k}",
        "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
    }


def _slice(uids: dict[str, str], k: int) -> bytes:
    from pydicom import Dataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, f"1.2.5.{k}"
    for keyword, value in uids.items():
        setattr(dataset, keyword, value)
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.Modality, dataset.InstanceNumber = "CT", k + 1
    dataset.ImagePositionPatient, dataset.PixelSpacing = [0, 0, k], [1, 1]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.Rows = dataset.Columns = 2
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.SamplesPerPixel, dataset.PixelRepresentation = 1, 0
    dataset.PhotometricInterpretation, dataset.PixelData = "MONOCHROME2", bytes(8)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()
