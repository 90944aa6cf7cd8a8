"""Whether a file of a volume is whole, and what its header says, if ITK does not say so.

ITK fills up what is missing at the end of a NIfTI file, as of one that is being copied, with zeros;
and of a MetaImage whose compressed voxels are damaged, it returns what it has inflated until then,
or what was in its memory before: that too if the header does not say how many bytes they are
compressed to. NRRD files it refuses in both cases.

A file that is looked at to its end may inflate to terabytes: only the process of ITK does that,
which is ended when it takes too long. So this imports nothing that takes it long to start.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...regular_file import opened
from ...system_errors import reason_of
from .formats import (
    LONGEST_HEADER,
    META_ENDINGS,
    META_FIELD,
    META_ITSELF,
    META_NAME,
    NIFTI_ENDINGS,
    SEVERAL_NAMES,
    ending_of,
)

_PIECE = 1 << 20
# nifti1.h and nifti2.h: the size of the header, which tells one from the other; then where in it
# are the dimensions, the bits of a voxel, and where in the file the voxels begin.
_NIFTI_1, _NIFTI_2 = 348, 540
_NIFTI_FIELDS = {_NIFTI_1: (40, "8h", 72, 108, "f"), _NIFTI_2: (16, "8q", 14, 168, "q")}
_IS_DEFLATED = re.compile(rb"CompressedData\s*[=:]\s*[Tt1]")
# zlib, or gzip: MetaIO reads both.
_ANY_DEFLATED = 32 + zlib.MAX_WBITS

ADVICE = "copy it again, or wait until that is done"
"""What to try with a file without all of its voxels: mostly one that is being copied."""


class VoxelsError(Exception):
    """A file does not have the voxels that it says; the text goes on after its name and a colon."""


def nifti_begin(path: Path) -> bytes:
    """Return the bytes with which a NIfTI file begins: its header, and more. Raises as below."""
    if ending_of(path) not in NIFTI_ENDINGS:
        return b""
    try:
        with nifti_file(path) as file:
            return file.read(_NIFTI_2)
    except (OSError, EOFError, zlib.error) as error:
        raise VoxelsError(reason_of(error)) from None


def is_nifti_2(path: Path) -> bool:
    """Whether a file has a header of NIfTI-2, by its length; not if it cannot be read."""
    try:
        begin = nifti_begin(path)[:4]
    except VoxelsError:
        return False
    return _NIFTI_2 in (int.from_bytes(begin, "little"), int.from_bytes(begin, "big"))


def check_voxels(path: Path, byte_count: int) -> int | None:
    """Raise ``VoxelsError`` if the file of a volume of so many bytes is cut off, damaged, or lies.

    Return the CRC-32 of the voxels if they were inflated for that, else None.
    """
    ending = ending_of(path)
    checksum = None
    try:
        if ending in NIFTI_ENDINGS:
            is_whole = _is_whole_nifti(path)
        elif ending in META_ENDINGS:
            _check_names(path, byte_count)  # before ITK reads it
            is_whole, checksum = _is_whole_meta_image(path, byte_count)
        else:
            is_whole = True
    except (OSError, EOFError, ValueError, OverflowError, struct.error, zlib.error) as error:
        raise VoxelsError(f"it is damaged: {reason_of(error)}; {ADVICE}") from None
    if not is_whole:
        raise VoxelsError(f"it is cut off: voxels are missing at its end; {ADVICE}")
    return checksum


def check_checksum(voxels: np.ndarray, checksum: int | None) -> None:
    """Raise ``VoxelsError`` if other voxels were read than those that have this CRC-32.

    They may be of the other byte order in the file. Without a checksum there is nothing to check.
    """
    if checksum is None or zlib.crc32(voxels) == checksum:
        return
    if zlib.crc32(voxels.byteswap()) != checksum:
        raise VoxelsError(
            "its header does not fit its compressed voxels; save it uncompressed, or with the "
            "right CompressedDataSize"
        )


def _check_names(path: Path, byte_count: int) -> None:
    """Raise ``VoxelsError`` if the header of a MetaImage may name voxels where nobody has looked.

    MetaIO passes over the last field of a header behind a line without ``=``, among others, and
    goes on to look for it in what seems to be the voxels. So all of the file is looked at; it has
    at most a header and voxels of ``byte_count`` bytes. Raises ``OSError``.
    """
    count, end = 0, b""
    with opened(path) as file:
        # A sparse file of terabytes takes no room, and hours to be read.
        if os.fstat(file.fileno()).st_size > LONGEST_HEADER + byte_count:
            raise VoxelsError("it is longer than its header and its voxels; save it anew")
        while piece := file.read(_PIECE):
            piece = end + piece
            count += piece.count(META_FIELD)
            end = piece[1 - len(META_FIELD) :]
    if count != 1:
        raise VoxelsError(SEVERAL_NAMES)


@contextmanager
def nifti_file(path: Path) -> Iterator[BinaryIO]:
    """Open a NIfTI file, inflated if it is deflated. Raises ``OSError``."""
    with opened(path) as file:
        if not path.name.lower().endswith(".gz"):
            yield file
            return
        with gzip.open(file) as inflated:  # which does not close what it was given
            yield inflated


def _is_whole_nifti(path: Path) -> bool:
    with nifti_file(path) as file:
        header = file.read(_NIFTI_2)
        end = _end_of_nifti(header)
        if not path.name.lower().endswith(".gz"):
            return path.stat().st_size >= end
        # Up to the end of the file, where the checksum is; but not what comes for ever.
        count = len(header)
        while count <= end + _PIECE and (piece := file.read(_PIECE)):
            count += len(piece)
    return count >= end


def nifti_order(header: bytes) -> tuple[str, int]:
    """Return the byte order of a header, as ``struct`` has it, and its size: which NIfTI it is.

    Raises ``ValueError`` and ``struct.error`` if it is none.
    """
    for order in "<>":
        (size,) = struct.unpack_from(f"{order}i", header)
        if size in _NIFTI_FIELDS:
            return order, size
    raise ValueError("it has no header of NIfTI")


def _end_of_nifti(header: bytes) -> int:
    """Return behind which byte the voxels end."""
    order, size = nifti_order(header)
    dimensions_at, dimensions, bits_at, offset_at, offset = _NIFTI_FIELDS[size]
    count, *sides = struct.unpack_from(f"{order}{dimensions}", header, dimensions_at)
    (bits,) = struct.unpack_from(f"{order}h", header, bits_at)
    (begin,) = struct.unpack_from(f"{order}{offset}", header, offset_at)
    # niftilib takes 1 for a side of 0.
    return int(begin) + math.prod(max(side, 1) for side in sides[:count]) * bits // 8


def _is_whole_meta_image(path: Path, byte_count: int) -> tuple[bool, int | None]:
    """Return whether there are so many bytes, and their CRC-32 if they were inflated."""
    with opened(path) as file:
        header = file.read(LONGEST_HEADER)
        found = META_NAME.search(header)
        if found is None or not _IS_DEFLATED.search(header, 0, found.start()):
            return True, None  # ITK looks itself whether there is enough of it
        name = found[1].strip()
        if name in META_ITSELF:
            file.seek(header.index(b"\n", found.start()) + 1)
            return _inflated(file, byte_count)
    with opened(path.parent / name.decode()) as file:
        return _inflated(file, byte_count)


def _inflated(file: BinaryIO, byte_count: int) -> tuple[bool, int]:
    """Return whether a file inflates to so many bytes, as soon as that is known; their CRC-32."""
    inflater = zlib.decompressobj(_ANY_DEFLATED)
    count = checksum = 0
    while count <= byte_count and not inflater.eof and (piece := file.read(_PIECE)):
        while piece and count <= byte_count:
            inflated = inflater.decompress(piece, _PIECE)
            count += len(inflated)
            checksum = zlib.crc32(inflated, checksum)
            piece = inflater.unconsumed_tail
    return inflater.eof and count == byte_count, checksum
