"""Matrices and quaternions, the two ways in which OpenIGTLink writes where a tool is.

A matrix has shape (4, 4) and the last row 0 0 0 1. It maps (x, y, z, 1) in the tool's coordinate
system, mm, to the tracker's or the patient's, mm.

A quaternion is (x, y, z, w) with the real part last, as POSITION and QTDATA have it (OpenIGTLink
``position.md``); (0, 0, 0, 1) is not a rotation. ``quaternion_matrix`` is the rotation of the
library's ``QuaternionToMatrix`` (``igtlMath.h``).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .arrays import number_array
from .errors import EncodeError, GeometryError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Point = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

_LAST_ROW = (0, 0, 0, 1)
_AXIS_PAIRS = ((0, 1), (0, 2), (1, 2))
# For float32, and for senders that round to four digits.
_TOLERANCE = 1e-3


def checked_matrix(matrix: ArrayLike) -> np.ndarray:
    """Return a matrix as float64 array of shape (4, 4).

    Raises ``EncodeError`` for another shape or last row, and for what is no number.
    """
    array = number_array(matrix, "iuf", "numbers of the matrix")
    if array.shape != (4, 4):
        raise EncodeError(f"a matrix has the shape (4, 4), not {array.shape}")
    if tuple(array[3].tolist()) != _LAST_ROW:
        raise EncodeError(f"the last row of a matrix is 0 0 0 1, not {array[3].tolist()}")
    return array.astype(float)


def flip_lps_ras(point: Point) -> Point:
    """Return a point or direction of LPS in RAS, or the other way round.

    x leads to the patient's left in LPS and to the right in RAS, y to the back and to the front
    (OpenIGTLink ``image.md``, DICOM PS3.3 C.7.6.2.1.1).
    """
    x, y, z = point
    return -x, -y, z


def flip_matrix_lps_ras(matrix: ArrayLike) -> np.ndarray:
    """Return a matrix that maps to LPS as one that maps to RAS, or the other way round.

    Its rows are x, y, z, and any others; float64 of the same shape.
    """
    flipped = np.array(matrix, float)
    flipped[:2] = 0.0 - flipped[:2]  # and not -0.0, which files would show
    return flipped


def sheared_axes(matrix: ArrayLike) -> dict[str, float]:
    """Return which axes of an image are not at right angles, and the degrees between them.

    The columns of ``matrix``, shape (3 or 4, 3 or 4), are the directions of i, j and k. Keys are
    ``ij``, ``ik`` and ``jk``. What float32 or four decimals make of a right angle is one.
    """
    axes = np.asarray(matrix, float)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    cosines = {f"{'ijk'[a]}{'ijk'[b]}": float(axes[:, a] @ axes[:, b]) for a, b in _AXIS_PAIRS}
    return {
        name: math.degrees(math.acos(max(-1.0, min(1.0, cosine))))
        for name, cosine in cosines.items()
        if abs(cosine) > _TOLERANCE
    }


def quaternion_matrix(quaternion: Quaternion, position: Point = (0.0, 0.0, 0.0)) -> np.ndarray:
    """Return the matrix, float64 of shape (4, 4), that turns by ``quaternion``, then moves.

    The quaternion need not have the length 1. Raises ``GeometryError`` if its length is 0 or
    not finite, so that it stands for no rotation.
    """
    length = math.hypot(*quaternion)
    if not 0 < length < math.inf:
        raise GeometryError(f"the quaternion {quaternion} of length {length} is not a rotation")
    x, y, z, w = (number / length for number in quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), position[0]],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), position[1]],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), position[2]],
            _LAST_ROW,
        ],
        float,
    )


def position_and_quaternion(matrix: ArrayLike) -> tuple[Point, Quaternion]:
    """Return what ``quaternion_matrix`` makes ``matrix`` of, with w ≥ 0.

    Raises ``EncodeError`` if the matrix does more than turn and move (it scales, shears or
    mirrors), which a quaternion cannot say.
    """
    array = checked_matrix(matrix)
    turn = array[:3, :3]
    is_orthonormal = np.allclose(turn.T @ turn, np.eye(3), rtol=0, atol=_TOLERANCE)
    if not is_orthonormal or np.linalg.det(turn) < 0:
        raise EncodeError(
            f"the matrix {array.tolist()} does more than turn and move, which no quaternion can say"
        )
    return tuple(array[:3, 3].tolist()), tuple(_quaternion(turn).tolist())


def _quaternion(turn: np.ndarray) -> np.ndarray:
    # The products of a unit quaternion's numbers, times four, are sums of the rotation's numbers.
    # Each row of them is the quaternion times four times one of its numbers: take the longest.
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = turn
    products = np.array(
        [
            [1 + xx - yy - zz, yx + xy, zx + xz, zy - yz],
            [yx + xy, 1 - xx + yy - zz, zy + yz, xz - zx],
            [zx + xz, zy + yz, 1 - xx - yy + zz, yx - xy],
            [zy - yz, xz - zx, yx - xy, 1 + xx + yy + zz],
        ]
    )
    longest = products[np.argmax(np.diag(products))]
    return longest / np.copysign(np.linalg.norm(longest), longest[3])
