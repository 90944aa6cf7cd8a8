"""Images of which a part comes when they are loaded."""

from __future__ import annotations

from dataclasses import replace

from vtkmodules.util.numpy_support import vtk_to_numpy

from helpers.peers import make_image
from IGTLMetaBrowserLib import codec

HALVED = make_image(1, (20, 10, 2))


def lower_half(message: codec.ImageMessage) -> codec.ImageMessage:
    """Return the first slice of an image of two, with other voxels, as a sub-volume."""
    return replace(message, pixels=message.pixels[:1] + 1000, size=message.whole_size)


def volume_values(node) -> list[int]:
    return vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).tolist()
