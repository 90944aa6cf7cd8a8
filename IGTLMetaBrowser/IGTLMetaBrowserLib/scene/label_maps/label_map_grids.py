"""Whether the voxels of a label map are those of its image, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..images.moved_images import geometry_as_it_came

Grid = tuple[tuple[int, int, int], np.ndarray]
"""The number of voxels along i, j, k, and the matrix (4, 4) from them to RAS mm."""

# In voxels of the image; the numbers of the wire have 7 digits.
_SAME_VOXEL = 0.1


def grid_notes(labels: Grid, image: Any) -> tuple[str, ...]:
    """Return how a label map differs from the volume ``image`` of its image, both as they came.

    Nothing if it is not known where that came; nor of one that is a box of its image's voxels, as
    of a segmentation (SEG) that leaves out slices without structures.
    """
    came = None if image is None else geometry_as_it_came(image)
    if came is None:
        return ()
    notes = []
    offset = _offset(labels, came)
    is_inside = (offset >= 0).all() and (offset + labels[0] <= came[0]).all()
    if labels[0] != came[0] and not is_inside:
        notes.append(f"it has {_size_text(labels[0])} voxels, its image {_size_text(came[0])}")
    if not _has_same_voxels(labels, came, offset):
        notes.append("its voxels do not lie where those of its image do")
    return tuple(notes)


def _offset(labels: Grid, image: Grid) -> np.ndarray:
    """Return on which voxel of the image the first one of a label map lies."""
    if labels[0] == image[0]:
        return np.zeros(3)
    return np.rint((np.linalg.inv(image[1]) @ labels[1])[:3, 3])


def _has_same_voxels(labels: Grid, image: Grid, offset: np.ndarray) -> bool:
    """Whether each voxel of a label map lies on one of its image, or on one that would follow."""
    to_image = np.linalg.inv(image[1]) @ labels[1]
    to_image[:3, 3] -= offset
    last = np.array(labels[0]) - 1
    corners = np.array([(*place, 1) for place in np.ndindex(2, 2, 2)]) * [*last, 1]
    return bool(np.abs((to_image - np.eye(4)) @ corners.T).max() <= _SAME_VOXEL)


def _size_text(size: tuple[int, int, int]) -> str:
    return " × ".join(map(str, size))
