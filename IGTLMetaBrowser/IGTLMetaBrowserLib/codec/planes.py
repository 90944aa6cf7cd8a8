"""Slices of voxels as a viewer shows them: which axes they have, turned how, in which gray.

As Slicer's slice views have them, for who looks from the feet (axial), from the patient's left
(sagittal) or from the front (coronal): the patient's right is on the left, the nose to the left,
anterior and superior are up (``vtkMRMLSliceNode``'s orientation presets).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from itertools import permutations

import numpy as np

_R, _A, _S = range(3)
# Values of a slice that are looked at when it is made smaller: 10 to 20 ms, as each may be in
# memory of its own. All those of a slide of 20,000 × 4,000 pixels would take 150.
_MOST_LOOKED_AT = 1 << 20


class Direction(Enum):
    """Across which axis of the patient slices are."""

    AXIAL = "axial"
    SAGITTAL = "sagittal"
    CORONAL = "coronal"


# What goes to the right, down, and from slice to slice: an axis of RAS, and whether along it.
_SCREEN = {
    Direction.AXIAL: ((_R, False), (_A, False), (_S, True)),
    Direction.SAGITTAL: ((_A, False), (_S, False), (_R, False)),
    Direction.CORONAL: ((_R, False), (_S, False), (_A, True)),
}


@dataclass(frozen=True)
class PlaneAxes:
    """How the slices of an array of shape (k, j, i) or (k, j, i, components) lie.

    ``columns``, ``rows`` and ``across`` are axes of the array; each ``is_…_reversed`` if it goes
    the other way. ``pixel_size`` is width and height of a pixel in mm.
    """

    columns: int
    rows: int
    across: int
    is_columns_reversed: bool
    is_rows_reversed: bool
    is_across_reversed: bool
    pixel_size: tuple[float, float]

    @classmethod
    def of(cls, ijk_to_ras: np.ndarray, direction: Direction) -> PlaneAxes:
        """Return those of the slices that are closest to a direction.

        ``ijk_to_ras`` (4, 4) maps the index (i, j, k, 1) of a voxel to RAS mm; it is invertible.
        """
        axes = np.asarray(ijk_to_ras, float)[:3, :3]
        spacing = np.linalg.norm(axes, axis=0)
        cosines = axes / spacing
        # The axis i, j or k that is closest to R, A and S, each of them once.
        closest = max(
            permutations(range(3)),
            key=lambda order: sum(abs(cosines[ras, ijk]) for ras, ijk in enumerate(order)),
        )
        columns, rows, across = (
            (2 - closest[ras], bool((cosines[ras, closest[ras]] > 0) != is_along))
            for ras, is_along in _SCREEN[direction]
        )
        pixel_size = float(spacing[2 - columns[0]]), float(spacing[2 - rows[0]])
        return cls(columns[0], rows[0], across[0], columns[1], rows[1], across[1], pixel_size)

    def plane(self, voxels: np.ndarray, number: int) -> np.ndarray:
        """Return a slice, a view of shape (rows, columns) or (rows, columns, components).

        They are counted as one scrolls, from 0; from inferior, right or posterior on.
        """
        count = voxels.shape[self.across]
        place = count - 1 - number if self.is_across_reversed else number
        plane = np.moveaxis(voxels, (self.across, self.rows, self.columns), (0, 1, 2))[place]
        return plane[
            :: -1 if self.is_rows_reversed else 1, :: -1 if self.is_columns_reversed else 1
        ]


def shrunk(plane: np.ndarray, most: int) -> tuple[np.ndarray, tuple[int, int]]:
    """Return a slice with at most so many pixels a side, the means of blocks of its pixels.

    Of very large blocks, of some of their pixels, in even steps.
    Its shape is (rows, columns) or (rows, columns, components). The second value is how many
    columns and how many rows such a block has.
    """
    rows, columns = plane.shape[:2]
    down, right = -(-rows // most), -(-columns // most)
    if down == right == 1:
        return plane, (1, 1)
    rows, columns = rows // down * down, columns // right * right
    blocks = plane[:rows, :columns].reshape(
        rows // down, down, columns // right, right, *plane.shape[2:]
    )
    step = max(1, math.isqrt(plane.size // _MOST_LOOKED_AT))
    blocks = blocks[:, :: min(step, down), :, :: min(step, right)]
    mean = blocks.mean(axis=(1, 3), dtype=np.float32)
    return (mean if plane.dtype.kind == "f" else np.rint(mean)), (right, down)


def as_gray(
    plane: np.ndarray, window: float, level: float, is_inverted: bool = False
) -> np.ndarray:
    """Return a slice in 256 grays, uint8: black up to ``level`` - ``window`` / 2.

    ``is_inverted``: white there, as PET is read. What is not a number is black.
    """
    lowest = level - window / 2
    gray = (plane.astype(np.float32) - np.float32(lowest)) * np.float32(255 / max(window, 1e-6))
    gray = np.nan_to_num(gray, nan=0.0, posinf=255.0, neginf=0.0)
    shades = np.clip(gray, 0, 255).astype(np.uint8)
    return 255 - shades if is_inverted else shades


def as_colors(plane: np.ndarray) -> np.ndarray:
    """Return a slice of RGB or RGBA colors in uint8, or of other components the first in gray.

    Shape (rows, columns, 3) or (rows, columns).
    """
    if plane.dtype == np.uint8 and plane.shape[2] in (3, 4):
        return plane[:, :, :3]
    return plane[:, :, 0]
