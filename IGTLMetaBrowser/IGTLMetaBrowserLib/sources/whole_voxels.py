"""Whether a file of a volume has all its voxels, undamaged, where ITK does not say so.

ITK fills up what is missing at the end of a NIfTI file, as of one that is being copied, with zeros;
and of a MetaImage whose compressed voxels are damaged, it returns what it has inflated until then.
NRRD files it refuses in both cases.
"""

from __future__ import annotations

import gzip
import math
import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

from ..net.source import SourceError
from .voxel_files import META_ENDINGS, META_ITSELF, META_NAME

_PIECE = 1 << 20
_LONGEST_HEADER = 1 << 20
_NIFTI_ENDINGS = (".nii", ".nii.gz")
# nifti1.h and nifti2.h: the size of the header, which tells one from the other; then where in it
# are the dimensions, the bits of a voxel, and where in the file the voxels begin.
_NIFTI_1, _NIFTI_2 = 348, 540
_NIFTI_FIELDS = {_NIFTI_1: (40, "8h", 72, 108, "f"), _NIFTI_2: (16, "8q", 14, 168, "q")}
_IS_DEFLATED = re.compile(rb"CompressedData\s*[=:]\s*[Tt1]")
# zlib, or gzip: MetaIO reads both.
_ANY_DEFLATED = 32 + zlib.MAX_WBITS
_ADVICE = "copy it again, or wait until that is done"


def check_voxels(path: Path, byte_count: int) -> None:
    """Raise ``SourceError`` if the file of a volume of so many bytes is cut off or damaged."""
    name = path.name.lower()
    try:
        if name.endswith(_NIFTI_ENDINGS):
            is_whole = _is_whole_nifti(path)
        elif name.endswith(META_ENDINGS):
            is_whole = _is_whole_meta_image(path, byte_count)
        else:
            is_whole = True
    except (OSError, EOFError, ValueError, struct.error, zlib.error) as error:
        raise SourceError(f"{path.name!r} is damaged: {error}; {_ADVICE}") from None
    if not is_whole:
        raise SourceError(f"{path.name!r} is cut off: voxels are missing at its end; {_ADVICE}")


def _is_whole_nifti(path: Path) -> bool:
    is_deflated = path.name.lower().endswith(".gz")
    with gzip.open(path) if is_deflated else path.open("rb") as file:
        header = file.read(_NIFTI_2)
        end = _end_of_nifti(header)
        if not is_deflated:
            return path.stat().st_size >= end
        # Up to the end of the file, where the checksum is; but not what comes for ever.
        count = len(header)
        while count <= end + _PIECE and (piece := file.read(_PIECE)):
            count += len(piece)
    return count >= end


def _end_of_nifti(header: bytes) -> int:
    """Return behind which byte the voxels end."""
    order = next(
        (one for one in "<>" if struct.unpack_from(f"{one}i", header)[0] in _NIFTI_FIELDS), "<"
    )
    (size,) = struct.unpack_from(f"{order}i", header)
    if size not in _NIFTI_FIELDS:
        raise ValueError("it has no header of NIfTI")
    dimensions_at, dimensions, bits_at, offset_at, offset = _NIFTI_FIELDS[size]
    count, *sides = struct.unpack_from(f"{order}{dimensions}", header, dimensions_at)
    (bits,) = struct.unpack_from(f"{order}h", header, bits_at)
    (begin,) = struct.unpack_from(f"{order}{offset}", header, offset_at)
    return int(begin) + math.prod(sides[:count]) * bits // 8


def _is_whole_meta_image(path: Path, byte_count: int) -> bool:
    with path.open("rb") as file:
        header = file.read(_LONGEST_HEADER)
        found = META_NAME.search(header)
        if found is None or not _IS_DEFLATED.search(header, 0, found.start()):
            return True  # ITK looks itself whether there is enough of it
        name = found[1].strip()
        if name in META_ITSELF:
            file.seek(header.index(b"\n", found.start()) + 1)
            return _inflated_size(file, byte_count) == byte_count
    with (path.parent / name.decode()).open("rb") as file:
        return _inflated_size(file, byte_count) == byte_count


def _inflated_size(file: BinaryIO, most: int) -> int:
    """Return how many bytes a file inflates to, as soon as it is known whether more than these."""
    inflater = zlib.decompressobj(_ANY_DEFLATED)
    count = 0
    while count <= most and not inflater.eof and (piece := file.read(_PIECE)):
        while piece and count <= most:
            count += len(inflater.decompress(piece, _PIECE))
            piece = inflater.unconsumed_tail
    return count if inflater.eof else -1
