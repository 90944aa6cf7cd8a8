"""Whether the voxels of a file that holds them as text are those that ITK has read.

NRRD (``encoding: ascii``) and MetaImage (``BinaryData = False``) can be so. Both readers take the
beginning of a number that is none of the voxels' type, and what is left of one that is too large
for it: of 70000 as 16 bits, 4464; of 1.7, 1; of 1e3, 1. Here all are read again.

As ``whole_voxels``, for the process of ITK: text can be long.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ...regular_file import opened
from ...system_errors import reason_of
from .formats import (
    LONGEST_HEADER,
    META_ENDINGS,
    META_ITSELF,
    META_NAME,
    NRRD_END,
    NRRD_ENDINGS,
    ending_of,
)
from .whole_voxels import VoxelsError

_PIECE = 1 << 20
_NRRD_IS_TEXT = re.compile(rb"^encoding:[ \t]*(?:ascii|text|txt)", re.IGNORECASE | re.MULTILINE)
# What says that they begin elsewhere than behind the header.
_NRRD_ELSEWHERE = re.compile(
    rb"^(?:data ?file:|(?:line|byte) ?skip:[ \t]*-?0*[1-9])", re.IGNORECASE | re.MULTILINE
)
_NRRD_KINDS = re.compile(rb"^kinds:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_DOMAINS = (b"domain", b"space", b"time", b"none", b"???")
_META_IS_TEXT = re.compile(rb"^[ \t]*BinaryData[ \t]*[=:][ \t]*[^Tt1\s]", re.MULTILINE)
_ROUNDING = 1e-6  # of floats of 32 bits


def check_text(path: Path, voxels: np.ndarray) -> None:
    """Raise ``VoxelsError`` if other voxels were read than a file has as text."""
    try:
        with opened(path) as file:
            header = file.read(LONGEST_HEADER)
            begin = _begin_of_text(path, header)
            if begin is not None:
                file.seek(begin)
                _compare(file, _as_in_file(voxels, header[:begin]).reshape(-1))
    except OSError as error:
        raise VoxelsError(reason_of(error)) from None


def _begin_of_text(path: Path, header: bytes) -> int | None:
    """Return behind which byte the voxels are text, or None if they are not."""
    ending = ending_of(path)
    if ending in NRRD_ENDINGS:
        end = NRRD_END.search(header)
        fields = header[: end.start() + 1] if end else header
        if not _NRRD_IS_TEXT.search(fields):
            return None
        if end and not _NRRD_ELSEWHERE.search(fields):
            return end.end()
    elif ending in META_ENDINGS:
        name = META_NAME.search(header)
        fields = header[: name.start()] if name else header
        if not _META_IS_TEXT.search(fields):
            return None
        if name and name[1].strip() in META_ITSELF:
            return name.end()
    else:
        return None
    raise VoxelsError("its voxels are text, and not behind its header; save it as one file")


def _as_in_file(voxels: np.ndarray, header: bytes) -> np.ndarray:
    """Return voxels in the order of the file: ITK puts those of one place beside each other.

    Of NRRD, the axis of vectors or colors can be any, and is the only one that is no domain.
    """
    kinds = found[1].lower().split() if (found := _NRRD_KINDS.search(header)) else []
    axes = [axis for axis, kind in enumerate(kinds) if kind not in _DOMAINS]
    if len(axes) != 1 or len(kinds) != voxels.ndim:
        return voxels
    return np.moveaxis(voxels, -1, voxels.ndim - 1 - axes[0])


def _compare(file: BinaryIO, voxels: np.ndarray) -> None:
    count, rest = 0, b""
    while count < voxels.size:
        piece = file.read(_PIECE)
        text = rest + piece.replace(b",", b" ")
        words, rest = text.split(), b""
        if piece and not text[-1:].isspace():
            rest = words.pop()  # which may go on
        written = _numbers(words[: voxels.size - count])
        read = voxels[count : count + len(written)]
        tolerance = 0 if read.dtype.kind in "iu" else _ROUNDING
        if not np.allclose(read, written, rtol=tolerance, atol=0, equal_nan=True):
            raise VoxelsError(
                "its voxels are text, with numbers that voxels of their type cannot have; "
                "save it with another type"
            )
        count += len(written)
        if not piece:
            break
    if count < voxels.size:
        raise VoxelsError("its voxels are text, which is cut off; copy it again")


def _numbers(words: list[bytes]) -> np.ndarray:
    try:
        return np.array(words, float) if words else np.empty(0)
    except ValueError:
        raise VoxelsError("its voxels are text, and not all of it are numbers") from None
