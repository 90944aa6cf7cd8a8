"""What the header of a NIfTI file says of where its volume lies, and ITK takes otherwise.

A header has up to two matrices, both from index to RAS (nifti1.h, "METHOD 2" and "METHOD 3"): that
of its qform, a rotation, and that of its sform, which can also scale and shear. ITK takes one of
them, and only its directions: their lengths it takes from ``pixdim``, from which those of an sform
can differ; of a slice in two dimensions it forgets the third.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...net.source import SourceError

if TYPE_CHECKING:
    from nibabel import Nifti1Header

# xyzt_units (nifti1.h): the lowest three bits; what is not known counts as mm, as it does for ITK.
_MILLIMETERS_OF_UNIT = {1: 1000.0, 3: 0.001}
_UNIT_BITS = 0b111
# How far a voxel may lie from where the other matrix has it, in the smallest distance of two.
_TOLERANCE = 0.1
_FLATTEST = 1e-6
# By which the three numbers of a unit quaternion may be longer than 1 (squared), as text has them.
_ROUNDING = 1e-4


class NiftiPlace(NamedTuple):
    """The matrix from index to RAS mm, (4, 4), and what there is to know of it.

    ``is_said`` and ``has_spacing`` are whether the file says how the volume lies, and how large its
    voxels are; ``notice`` is empty if there is nothing else.
    """

    ijk_to_ras: np.ndarray
    is_said: bool = True
    has_spacing: bool = True
    notice: str = ""


def nifti_place(header: Nifti1Header, read: np.ndarray, size: tuple[int, ...]) -> NiftiPlace:
    """Return where a volume of this size lies, of which ITK has read the matrix ``read``.

    Raises ``SourceError`` if what its header says of that makes no sense.
    """
    said = _matrices(header)
    has_spacing = "sform" in said or bool((_widths(header) > 0).all())
    if not said:
        return NiftiPlace(read, False, has_spacing)
    as_read = [name for name in said if _distance(read, said[name], size) <= _allowed(read)]
    taken = [*as_read, *said][0]
    matrix = said[taken]  # ITK leaves out its shear, and the thickness of a single slice
    others = {name: _distance(matrix, other, size) for name, other in said.items()}
    furthest = max(others, key=lambda name: others[name])
    if others[furthest] <= _allowed(matrix):
        return NiftiPlace(matrix, has_spacing=has_spacing)
    differ = f"its qform and sform differ by up to {others[furthest]:.4g} mm"
    return NiftiPlace(matrix, notice=f"{differ}: it lies as its {taken} says")


def _matrices(header: Nifti1Header) -> dict[str, np.ndarray]:
    """Return the matrices that a header has, from index to RAS mm; the sform's first.

    If it has two, one that makes no sense is left out.
    """
    found: dict[str, np.ndarray] = {}
    senseless: SourceError | None = None
    for name, get in (("sform", _sform), ("qform", _qform)):
        if header[f"{name}_code"] > 0:
            try:
                found[name] = get(header)
            except SourceError as error:
                senseless = senseless or error
    if not found and senseless is not None:
        raise senseless
    if not found:
        _widths(header)  # which are all that ITK goes by
    return found


def _sform(header: Nifti1Header) -> np.ndarray:
    matrix = header.get_sform()
    if np.isfinite(matrix).all():
        matrix = np.diag([*[_unit(header)] * 3, 1.0]) @ _with_a_normal(matrix)
        if _is_usable(matrix):
            return matrix
    raise SourceError(
        "its header makes no sense: the axes of its sform lie in one plane, or are none"
    )


def _qform(header: Nifti1Header) -> np.ndarray:
    """Return the matrix of the qform, with 1 mm for a width that is not known."""
    from nibabel.quaternions import fillpositive, quat2mat

    # niftilib takes 1 for what is 0, as nifti1.h has it, or is another positive number.
    handedness = float(header["pixdim"][0])
    if handedness != -1 and not 0 <= handedness < np.inf:
        raise SourceError(
            f"its header makes no sense: its pixdim[0] is {handedness:g}, and not 1 or -1"
        )
    numbers = [float(header[f"quatern_{letter}"]) for letter in "bcd"]
    offsets = [float(header[f"qoffset_{letter}"]) for letter in "xyz"]
    if not np.isfinite([*numbers, *offsets]).all():
        raise SourceError("its header makes no sense: its qform has what is no number")
    try:
        quaternion = fillpositive(numbers, w2_thresh=-_ROUNDING)
    except ValueError:
        raise SourceError("its header makes no sense: its qform is no rotation") from None
    widths = _widths(header)
    lengths = np.ones(3)
    lengths[: len(widths)] = np.where(widths > 0, widths * _unit(header), 1)
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat(quaternion) * lengths * (1, 1, -1 if handedness < 0 else 1)
    matrix[:3, 3] = np.multiply(offsets, _unit(header))
    return matrix


def _widths(header: Nifti1Header) -> np.ndarray:
    """Return how wide a voxel is along each axis of space, in the unit of the file; 0 is not known.

    Raises ``SourceError`` if it is no width: ITK mirrors a volume whose voxels are less than 0
    wide, and takes 1 for infinity.
    """
    widths = np.array(header["pixdim"][1:4][: int(header["dim"][0])], float)
    if not (np.isfinite(widths) & (widths >= 0)).all():
        shown = " x ".join(f"{width:g}" for width in widths)
        raise SourceError(f"its header makes no sense: its voxels are {shown} wide (pixdim)")
    return widths


def _unit(header: Nifti1Header) -> float:
    """Return how many mm the unit of the file is."""
    return _MILLIMETERS_OF_UNIT.get(int(header["xyzt_units"]) & _UNIT_BITS, 1.0)


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
    """Return how far two matrices place a corner of a volume apart at most, mm.

    As if there were two slices of one, which can be of another thickness.
    """
    ends = np.array([*np.ndindex(2, 2, 2)]) * np.maximum(np.array(size) - 1, 1)
    moved = (one - other)[:3, :3] @ ends.T + (one - other)[:3, 3:]
    return float(np.linalg.norm(moved, axis=0).max())
