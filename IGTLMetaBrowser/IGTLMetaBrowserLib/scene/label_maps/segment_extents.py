"""Which segments have voxels beside an image, that are lost when they are brought onto its grid."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from .outgoing_segmentations import BINARY

# How far the center of a voxel may be beside the outermost ones: half of a voxel is theirs.
_BESIDE = 0.51


def names_beside(node: Any, image: Any) -> list[str]:
    """Return the names of the segments that have voxels outside of an image's.

    None if a transform between them bends: then it is not known.
    """
    ras_to_ijk = _ras_to_ijk(node, image)
    if ras_to_ijk is None:
        return []
    segmentation = node.GetSegmentation()
    segments = map(segmentation.GetNthSegment, range(segmentation.GetNumberOfSegments()))
    size = np.array(image.GetImageData().GetDimensions())
    return [one.GetName() or "" for one in segments if _is_beside(one, ras_to_ijk, size)]


def _ras_to_ijk(node: Any, image: Any) -> np.ndarray | None:
    """Return the matrix from RAS mm of a segmentation to voxels of an image."""
    between, to_ijk = vtkMatrix4x4(), vtkMatrix4x4()
    is_linear = slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(
        node.GetParentTransformNode(), image.GetParentTransformNode(), between
    )
    image.GetRASToIJKMatrix(to_ijk)
    vtkMatrix4x4.Multiply4x4(to_ijk, between, to_ijk)
    return slicer.util.arrayFromVTKMatrix(to_ijk) if is_linear else None


def _is_beside(segment: Any, ras_to_ijk: np.ndarray, size: np.ndarray) -> bool:
    voxels = segment.GetRepresentation(BINARY)
    if voxels is None or voxels.IsEmpty():
        return False
    to_ras, extent = vtkMatrix4x4(), voxels.GetExtent()
    voxels.GetImageToWorldMatrix(to_ras)
    matrix = ras_to_ijk @ slicer.util.arrayFromVTKMatrix(to_ras)
    scalars = vtk_to_numpy(voxels.GetPointData().GetScalars())
    i, j, k = voxels.GetDimensions()
    mask = scalars.reshape(k, j, i) == segment.GetLabelValue()
    ranges = [_first_and_last(mask, axis) for axis in (2, 1, 0)]
    if not all(ranges):
        return False
    first = np.array(extent[::2])
    if not _are_beside(np.array([*product(*ranges)]) + first, matrix, size):
        return False
    # The corners of its box are; whether it is itself, its voxels say.
    return any(
        _are_beside(np.column_stack([np.argwhere(plane)[:, ::-1], at]) + first, matrix, size)
        for number, plane in enumerate(mask)
        if (at := np.full(np.count_nonzero(plane), number)).size
    )


def _first_and_last(mask: np.ndarray, axis: int) -> tuple[int, int] | tuple[()]:
    found = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
    return (int(found[0]), int(found[-1])) if len(found) else ()


def _are_beside(indices: np.ndarray, matrix: np.ndarray, size: np.ndarray) -> bool:
    found = indices @ matrix[:3, :3].T + matrix[:3, 3]
    return bool((found < -_BESIDE).any() or (found > size - 1 + _BESIDE).any())
