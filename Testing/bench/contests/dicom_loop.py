"""The plain way to the dictionary's fields: pydicom.dcmread of one file after the other.

``python dicom_loop.py FOLDER`` prints how many files it has read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pydicom

KEYWORDS = (
    "PatientID",
    "StudyInstanceUID",
    "StudyDescription",
    "SeriesInstanceUID",
    "SeriesDescription",
    "AcquisitionNumber",
    "Modality",
    "SOPInstanceUID",
    "FrameOfReferenceUID",
    "ImageOrientationPatient",
    "AnatomicalOrientationType",
    "RepetitionTime",
    "EchoTime",
    "ScanningSequence",
    "MagneticFieldStrength",
    "ImagedNucleus",
)
SEQUENCES = (
    "ReferencedFrameOfReferenceSequence",
    "ReferencedSeriesSequence",
    "ReferencedImageSequence",
    "ReferencedStructureSetSequence",
    "ReferencedRTPlanSequence",
)


def read(path: Path) -> list[str]:
    """Return the fields of one file. None of these files has a reference: looking is all."""
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    references = [str(keyword in dataset) for keyword in SEQUENCES]
    return [str(dataset.get(keyword, "")) for keyword in KEYWORDS] + references


def main() -> None:
    """Read all files of a folder."""
    rows = [read(path) for path in Path(sys.argv[1]).rglob("*") if path.is_file()]
    print(len(rows))


if __name__ == "__main__":
    main()
