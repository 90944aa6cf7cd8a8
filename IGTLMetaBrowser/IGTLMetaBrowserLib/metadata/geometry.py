"""What follows from the matrix of an image: spacing, orientation and their names.

Matrices map the index (i, j, k, 1) of a voxel to the position of its center in mm, float64 of
shape (4, 4), in RAS. Directions and positions of DICOM are in LPS.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..codec.geometry import flip_matrix_lps_ras
from .image_modules import ImagePlane

# Where the three axes of LPS lead, and where they come from.
_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
_PLANES = ("sagittal", "coronal", "axial")
_MOST_OBLIQUE = np.cos(np.radians(18))


def image_plane(ijk_to_ras: np.ndarray, slices: int) -> ImagePlane:
    """Return where the first of ``slices`` slices lies, each k of the matrix being one.

    The matrix must have three axes that span space. A row runs along i, a column along j.
    """
    matrix = flip_matrix_lps_ras(ijk_to_ras)
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    directions = matrix[:3, :2] / lengths[:2]
    return ImagePlane(
        PixelSpacing=(float(lengths[1]), float(lengths[0])),
        ImageOrientationPatient=tuple(directions.T.ravel().tolist()),
        ImagePositionPatient=tuple(matrix[:3, 3].tolist()),
        SpacingBetweenSlices=float(lengths[2]) if slices > 1 else None,
    )


def axes_of_plane(orientation: Sequence[float]) -> np.ndarray:
    """Return the axes that an ImageOrientationPatient means, (3, 3), one a column, in LPS.

    The third is the normal, along which DICOM orders slices. Raises ``ValueError`` if the two
    directions span no plane.
    """
    row, column = np.reshape(orientation, (2, 3))
    normal = np.cross(row, column)
    axes = np.column_stack([row, column, normal])
    lengths = np.linalg.norm(axes, axis=0)
    if not lengths.all():
        raise ValueError(f"the directions {tuple(orientation)} span no plane")
    return axes / lengths


def axes_of_matrix(ijk_to_ras: np.ndarray) -> np.ndarray:
    """Return the directions of i, j and k, (3, 3), one a column, in LPS."""
    axes = flip_matrix_lps_ras(ijk_to_ras)[:3, :3]
    return axes / np.linalg.norm(axes, axis=0)


def orientation_letters(axes: np.ndarray) -> str:
    """Return where each axis (a column, in LPS) leads: the nearest of L, R, P, A, S, I."""
    nearest = np.abs(axes).argmax(axis=0)
    return "".join(
        _LETTERS[axis][int(axes[axis, column] < 0)] for column, axis in enumerate(nearest)
    )


def slice_plane(axes: np.ndarray) -> str:
    """Return what slices along the third axis are called: axial, coronal, sagittal or oblique."""
    normal = np.cross(axes[:, 0], axes[:, 1])
    cosines = np.abs(normal / np.linalg.norm(normal))
    nearest = int(cosines.argmax())
    return _PLANES[nearest] if cosines[nearest] >= _MOST_OBLIQUE else "oblique"
