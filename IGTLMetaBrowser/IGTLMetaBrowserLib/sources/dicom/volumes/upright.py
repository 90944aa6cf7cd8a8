"""Tilted stacks resampled to upright volumes, for programs that cannot show a sheared matrix.

Each slice is moved within its plane, by linear interpolation, to where the slices' normal has it.
What no slice covers has the lowest value of the volume, which is air in a CT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .stacks import Stack

# Less at the far end of the stack, in pixels, is not worth the blur.
_LEAST_SHIFT = 0.1


@dataclass(frozen=True, eq=False)
class Upright:
    """The grid of the resampled volume.

    ``shifts`` (slices, 2) are by how many pixels of it each slice is moved, along j and along i.
    """

    size: tuple[int, int, int]
    ijk_to_ras: np.ndarray
    shifts: np.ndarray


def upright_grid(stack: Stack) -> Upright | None:
    """Return the upright grid that has room for all slices of a stack; None if it is upright."""
    axes, origin = stack.ijk_to_ras[:3, :3], stack.ijk_to_ras[:3, 3]
    lengths = np.linalg.norm(axes[:, :2], axis=0)
    along = axes[:, 2] @ (axes[:, :2] / lengths**2)  # pixels along i and j from slice to slice
    columns, rows, count = stack.size
    shifts = np.outer(np.arange(count), along)
    if count < 2 or np.abs(shifts[-1]).max() < _LEAST_SHIFT:
        return None
    start, end = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    matrix = stack.ijk_to_ras.copy()
    normal = np.cross(axes[:, 0], axes[:, 1])
    normal /= np.linalg.norm(normal)
    matrix[:3, 2] = normal * (axes[:, 2] @ normal)
    matrix[:3, 3] = origin + axes[:, :2] @ start
    extra = (end - start).astype(int)
    size = (columns + int(extra[0]), rows + int(extra[1]), count)
    return Upright(size, matrix, (shifts - start)[:, ::-1])


def resample(volume: np.ndarray, grid: Upright) -> np.ndarray:
    """Return a stack's pixels, shape (k, j, i), on an upright grid, in the same type."""
    columns, rows, count = grid.size
    lowest = volume.min()
    upright = np.full((count, rows, columns), lowest, volume.dtype)
    for k, (along_j, along_i) in enumerate(grid.shifts):
        picture = _shifted(volume[k].astype(np.float32), along_j, rows, lowest)
        picture = _shifted(picture.T, along_i, columns, lowest).T
        upright[k] = picture if volume.dtype.kind == "f" else np.rint(picture)
    return upright


def _shifted(picture: np.ndarray, shift: float, length: int, outside: float) -> np.ndarray:
    """Return a picture moved along its first axis, of that length then."""
    whole = int(np.floor(shift))
    part = shift - whole
    padded = np.pad(picture, ((1, 1), (0, 0)), constant_values=outside)
    mixed = (1 - part) * padded[1:] + part * padded[:-1]
    moved = np.full((length, picture.shape[1]), outside, np.float32)
    moved[whole : whole + len(mixed)] = mixed[: length - whole]
    return moved
