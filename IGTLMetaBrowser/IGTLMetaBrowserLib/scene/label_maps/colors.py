"""Color tables (COLORT) as color nodes, and their use by volumes.

Entry n is the color of the value n. So the volume's values go into the table as they are, without
window and level, which would squeeze 65536 colors into 256.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkLookupTable

from ...codec import ColorTableMessage
from ..errors import SceneError
from ..nodes.new_nodes import new_node
from ..nodes.node_names import savable_color_name

_GRAY_ID = "vtkMRMLColorTableNodeGrey"
_TABLE_ROLE = "IGTLMetaBrowser.ColorTable"
_DEFAULT_RANGE_FLAG_ATTRIBUTE = "IGTLMetaBrowser.ScalarRangeFlag"
_DEFAULT_COLOR_ATTRIBUTE = "IGTLMetaBrowser.ColorNodeID"


def color_volume(scene: Any, volume: Any, message: ColorTableMessage) -> Any:
    """Show a scalar volume in the colors of a COLORT message; return its color node.

    A table that comes again comes into the same node. Raises ``SceneError`` if the volume has
    several components, or no display.
    """
    _check(volume)
    known = volume.GetNodeReference(_TABLE_ROLE)
    # Not named after the volume: its name may be a patient's, who is hidden later.
    node = show_color_table(scene, message, scene.GenerateUniqueName("Colors of an image"), known)
    volume.SetNodeReferenceID(_TABLE_ROLE, node.GetID())
    use_color_table(volume, node)
    return node


def show_color_table(scene: Any, message: ColorTableMessage, name: str, node: Any) -> Any:
    """Return the vtkMRMLColorTableNode of a COLORT message.

    ``node`` is the one that showed it before: it gets the new colors.
    """
    if node is None:
        node = new_node(scene, "vtkMRMLColorTableNode", name)
        node.SetAttribute("Category", "IGTLMetaBrowser")
    set_rgba_table(node, rgba_table(message.colors))
    return node


def set_rgba_table(node: Any, rgba: np.ndarray, names: Mapping[int, str] | None = None) -> None:
    """Give a color node the colors ``rgba``, uint8 of shape (entries, 4), and some a name."""
    # SetColor, an entry at a time, takes 80 ms for 65536 of them.
    lookup_table = vtkLookupTable()
    lookup_table.SetNumberOfTableValues(len(rgba))
    lookup_table.SetTable(numpy_to_vtk(rgba, deep=True))
    lookup_table.SetTableRange(0, len(rgba) - 1)
    modified = node.StartModify()
    node.SetTypeToUser()
    node.SetAndObserveLookupTable(lookup_table)
    for entry, name in (names or {}).items():
        node.SetColorName(entry, savable_color_name(name))
    node.EndModify(modified)


def use_color_table(volume: Any, color_table: Any) -> None:
    """Show a scalar volume in the colors of a table, each value in the color of its entry.

    Raises ``SceneError`` if the volume has several components, or no display.
    """
    _check(volume)
    display = volume.GetDisplayNode()
    modified = display.StartModify()
    if display.GetAttribute(_DEFAULT_COLOR_ATTRIBUTE) is None:
        display.SetAttribute(_DEFAULT_COLOR_ATTRIBUTE, display.GetColorNodeID() or _GRAY_ID)
        display.SetAttribute(_DEFAULT_RANGE_FLAG_ATTRIBUTE, str(display.GetScalarRangeFlag()))
    display.SetScalarRangeFlag(display.UseDirectMapping)
    display.SetAndObserveColorNodeID(color_table.GetID())
    _reconnect(volume)
    display.EndModify(modified)


def stop_using_color_table(volume: Any) -> None:
    """Show a volume as before ``use_color_table``, by window and level."""
    display = volume.GetDisplayNode()
    color_id = None if display is None else display.GetAttribute(_DEFAULT_COLOR_ATTRIBUTE)
    if color_id is None:
        return
    modified = display.StartModify()
    display.SetScalarRangeFlag(int(display.GetAttribute(_DEFAULT_RANGE_FLAG_ATTRIBUTE)))
    display.SetAndObserveColorNodeID(color_id)
    display.SetAttribute(_DEFAULT_COLOR_ATTRIBUTE, None)
    display.SetAttribute(_DEFAULT_RANGE_FLAG_ATTRIBUTE, None)
    _reconnect(volume)
    display.EndModify(modified)


def _check(volume: Any) -> None:
    if volume.GetDisplayNode() is None or volume.GetClassName() != "vtkMRMLScalarVolumeNode":
        raise SceneError(
            f"{volume.GetName()!r} cannot be shown in the colors of a table: that needs a volume "
            "with one value a voxel"
        )


def _reconnect(volume: Any) -> None:
    # A display node looks at its scalar range flag only while it gets its input.
    volume.GetDisplayNode().SetInputImageDataConnection(None)
    volume.GetDisplayNode().SetInputImageDataConnection(volume.GetImageDataConnection())


def rgba_table(colors: np.ndarray) -> np.ndarray:
    """Return colors of shape (entries, 1 or 3), uint8 or uint16, as uint8 RGBA (entries, 4).

    One component is a gray value; 16 bits are shortened to the 8 that are shown.
    """
    if colors.dtype.itemsize == 2:
        colors = colors >> 8
    rgba = np.full((len(colors), 4), 255, np.uint8)
    rgba[:, :3] = colors
    return rgba
