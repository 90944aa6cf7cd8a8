"""Compressed pictures in a file: in which order they lie, and the size that each says itself.

Decoders make room for what that header says, or end the process: 60,000 × 60,000 pixels in a JPEG
2000 picture of 6 KiB take 7 GiB. DICOM says the size as well (PS3.5 8.2), and that was looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...net.source import SourceError

if TYPE_CHECKING:
    from pydicom import Dataset

# JPEG (ISO 10918-1, B.1.1.3): start of image; markers that begin a frame, but for the three between
# them that do not (DHT, JPG, DAC); start of scan. JPEG-LS has SOF55 (ISO 14495-1, C.1.1).
_SOI = b"\xff\xd8"
_SOF = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}
_SOS = 0xDA
_JPEG_SIZE = struct.Struct(">BHHB")  # precision, lines, samples a line, components
# JPEG 2000 (ISO 15444-1, A.5.1): SOC, and at once SIZ; within a file, it lies in a box.
_SOC_AND_SIZ = b"\xff\x4f\xff\x51"
_J2K_SIZE = struct.Struct(">2xH4I16xH")  # capabilities, size and origin of the grid, components


class PictureSize(NamedTuple):
    """Of a compressed picture."""

    rows: int
    columns: int
    samples: int


def picture_size(data: bytes) -> PictureSize | None:
    """Return the size of a JPEG, JPEG-LS or JPEG 2000 picture; None of what is none of them."""
    try:
        return _jpeg_size(data) if data.startswith(_SOI) else _jpeg_2000_size(data)
    except struct.error:  # it ends in its header
        return None


def check_frames(dataset: Dataset, indices: Sequence[int]) -> None:
    """Raise ``SourceError`` if a frame is of another size than the file says, or in no order."""
    from pydicom.encaps import get_frame

    _check_order(dataset)
    expected = PictureSize(dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    count = int(dataset.get("NumberOfFrames") or 1)
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    for index in indices:
        data = get_frame(dataset.PixelData, index, number_of_frames=count, extended_offsets=offsets)
        size = picture_size(data)
        if size is not None and size != expected:
            raise SourceError(f"frame {index + 1} is {_words(size)}, not {_words(expected)}")


def _check_order(dataset: Dataset) -> None:
    """Raise ``SourceError`` if a table has the frames elsewhere than one behind the other.

    They lie in their order (PS3.5 A.4). Readers that go by that, and not by a table, would have
    other slices in the places of these.
    """
    pixels = memoryview(dataset.PixelData)
    size = struct.unpack_from("<4xI", pixels)[0]  # of the first item, the basic offset table
    for table, number_type in (
        (pixels[8 : 8 + size // 4 * 4], "<u4"),
        (dataset.get("ExtendedOffsetTable") or b"", "<u8"),
    ):
        begins = np.frombuffer(table, number_type)
        if len(begins) and (begins[0] or (begins[1:] <= begins[:-1]).any()):
            raise SourceError("its table of offsets has frames in another order than they lie in")


def _words(size: PictureSize) -> str:
    return f"{size.columns} × {size.rows} pixels of {size.samples} samples"


def _jpeg_size(data: bytes) -> PictureSize | None:
    place = len(_SOI)
    while place + 1 < len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # any number of them may come before a marker
            place += 1
            continue
        if marker in _SOF:
            _, rows, columns, samples = _JPEG_SIZE.unpack_from(data, place + 4)
            return PictureSize(rows, columns, samples)
        if marker == _SOS:
            return None
        place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None


def _jpeg_2000_size(data: bytes) -> PictureSize | None:
    place = data.find(_SOC_AND_SIZ)
    if place < 0:
        return None
    _, right, bottom, left, top, samples = _J2K_SIZE.unpack_from(data, place + len(_SOC_AND_SIZ))
    return PictureSize(bottom - top, right - left, samples)
