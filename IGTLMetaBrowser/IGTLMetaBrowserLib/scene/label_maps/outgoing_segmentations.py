"""Segmentations as label maps for messages: the way out of the scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ..errors import SceneError
from ..images.outgoing_volumes import from_first_voxel

SEGMENTATION_CLASS = "vtkMRMLSegmentationNode"
BINARY = "Binary labelmap"  # vtkSegmentationConverter's name of the representation
_REFERENCE_ROLE = "referenceImageGeometryRef"  # of vtkMRMLSegmentationNode
MOST_SEGMENTS = 255  # labels that LBMETA can name


@dataclass(frozen=True)
class MergedLabels:
    """A segmentation as one label map: segment ``n`` (from 0) has the label ``n`` + 1.

    ``pixels`` have the shape (k, j, i), ``ijk_to_ras`` is float64 of shape (4, 4), to RAS mm in the
    world; ``segments`` are name and RGBA (0 to 255) of each. Where segments overlap, the last wins.
    """

    pixels: np.ndarray
    ijk_to_ras: np.ndarray
    segments: list[tuple[str, tuple[int, int, int, int]]]


def merged_labels(node: Any) -> MergedLabels:
    """Return a segmentation's voxels. Raises ``SceneError`` if it has none that can be sent."""
    segmentation = node.GetSegmentation()
    count = segmentation.GetNumberOfSegments()
    if not count or not segmentation.ContainsRepresentation(BINARY):
        raise SceneError(f"{node.GetName()!r} has no segments with voxels (binary labelmap)")
    if count > MOST_SEGMENTS:
        raise SceneError(f"{node.GetName()!r} has more than {MOST_SEGMENTS} segments")
    image = slicer.vtkOrientedImageData()
    node.GenerateMergedLabelmapForAllSegments(
        image, slicer.vtkSegmentation.EXTENT_UNION_OF_SEGMENTS
    )
    scalars = image.GetPointData().GetScalars()
    if scalars is None or not scalars.GetNumberOfTuples():
        raise SceneError(f"{node.GetName()!r} is empty")
    i, j, k = image.GetDimensions()
    pixels = vtk_to_numpy(scalars).reshape(k, j, i).astype(np.uint8)
    return MergedLabels(pixels, _to_world(node, image), _segments(node))


def segmentation_version(node: Any) -> tuple[int, ...]:
    """Return what changes with the segments, their voxels, and the transform they stand under."""
    segmentation, transform = node.GetSegmentation(), node.GetParentTransformNode()
    times = [0 if transform is None else transform.GetTransformToWorldMTime()]
    times.append(segmentation.GetMTime())
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        voxels = segment.GetRepresentation(BINARY)
        times += [segment.GetMTime(), 0 if voxels is None else voxels.GetMTime()]
    return tuple(times)


def reference_volume(node: Any) -> Any:
    """Return the volume that a segmentation was drawn in, or None."""
    return node.GetNodeReference(_REFERENCE_ROLE)


def _to_world(node: Any, image: Any) -> np.ndarray:
    matrix = vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    transform = node.GetParentTransformNode()
    if transform is not None:
        to_world = vtkMatrix4x4()
        if not transform.GetMatrixTransformToWorld(to_world):
            raise SceneError(f"{node.GetName()!r} is under a transform that bends it; harden it")
        vtkMatrix4x4.Multiply4x4(to_world, matrix, matrix)
    return from_first_voxel(image, matrix)


def _segments(node: Any) -> list[tuple[str, tuple[int, int, int, int]]]:
    segmentation = node.GetSegmentation()
    found = []
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        red, green, blue = (round(255 * part) for part in segment.GetColor())
        found.append((segment.GetName() or "", (red, green, blue, 255)))
    return found
