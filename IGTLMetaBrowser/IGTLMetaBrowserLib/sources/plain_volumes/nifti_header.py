"""What the header of a NIfTI file says of where its volume lies, and ITK takes otherwise.

A header has up to two matrices, both from index to RAS (nifti1.h, "METHOD 2" and "METHOD 3"): that
of its qform, a rotation, and that of its sform, which can also scale and shear. ITK takes one of
them, and only its directions: their lengths it takes from ``pixdim``, from which those of an sform
can differ; of a slice in two dimensions it forgets the third.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...net.source import SourceError

if TYPE_CHECKING:
    from nibabel import Nifti1Header

# Of NIfTI-2, which has the longer one.
_HEADER_SIZE = 540
# xyzt_units (nifti1.h): the lowest three bits; what is not known counts as mm, as it does for ITK.
_MILLIMETERS_OF_UNIT = {1: 1000.0, 3: 0.001}
_UNIT_BITS = 0b111
# How far a voxel may lie from where the other matrix has it, in the smallest distance of two.
_TOLERANCE = 0.1
_FLATTEST = 1e-6


class NiftiPlace(NamedTuple):
    """The matrix from index to RAS mm, (4, 4), and what there is to know of it.

    ``is_said`` and ``has_spacing`` are whether the file says how the volume lies, and how large its
    voxels are; ``notice`` is empty if there is nothing else.
    """

    ijk_to_ras: np.ndarray
    is_said: bool = True
    has_spacing: bool = True
    notice: str = ""


def nifti_place(path: Path, read: np.ndarray, size: tuple[int, ...]) -> NiftiPlace:
    """Return where a volume of this size lies, of which ITK has read the matrix ``read``.

    Raises ``SourceError`` if ITK reads other values than the file has, and ``OSError``.
    """
    header = _header(path)
    begin = float(header["vox_offset"])
    # Before that are the header and whether extensions follow it; ITK takes the latter for voxels.
    if begin < header.single_vox_offset:
        raise SourceError(
            f"its voxels begin at byte {begin:g} (vox_offset), which is within its header; "
            "save it again"
        )
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 and np.isfinite(intercept) and intercept != 0:  # which ITK adds nevertheless
        raise SourceError(
            f"its scl_slope is 0, so that its scl_inter, {intercept:g}, means nothing; set it to 0"
        )
    said = _matrices(header)
    if not said:
        spacing = header["pixdim"][1:4][: int(header["dim"][0])]
        return NiftiPlace(read, False, bool((spacing > 0).all()))
    distance = {name: _distance(read, matrix, size) for name, matrix in said.items()}
    taken = min(distance, key=lambda name: distance[name])
    if distance[taken] <= _allowed(read):
        matrix = read
    else:
        taken = next(iter(said))
        matrix = said[taken]
    others = {name: _distance(matrix, other, size) for name, other in said.items()}
    furthest = max(others, key=lambda name: others[name])
    if others[furthest] <= _allowed(matrix):
        return NiftiPlace(matrix)
    differ = f"its qform and sform differ by up to {others[furthest]:.4g} mm"
    return NiftiPlace(matrix, notice=f"{differ}: it lies as its {taken} says")


def _header(path: Path) -> Nifti1Header:
    try:
        import nibabel
    except ImportError:
        raise SourceError(
            "reading NIfTI files needs nibabel, which this Python does not have; "
            "install it: pip install nibabel"
        ) from None
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = file.read(_HEADER_SIZE)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise SourceError(f"it cannot be read: {error}") from None
    is_second = data[4:8] == b"n+2\0"
    kind = nibabel.Nifti2Header if is_second else nibabel.Nifti1Header
    try:
        return kind(data[: kind.template_dtype.itemsize], check=False)
    except nibabel.spatialimages.HeaderDataError as error:
        raise SourceError(f"it cannot be read: {error}") from None


def _matrices(header: Nifti1Header) -> dict[str, np.ndarray]:
    """Return the matrices that a header has, from index to RAS mm; the sform's first."""
    import nibabel

    unit = _MILLIMETERS_OF_UNIT.get(int(header["xyzt_units"]) & _UNIT_BITS, 1.0)
    found = {}
    for name, get in (("sform", header.get_sform), ("qform", header.get_qform)):
        try:
            matrix, code = get(coded=True)
        except (ValueError, nibabel.spatialimages.HeaderDataError):  # no rotation, negative lengths
            continue
        if code > 0 and matrix is not None and np.isfinite(matrix).all():
            found[name] = np.diag([unit, unit, unit, 1.0]) @ _with_a_normal(matrix)
    return {name: matrix for name, matrix in found.items() if _is_usable(matrix)}


def _with_a_normal(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix of a slice, whose third axis may be missing, with one of length 1."""
    if np.any(matrix[:3, 2]):
        return matrix
    normal = np.cross(matrix[:3, 0], matrix[:3, 1])
    length = np.linalg.norm(normal)
    matrix = matrix.copy()
    matrix[:3, 2] = normal / length if length else normal
    return matrix


def _is_usable(matrix: np.ndarray) -> bool:
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    return bool(lengths.all()) and abs(np.linalg.det(matrix[:3, :3] / lengths)) > _FLATTEST


def _allowed(matrix: np.ndarray) -> float:
    return _TOLERANCE * float(np.linalg.norm(matrix[:3, :3], axis=0).min())


def _distance(one: np.ndarray, other: np.ndarray, size: tuple[int, ...]) -> float:
    """Return how far two matrices place a corner of a volume apart at most, mm."""
    ends = np.array([*np.ndindex(2, 2, 2)]) * (np.array(size) - 1)
    moved = (one - other)[:3, :3] @ ends.T + (one - other)[:3, 3:]
    return float(np.linalg.norm(moved, axis=0).max())
