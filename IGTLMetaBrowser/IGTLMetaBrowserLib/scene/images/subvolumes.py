"""Images of which only a part came: into the voxels of the volume that is there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from ...codec import DEFAULT_MAX_BODY_SIZE, ImageMessage
from ..errors import SceneError

MOST_PART_BYTES = 32 << 20
"""Of a sub-volume that is put into its image, which takes 25 ms; a larger one would take longer."""


def write_part(node: Any, image: ImageMessage) -> bool:
    """Write the voxels of a sub-volume into ``node``.

    Returns False, with nothing written, if the node's voxels are not those of the same whole
    image: another size, scalar type or number of components. Raises ``SceneError`` for too much.
    """
    _check_size(image)
    voxels = _voxels(node)
    if voxels is None or not is_of_same_whole(voxels, image):
        return False
    part_of(voxels, image)[...] = image.pixels
    node.GetImageData().GetPointData().GetScalars().Modified()
    node.GetImageData().Modified()
    node.Modified()
    return True


def part_of(voxels: np.ndarray, image: ImageMessage) -> np.ndarray:
    """Return the part of a whole image's ``voxels`` that a sub-volume has, as a view."""
    return voxels[_place(image)]


def is_of_same_whole(voxels: np.ndarray, image: ImageMessage) -> bool:
    """Whether a sub-volume is part of an image of the size and type of these voxels."""
    native = image.pixels.dtype.newbyteorder("=")
    return voxels.shape == _whole_shape(image) and voxels.dtype == native


def whole_pixels(image: ImageMessage) -> np.ndarray:
    """Return the whole image as an array, zero outside of the part that came.

    Raises ``SceneError`` as ``new_whole`` does, and for too much.
    """
    _check_size(image)
    pixels = new_whole(image)
    part_of(pixels, image)[...] = image.pixels
    return pixels


def _check_size(image: ImageMessage) -> None:
    if image.pixels.nbytes > MOST_PART_BYTES:
        raise SceneError(
            f"a part of an image came that has {image.pixels.nbytes} bytes; the limit for a part "
            f"is {MOST_PART_BYTES}, while whole images may be larger"
        )


def new_whole(image: ImageMessage) -> np.ndarray:
    """Return zeros of the whole image's size, in this computer's byte order.

    Raises ``SceneError`` if it would need more memory than a whole image that is received: a
    part of one voxel may claim to belong to 65535³ of them.
    """
    size = math.prod(_whole_shape(image)) * image.pixels.itemsize
    if size > DEFAULT_MAX_BODY_SIZE:
        raise SceneError(
            f"a part of an image of {image.whole_size} voxels came, which would need {size} bytes; "
            f"the limit is {DEFAULT_MAX_BODY_SIZE}"
        )
    return np.zeros(_whole_shape(image), image.pixels.dtype.newbyteorder("="))


def _whole_shape(image: ImageMessage) -> tuple[int, ...]:
    """Return (k, j, i), or (k, j, i, components), of the whole image."""
    i, j, k = image.whole_size
    return k, j, i, *image.pixels.shape[3:]


def _place(image: ImageMessage) -> tuple[slice, ...]:
    """Return where the part lies in the whole, as indices of k, j, i."""
    first_and_count = zip(image.offset, image.subvolume_size, strict=True)
    return tuple(slice(first, first + count) for first, count in first_and_count)[::-1]


def _voxels(node: Any) -> np.ndarray | None:
    """Return the node's own memory in the shape of ``_whole_shape``, or None if it has none."""
    data = node.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    if scalars is None:
        return None
    values = vtk_to_numpy(scalars)
    i, j, k = data.GetDimensions()
    return values.reshape(k, j, i, *values.shape[1:])
