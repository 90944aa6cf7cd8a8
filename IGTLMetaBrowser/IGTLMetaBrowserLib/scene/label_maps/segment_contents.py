"""Whether a segmentation is still as it was made: what the user has edited is not replaced."""

from __future__ import annotations

import zlib
from typing import Any

import slicer
from vtkmodules.util.numpy_support import vtk_to_numpy

from .outgoing_segmentations import BINARY

_CONTENT_ATTRIBUTE = "IGTLMetaBrowser.Segments"


def mark_as_made(node: Any) -> None:
    """Remember of a segmentation what is in it now: in the node, as scenes are saved."""
    node.SetAttribute(_CONTENT_ATTRIBUTE, _content(node.GetSegmentation()))


def is_as_made(node: Any) -> bool:
    """Whether a segmentation has the segments of then, with their names, colors and voxels.

    Or none at all: the file of a saved one may be missing.
    """
    segmentation = node.GetSegmentation()
    is_empty = not segmentation.GetNumberOfSegments()
    return is_empty or node.GetAttribute(_CONTENT_ATTRIBUTE) == _content(segmentation)


def _content(segmentation: Any) -> str:
    """Return a checksum of what a user can edit. Where it lies in memory does not count."""
    checksum = 0
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        # Its file has six digits of each; the colors that come have 256 steps.
        color = tuple(round(255 * part) for part in segment.GetColor())
        described = (segment.GetName(), segment.GetLabelValue(), color)
        checksum = zlib.crc32(repr(described).encode("utf-8", "surrogateescape"), checksum)
    for layer in range(segmentation.GetNumberOfLayers(BINARY)):
        checksum = _add_voxels(segmentation.GetLayerDataObject(layer, BINARY), checksum)
    return f"{segmentation.GetNumberOfSegments()} {checksum}"


def _add_voxels(image: Any, checksum: int) -> int:
    extent = [0, -1, 0, -1, 0, -1]
    if not slicer.vtkOrientedImageDataResample.CalculateEffectiveExtent(image, extent):
        return checksum  # nothing but background
    i, j, k = image.GetDimensions()
    scalars = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(k, j, i)
    first = image.GetExtent()[::2]
    i, j, k = (
        slice(low - begin, high - begin + 1)
        for low, high, begin in zip(extent[::2], extent[1::2], first, strict=True)
    )
    checksum = zlib.crc32(repr(extent).encode(), checksum)
    for plane in scalars[k]:
        checksum = zlib.crc32(plane[j, i].tobytes(), checksum)
    return checksum
