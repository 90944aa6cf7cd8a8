"""Volume nodes as stacks of slices, in the window in which the user sees them."""

from __future__ import annotations

from typing import Any

from ...codec import GeometryError
from ...codec.slice_stack import SliceStack
from ...codec.window_level import window_level
from ..errors import SceneError
from .modality_colors import INVERTED_GRAY_ID
from .outgoing_volumes import image_message


def slices_of_node(volume: Any) -> SliceStack:
    """Return the slices of a volume, over its own memory.

    Raises ``SceneError`` if it has no voxels or no usable geometry, or is a label map, whose
    numbers are no brightness.
    """
    if volume.IsA("vtkMRMLLabelMapVolumeNode"):
        raise SceneError(f"{volume.GetName()!r} is a label map: its voxels are not gray values")
    image = image_message(volume)
    try:
        ijk_to_ras = image.usable_ijk_to_ras()
    except GeometryError as error:
        raise SceneError(str(error)) from None
    display = volume.GetDisplayNode()
    if display is None or image.components > 1:
        return SliceStack(image.pixels, ijk_to_ras, *window_level(image.pixels))
    is_inverted = display.GetColorNodeID() == INVERTED_GRAY_ID
    window, level = display.GetWindow(), display.GetLevel()
    return SliceStack(image.pixels, ijk_to_ras, window, level, is_inverted)
