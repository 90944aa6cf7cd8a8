"""Compressed pictures in a file: in which order they lie, and the size that each says itself.

Decoders make room for what that header says, or end the process: 60,000 × 60,000 pixels in a JPEG
2000 picture of 6 KiB take 7 GiB. DICOM says the size as well (PS3.5 8.2), and that was looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ....net.source import SourceError

if TYPE_CHECKING:
    from pydicom import Dataset

# JPEG (ISO 10918-1, B.1.1.3): start of image; markers that begin a frame, but for the three between
# them that do not (DHT, JPG, DAC); start of scan. JPEG-LS has SOF55 (ISO 14495-1, C.1.1).
_SOI = b"\xff\xd8"
# End of image; that of a codestream of JPEG 2000 is the same (ISO 15444-1, A.4.4).
_END = b"\xff\xd9"
_SOF = (frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}) | {0xF7}
_SOS = 0xDA
_JPEG_SIZE = struct.Struct(">BHHB")  # precision, lines, samples a line, components
# JPEG 2000 (ISO 15444-1, A.5.1): SOC, and at once SIZ; within a file, it lies in a box.
_SOC_AND_SIZ = b"\xff\x4f\xff\x51"
_J2K_SIZE = struct.Struct(">2xH4I16xH")  # capabilities, size and origin of the grid, components
# The box with which a file of JPEG 2000 begins (ISO 15444-1, I.5.1).
_JP2 = b"\0\0\0\x0cjP  \r\n\x87\n"
_RLE = "1.2.840.10008.1.2.5"
# Of an RLE header: how many segments there are, and where the first one begins (PS3.5 G.5).
_RLE_START = struct.Struct("<II")
_MOST_SEGMENTS, _RLE_HEADER_SIZE = 15, 64
# A fragment: tag and length, in little endian (PS3.5 A.4).
_ITEM = struct.Struct("<4sI")
_ITEM_TAG = b"\xfe\xff\x00\xe0"
_ARE_CHECKED = "_are_pictures_checked"


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

    count = int(dataset.get("NumberOfFrames") or 1)
    if not getattr(dataset, _ARE_CHECKED, False):  # frames are decoded a few at a time
        _check_pictures(dataset, count)
        setattr(dataset, _ARE_CHECKED, True)
    expected = PictureSize(dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
    offsets = None
    if "ExtendedOffsetTable" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    for index in indices:
        data = get_frame(dataset.PixelData, index, number_of_frames=count, extended_offsets=offsets)
        size = picture_size(data)
        if size is not None and size != expected:
            raise SourceError(f"frame {index + 1} is {_words(size)}, not {_words(expected)}")


def _check_pictures(dataset: Dataset, count: int) -> None:
    """Raise ``SourceError`` if there are other pictures than frames, or a table that skips some.

    Frames lie in their order (PS3.5 A.4). Readers that go by that, and not by a table, would have
    other slices in the places of these.
    """
    pixels = memoryview(dataset.PixelData)
    table_size = struct.unpack_from("<4xI", pixels)[0]  # of the first item, the basic offset table
    table = pixels[8 : 8 + table_size // 4 * 4]
    first = 8 + table_size
    places = _fragments(pixels, first)
    pictures = _begins(pixels, places, is_rle=dataset.file_meta.TransferSyntaxUID == _RLE)
    if pictures is not None and len(pictures) != count:
        raise SourceError(f"it has {len(pictures)} pictures, and its header says {count} frames")
    items = np.array([place.start for place in places], np.uint64) - np.uint64(first + 8)
    for offsets, number_type in (
        (table, "<u4"),
        (dataset.get("ExtendedOffsetTable") or b"", "<u8"),
    ):
        begins = np.frombuffer(offsets, number_type)
        if len(begins):
            _check_table(begins, items if pictures is None else pictures, count)
    if "ExtendedOffsetTable" in dataset:  # each frame is one fragment (PS3.3 C.7.6.3.1.8)
        _check_lengths(pixels, places, dataset.get("ExtendedOffsetTableLengths") or b"")


def _check_lengths(pixels: memoryview, places: list[slice], table: bytes) -> None:
    """Raise ``SourceError`` if a table of lengths has others than those of the pictures.

    pydicom reads as many bytes as it says, and dcmtk the whole fragment: what it leaves out has to
    be padding, of which there may be more than the byte that makes a length even (PS3.5 A.4).
    """
    said = np.frombuffer(table, "<u8").tolist()
    if len(said) == len(places):
        pictures = (pixels[place] for place in places)
        if all(map(_is_all_but_padding, pictures, said)):
            return
    raise SourceError("its table of lengths has others than its pictures have")


def _is_all_but_padding(picture: memoryview, size: int) -> bool:
    """Whether the first ``size`` bytes are the whole picture."""
    if size in (len(picture), len(picture) - 1):
        return True
    if size > len(picture) or picture[:size][-2:] != _END:
        return False
    return not np.frombuffer(picture[size:], np.uint8).any()


def _check_table(begins: np.ndarray, pictures: np.ndarray, count: int) -> None:
    """Raise ``SourceError`` if the begins of frames are not those of pictures, all and in order."""
    if begins[0] or (begins[1:] <= begins[:-1]).any():
        raise SourceError("its table of offsets has frames in another order than they lie in")
    if len(begins) != count or not np.isin(begins, pictures).all():
        raise SourceError("its table of offsets passes over some of its pictures")


def _fragments(pixels: memoryview, place: int) -> list[slice]:
    """Return where the fragments of pictures lie, behind the basic offset table (PS3.5 A.4)."""
    found = []
    while place + _ITEM.size <= len(pixels):
        tag, size = _ITEM.unpack_from(pixels, place)
        place += _ITEM.size
        if tag != _ITEM_TAG:
            break
        if place + size > len(pixels):
            raise SourceError("its last picture is cut off")
        found.append(slice(place, place + size))
        place += size
    return found


def _begins(pixels: memoryview, places: list[slice], *, is_rle: bool) -> np.ndarray | None:
    """Return which fragments begin a picture, by their offsets from the first; None if not known.

    A picture can have several: then the others begin with neither marker, box nor header. Of RLE
    it should have one (PS3.5 A.4.2), and readers put several together as well.
    """
    starts = [bytes(pixels[place][: len(_JP2)]) for place in places]
    is_begin = _test_of_begins(starts[0], is_rle=is_rle) if starts else None
    if is_begin is None:
        return None
    begins = [place.start for place, start in zip(places, starts, strict=True) if is_begin(start)]
    return np.array(begins, np.uint64) - np.uint64(begins[0])


def _test_of_begins(first: bytes, *, is_rle: bool) -> Callable[[bytes], bool] | None:
    """Return what tells whether a picture begins as the first one does; None if that is none."""
    if is_rle:
        return _is_rle if _is_rle(first) else None
    mark = next((mark for mark in (_SOI, _SOC_AND_SIZ, _JP2) if first.startswith(mark)), None)
    return None if mark is None else lambda start: start.startswith(mark)


def _is_rle(start: bytes) -> bool:
    """Whether an RLE header begins there (PS3.5 G.5)."""
    if len(start) < _RLE_START.size:
        return False
    count, first_offset = _RLE_START.unpack_from(start)
    return 0 < count <= _MOST_SEGMENTS and first_offset == _RLE_HEADER_SIZE


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
