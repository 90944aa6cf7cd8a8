"""The voxels of a NIfTI file that are no finite number.

niftilib, by which ITK reads, puts 0 in their place (nifti1_io.c, ``nifti_read_buffer``): of a map
with NaN where nothing was computed, outside the head say, the user would see a result of 0.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from .formats import NIFTI_ENDINGS, ending_of
from .whole_voxels import VoxelsError, nifti_file, nifti_order

_PIECE = 1 << 20
# nifti1.h: the size of the header, the types of voxels that have such numbers, and where in it are
# the type, and where the voxels begin and the slope. ITK reads no NIfTI-2.
_HEADER = 348
_FLOATS = {16: "f4", 64: "f8"}
_TYPE_AT, _BEGIN_AT = 70, 108


def with_not_finite(path: Path, voxels: np.ndarray) -> np.ndarray:
    """Return voxels that ITK has read, with those of its file that are no finite number as there.

    ``voxels`` are copied if there are such. Raises ``VoxelsError``.
    """
    if ending_of(path) not in NIFTI_ENDINGS or voxels.dtype.kind != "f":
        return voxels
    try:
        return _put_back(path, voxels)
    except (OSError, EOFError, ValueError, struct.error) as error:
        raise VoxelsError(f"it changes while it is read: {error}") from None


def _put_back(path: Path, voxels: np.ndarray) -> np.ndarray:
    with nifti_file(path) as file:
        header = file.read(_HEADER)
        order, _ = nifti_order(header)
        (datatype,) = struct.unpack_from(f"{order}h", header, _TYPE_AT)
        begin, slope = struct.unpack_from(f"{order}2f", header, _BEGIN_AT)
        if datatype not in _FLOATS:
            return voxels
        file.seek(int(begin))
        dtype = np.dtype(order + _FLOATS[datatype])
        for start in range(0, voxels.size, _PIECE):
            wanted = min(_PIECE, voxels.size - start) * dtype.itemsize
            found = np.frombuffer(file.read(wanted), dtype)
            (numbers,) = np.nonzero(~np.isfinite(found))
            if len(numbers):
                voxels = voxels if voxels.flags.writeable else voxels.copy()
                places = _places(start + numbers, voxels)
                voxels.reshape(-1)[places] = found[numbers] * (-1 if slope < 0 else 1)
    return voxels


def _places(numbers: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Return where numbers of a file, from 0, are in ``voxels``, which have components last.

    In the file, all of one component come before those of the next.
    """
    components = voxels.shape[3] if voxels.ndim == 4 else 1
    count = voxels.size // components
    return numbers % count * components + numbers // count
