"""Pixels as they are stored in DICOM files: whether they can be read as they are, and where."""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from ....dicom_index.headers.buffer_file import BufferFile, Contents
from ....dicom_index.headers.image_header import TRANSFER_SYNTAX_UID, ImageHeader
from ....dicom_index.headers.uids import EXPLICIT_VR_BIG_ENDIAN, UNCOMPRESSED
from ....dicom_index.rows import ImageFile
from ....file_version import version_of
from ....net.source import SourceError
from ....regular_file import RegularFile
from ....system_errors import reason_of
from ..files import Frame
from .values import integer_kind

# A file's SOPInstanceUID is within its first bytes: it is in the file meta information, too.
_BYTES_WITH_UID = 4096
# SOPInstanceUID, and MediaStorageSOPInstanceUID, which is always in little endian (PS3.10 7.1).
_BIG_ENDIAN_TAG = b"\0\x08\0\x18"
# One may begin within what looks like another: the zero before it pads a value.
_UID_TAGS = re.compile(rb"(?=(\x08\0\x18\0|\x02\0\x03\0|\0\x08\0\x18))")


def stored_dtype(header: ImageHeader) -> np.dtype | None:
    """Return how pixels lie in a file if they can be read as they are; None if not."""
    place = header.pixels
    syntax = header.get(TRANSFER_SYNTAX_UID)
    if place is None or not place.offset or header.get("ModalityLUTSequence"):
        return None
    if syntax not in UNCOMPRESSED:
        return None
    if (header.get("SamplesPerPixel") or "1") != "1" or "PALETTE" in header.get(
        "PhotometricInterpretation"
    ):
        return None
    order = ">" if syntax == EXPLICIT_VR_BIG_ENDIAN else "<"
    if place.keyword != "PixelData":
        return np.dtype(f"{order}f{4 if place.keyword == 'FloatPixelData' else 8}")
    bits = header.get("BitsAllocated")
    # Bytes in big endian are swapped in pairs (PS3.5 8.1.2), others come bit by bit.
    if bits not in ("8", "16", "32") or (bits == "8" and order == ">"):
        return None
    return np.dtype(f"{order}{integer_kind(header)}{int(bits) // 8}")


def open_unchanged(folder: Path, file: ImageFile, contents: Contents | None = None) -> io.RawIOBase:
    """Open a file, if it still is the one that was indexed. Raises ``SourceError``."""
    content = contents.get(file.name) if contents else None
    if content is not None:
        return BufferFile(content)
    try:
        opened = RegularFile(folder / file.name)
    except OSError as error:
        raise _unreadable(file, error) from error
    try:
        check_unchanged(opened, file)
        header = opened.read(_BYTES_WITH_UID)
        if not _has_uid(header, file) and file.header.pixels is not None:
            header += opened.read(max(0, file.header.pixels.offset - len(header)))
        if not _has_uid(header, file):
            raise _changed(file)
    except OSError as error:  # the disk, or a share that is away
        opened.close()
        raise _unreadable(file, error) from error
    except BaseException:
        opened.close()
        raise
    return opened


def _has_uid(beginning: bytes, file: ImageFile) -> bool:
    """Whether a file's first bytes have its SOPInstanceUID, in whichever encoding (PS3.5 7.1)."""
    uid = file.header.get("SOPInstanceUID").encode()
    for tag in _UID_TAGS.finditer(beginning):
        order: Literal["little", "big"] = "big" if tag[1] == _BIG_ENDIAN_TAG else "little"
        vr_and_length = beginning[tag.end(1) : tag.end(1) + 4]
        length = int.from_bytes(vr_and_length.removeprefix(b"UI"), order)
        if beginning[tag.end(1) + 4 :][:length].strip(b" \0") == uid:
            return True
    return not uid


def check_unchanged(opened: io.RawIOBase, file: ImageFile) -> None:
    """Raise ``SourceError`` if a file was written since its header was read.

    Other voxels, or the same ones in another place, would come with what the header said then.
    """
    if isinstance(opened, BufferFile):
        return
    status = os.fstat(opened.fileno())
    if not version_of(status).may_be(file.version) or not stat.S_ISREG(status.st_mode):
        raise _changed(file)


def _unreadable(file: ImageFile, error: OSError) -> SourceError:
    return SourceError(f"{file.name!r} can no longer be read: {reason_of(error)}")


def _changed(file: ImageFile) -> SourceError:
    return SourceError(f"{file.name!r} can no longer be read: it has changed; refresh the list")


def read_into(pixels: np.ndarray, opened: io.RawIOBase, file: ImageFile, start: int) -> None:
    """Read pixels that begin ``start`` bytes behind the first, and put them in native order."""
    assert file.header.pixels is not None
    place = file.header.pixels
    if start + pixels.nbytes > place.length:
        raise SourceError(
            f"{file.name!r} cannot be decoded: it has fewer pixels than its header says. "
            "The file may be damaged; get it again from its archive."
        )
    opened.seek(place.offset + start)
    try:
        count = opened.readinto(memoryview(pixels).cast("B"))
    except OSError as error:
        raise _unreadable(file, error) from error
    if count != pixels.nbytes:
        raise SourceError(f"{file.name!r} can no longer be read: it was cut off")


def cut_tiles(
    picture: np.ndarray, frames: list[Frame], across: int, rows: int, columns: int
) -> Iterator[np.ndarray]:
    """Yield frames that are tiles of one picture, ``across`` beside each other."""
    for frame in frames:
        row, column = divmod(frame.index, across)
        yield picture[row * rows :, column * columns :][:rows, :columns]
