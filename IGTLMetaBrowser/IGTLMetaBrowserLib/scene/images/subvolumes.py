"""Images of which only a part came: into the voxels of the volume that is there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import vtk_to_numpy

from ...codec import DEFAULT_MAX_BODY_SIZE, ImageMessage
from ...codec.pieces import pieces
from ..errors import SceneError

MOST_AT_ONCE = 32 << 20
"""Bytes of a sub-volume that is put into its image at once, which takes 25 ms."""
# That is copied before somebody looks at the clock: 1 ms, 3 of new memory.
_PIECE = 1 << 20


class WholeInTurns:
    """The whole image of a large sub-volume, made in turns: around it are the voxels of ``node``.

    They are copied: nobody sees an image of which a half is new. Without a node, or one with voxels
    of another whole image, they are zero. Raises ``SceneError`` as ``new_whole`` does.
    """

    def __init__(self, image: ImageMessage, node: Any) -> None:
        self._image = image
        self._node = node if _rest(node, image) is not None else None
        self._version = _version(self._node)
        self.pixels = new_whole(image)

    def make(self) -> Iterator[None]:
        """Copy the voxels, with a pause after each piece; in vain if those around it change."""
        image, whole = self._image, self.pixels
        for piece in pieces(whole, _PIECE) if self._node is not None else ():
            # Not kept: other voxels may lie in other memory.
            rest = _rest(self._node, image)
            if rest is None or not self.is_of(image, self._node):
                return
            whole[piece] = rest[piece]
            yield
        part = part_of(whole, image)
        for piece in pieces(part, _PIECE):
            part[piece] = image.pixels[piece]
            yield

    def is_of(self, image: ImageMessage, node: Any) -> bool:
        """Whether it was made of this sub-volume, and of the voxels that ``node`` has now."""
        version = None if _rest(node, image) is None else _version(node)
        return image is self._image and version == self._version


def write_part(node: Any, image: ImageMessage) -> bool:
    """Write the voxels of a sub-volume into ``node``.

    Returns False, with nothing written, if there is no node, its voxels are not those of the same
    whole image (another size, scalar type or number of components), or that would take long.
    """
    voxels = _rest(node, image)
    if voxels is None or image.pixels.nbytes > MOST_AT_ONCE:
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


def whole_pixels(image: ImageMessage, node: Any, prepared: WholeInTurns | None) -> np.ndarray:
    """Return the whole image as an array: a small part with zeros around it, or as ``prepared``.

    Raises ``SceneError`` as ``new_whole`` does, and if a large one is not that of the voxels which
    ``node`` has now.
    """
    if prepared is not None and prepared.is_of(image, node):
        return prepared.pixels
    pixels = new_whole(image)
    if image.pixels.nbytes > MOST_AT_ONCE:
        raise SceneError(
            f"a part of an image came that has {image.pixels.nbytes} bytes; while it was put "
            "together with the voxels around it, these have changed or are no longer there; load "
            "the image again"
        )
    part_of(pixels, image)[...] = image.pixels
    return pixels


def new_whole(image: ImageMessage) -> np.ndarray:
    """Return zeros of the whole image's size, in this computer's byte order.

    Raises ``SceneError`` if it would need more memory than there is, or than a whole image that is
    received: a part of one voxel may claim to belong to 65535³ of them.
    """
    size = math.prod(_whole_shape(image)) * image.pixels.itemsize
    if size > DEFAULT_MAX_BODY_SIZE:
        raise SceneError(
            f"a part of an image of {image.whole_size} voxels came, which would need {size} bytes; "
            f"the limit is {DEFAULT_MAX_BODY_SIZE}"
        )
    try:
        return np.zeros(_whole_shape(image), image.pixels.dtype.newbyteorder("="))
    except MemoryError:
        raise SceneError(
            f"no memory for the {size} bytes of an image of which a part came"
        ) from None


def _whole_shape(image: ImageMessage) -> tuple[int, ...]:
    """Return (k, j, i), or (k, j, i, components), of the whole image."""
    i, j, k = image.whole_size
    return k, j, i, *image.pixels.shape[3:]


def _place(image: ImageMessage) -> tuple[slice, ...]:
    """Return where the part lies in the whole, as indices of k, j, i."""
    first_and_count = zip(image.offset, image.subvolume_size, strict=True)
    return tuple(slice(first, first + count) for first, count in first_and_count)[::-1]


def _rest(node: Any, image: ImageMessage) -> np.ndarray | None:
    """Return the voxels around a sub-volume: the node's own memory, if it is of the same whole."""
    scalars = _scalars(node)
    if scalars is None:
        return None
    values = vtk_to_numpy(scalars)
    i, j, k = node.GetImageData().GetDimensions()
    voxels = values.reshape(k, j, i, *values.shape[1:])
    return voxels if is_of_same_whole(voxels, image) else None


def _version(node: Any) -> tuple[Any, int] | None:
    """Return what is another one once the node has got other voxels."""
    scalars = _scalars(node)
    return None if scalars is None else (scalars, scalars.GetMTime())


def _scalars(node: Any) -> Any:
    data = None if node is None else node.GetImageData()
    return None if data is None else data.GetPointData().GetScalars()
