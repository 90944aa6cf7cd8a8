"""Which voxels of an image lie in a region of interest (vtkMRMLMarkupsROINode)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import slicer

from ..errors import SceneError


def roi_corners(roi: Any) -> np.ndarray:
    """Return the corners of a ROI node in the world, RAS mm, of shape (8, 3).

    Raises ``SceneError`` if the ROI has no size yet, or is under a transform that bends it.
    """
    transform = roi.GetParentTransformNode()
    if transform is not None and not transform.IsTransformToWorldLinear():
        raise SceneError(
            f"{roi.GetName()!r} is under the transform {transform.GetName()!r}, which bends it; "
            "take it out of the transform"
        )
    size = np.array(roi.GetSize())
    if roi.GetNumberOfControlPoints() == 0 or not size.all():
        raise SceneError(f"{roi.GetName()!r} has no size; place it in the views first")
    to_world = slicer.util.arrayFromVTKMatrix(roi.GetObjectToWorldMatrix())
    signs = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
    return signs * size @ to_world[:3, :3].T + to_world[:3, 3]


def voxels_around(
    corners: np.ndarray, ijk_to_ras: np.ndarray, image_size: tuple[int, int, int]
) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Return first voxel and number of voxels along i, j, k of the box around all corners.

    ``corners`` are of shape (n, 3), RAS mm; ``ijk_to_ras`` of shape (4, 4) leads to the centers of
    the image's voxels. A voxel belongs to the box if any of it does. Raises ``SceneError`` if the
    image has none there.
    """
    to_ijk = np.linalg.inv(ijk_to_ras)
    indices = corners @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    # A voxel reaches from half a voxel before its center to half a voxel after it; positions that
    # were computed back and forth miss the edge between two by less than this.
    tolerance = 1e-4
    first = np.floor(indices.min(axis=0) + 0.5 + tolerance)
    end = np.ceil(indices.max(axis=0) + 0.5 - tolerance)
    first, end = np.maximum(first, 0), np.minimum(end, image_size)
    if not np.isfinite(indices).all() or (end <= first).any():
        raise SceneError("the image has no voxels in the region; move the region into the image")
    start, size = first.astype(int).tolist(), (end - first).astype(int).tolist()
    return (start[0], start[1], start[2]), (size[0], size[1], size[2])
