"""Datasets of which nothing is missing at the end.

Of a file that is cut off within a value, pydicom (3.0) returns what there is of that: the first
contours of a structure set, the first digits of a position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from .header_reader import LENGTH_OF_START, looks_like_dicom
from .pixel_place import UNDEFINED_LENGTH

if TYPE_CHECKING:
    from pydicom import Dataset


def read_whole(file: BinaryIO, **options: Any) -> Dataset:
    """Return what ``pydicom.dcmread`` returns of a file with these options.

    Files without preamble are read, too, as by ``header_reader``. Raises ``ValueError`` if it is no
    DICOM file, or cut off within a value, and whatever pydicom raises.
    """
    from pydicom import dcmread
    from pydicom.dataelem import RawDataElement

    start = file.read(LENGTH_OF_START)
    if not looks_like_dicom(start):
        raise ValueError("it is no DICOM file")
    file.seek(0)
    dataset = dcmread(file, force=True, **options)
    for element in dataset.values():
        if not isinstance(element, RawDataElement) or element.length == UNDEFINED_LENGTH:
            continue
        if element.value is not None and len(element.value) < element.length:
            raise ValueError(f"it is cut off within {element.tag}; get it again")
    return dataset
