"""Images as volume nodes.

The node's image data lies over the pixels of the message, without a copy. Display node, window
and level come first, because a volume that gets its image data without them reads all of its
pixels to find its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ...codec import Coordinates, GeometryError, ImageMessage
from ...codec.window_level import VoiWindow, window_level
from ...turns import at_once
from ..errors import SceneError
from ..nodes.new_nodes import add_display, add_node, create_node, require_in_scene
from ..nodes.node_names import name_to_show, savable_name, set_name
from ..nodes.nodes_by_class import nodes_of_class
from .calibrated_spacing import CALIBRATED_SPACING_ATTRIBUTE
from .modality_colors import color_node_id
from .savable_voxels import vtk_type
from .subvolumes import WholeInTurns, whole_pixels, write_part

# In mm: numbers of the wire have 7 digits.
_SAME_PLACE = 1e-3
_DISPLAY_OF_TWO = "vtkMRMLDiffusionWeightedVolumeDisplayNode"


def show_image(
    scene: Any,
    image: ImageMessage,
    name: str,
    modality: str = "",
    node: Any = None,
    coordinates: Coordinates | None = None,
    voi_window: VoiWindow | None = None,
    is_hidden: bool = False,
    keeps_rest: bool = True,
    prepared: WholeInTurns | None = None,
) -> Any:
    """Return the volume node that shows an image.

    ``node`` is the one that showed it before: it gets the new pixels and keeps the user's display,
    and the user's name if it ``keeps_rest``. A new one is shown by ``voi_window`` or as its
    ``modality`` is read; see ``window_level``. A vector image (several components) becomes a vector
    volume. A sub-volume goes into the voxels of ``node`` if it ``keeps_rest``, and shows the same
    image in the same place; else that is zero. A large one has to be ``prepared``. If it
    ``is_hidden``, a new node is not in selectors, nor saved. ``coordinates`` overrules the message.
    Raises ``SceneError``, with ``node`` as it was, without voxels or usable geometry.
    """
    ijk_to_ras = _usable_ijk_to_ras(image, coordinates)
    around = node if image.is_subvolume and keeps_rest and _is_at(node, ijk_to_ras) else None
    pixels = _new_pixels(image, around, prepared)
    shown = name_to_show(node, name) if keeps_rest else savable_name(name)
    if node is None or not _is_kind_of(node, image):
        remove_volume(scene, node)
        node = _new_node(scene, volume_class(image), shown, is_hidden)
    if node.GetDisplayNode() is None:  # or no more: the user has removed it
        _make_display(scene, node, image, modality, voi_window)
    set_vector_type(node, image)
    modified = node.StartModify()
    set_name(node, name, shown)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    if pixels is not None:
        _set_image_data(node, image_data(pixels))
    node.EndModify(modified)
    return node


def _usable_ijk_to_ras(image: ImageMessage, coordinates: Coordinates | None) -> np.ndarray:
    """Return where the voxels lie; raises ``SceneError`` if there are none, or nowhere."""
    if not image.pixels.size:
        raise SceneError(f"the image has no voxels: its size is {image.whole_size}")
    try:
        return image.usable_ijk_to_ras(coordinates)
    except GeometryError as error:
        raise SceneError(str(error)) from None


def _new_pixels(
    image: ImageMessage, around: Any, prepared: WholeInTurns | None
) -> np.ndarray | None:
    """Return those of the whole image; None of a part that was written into those of ``around``."""
    if not image.is_subvolume:
        return image.pixels
    return None if write_part(around, image) else whole_pixels(image, around, prepared)


def show_next(node: Any, image: ImageMessage, coordinates: Coordinates | None) -> bool:
    """Give a volume the voxels and the matrix of the next image of a stream, and draw nothing.

    With the same matrix the node invokes ``ImageDataModifiedEvent`` only. For ``ModifiedEvent``
    Slicer sets up its slice views, their sliders and their annotations anew; who calls this draws
    the views, and calls ``node.Modified()`` when that is due. Returns False, with nothing shown,
    where the image does not have the volume's size and type, or no usable geometry.
    """
    before = node.GetImageData()
    if before is None or image.is_subvolume or node.GetClassName() != volume_class(image):
        return False
    data = image_data(image.pixels)
    if _layout(before) != _layout(data):
        return False
    try:
        ijk_to_ras = image.usable_ijk_to_ras(coordinates)
    except GeometryError:
        return False  # show_image says why
    modified = node.StartModify()
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
    _replace_scalars(before, data)
    node.EndModify(modified)
    return True


def volume_around(node: Any, image: ImageMessage, coordinates: Coordinates | None) -> Any:
    """Return ``node`` if a sub-volume comes into its voxels, as far as the place says; or None."""
    try:
        return node if _is_at(node, image.usable_ijk_to_ras(coordinates)) else None
    except GeometryError:
        return None  # show_image says why


def _is_at(node: Any, ijk_to_ras: np.ndarray) -> bool:
    """Whether a volume, if it is one, lies there; a calibrated one has its first voxel there."""
    if node is None:
        return False
    before = vtkMatrix4x4()
    node.GetIJKToRASMatrix(before)
    columns = (3,) if node.GetAttribute(CALIBRATED_SPACING_ATTRIBUTE) else range(4)
    return all(
        abs(before.GetElement(row, column) - ijk_to_ras[row, column]) <= _SAME_PLACE
        for row in range(3)
        for column in columns
    )


def image_data(pixels: np.ndarray) -> vtkImageData:
    """Return image data over an array of shape (k, j, i) or (k, j, i, components).

    The array is copied only if it cannot be written to, is in foreign byte order or not
    contiguous: who edits the volume in Slicer writes into it. It stays alive as long as the image
    data. Origin and spacing are those of voxel indices: the volume node has the geometry.
    """
    k, j, i = pixels.shape[:3]
    # numpy_to_vtk takes big-endian numbers for native ones, without an error.
    pixels = np.require(pixels, pixels.dtype.newbyteorder("="), "CW")
    voxels = pixels.reshape(-1) if pixels.ndim == 3 else pixels.reshape(-1, pixels.shape[3])
    scalars = numpy_to_vtk(voxels, deep=False, array_type=vtk_type(pixels))
    # numpy_to_vtk keeps the array alive until VTK cleans up its Python objects, which can be long
    # after the node is gone. An observer is gone with what it observes.
    del scalars._numpy_reference

    def keep_alive(_caller: Any, _event: str, _voxels: np.ndarray = voxels) -> None:
        pass

    scalars.AddObserver("DeleteEvent", keep_alive)
    data = vtkImageData()
    data.SetDimensions(i, j, k)
    data.GetPointData().SetScalars(scalars)
    return data


def volume_class(image: ImageMessage) -> str:
    """Return the class of the node that can show an image."""
    return "vtkMRMLScalarVolumeNode" if image.components == 1 else "vtkMRMLVectorVolumeNode"


def _is_kind_of(node: Any, image: ImageMessage) -> bool:
    """Whether a volume can show an image: another number of components may need another kind."""
    display = node.GetDisplayNode()
    is_of_two = image.components == 2 if display is None else display.IsA(_DISPLAY_OF_TWO)
    return node.GetClassName() == volume_class(image) and is_of_two == (image.components == 2)


def _set_image_data(node: Any, data: vtkImageData) -> None:
    """Give a volume other voxels; of the same size and type, into the image data that it has.

    Other image data are another pipeline for each slice view, which costs as much as drawing.
    """
    before = node.GetImageData()
    if before is not None and _layout(before) == _layout(data):
        _replace_scalars(before, data)
        node.Modified()
    else:
        node.SetAndObserveImageData(data)


def _replace_scalars(before: vtkImageData, data: vtkImageData) -> None:
    before.GetPointData().SetScalars(data.GetPointData().GetScalars())
    before.Modified()


def _layout(data: vtkImageData) -> tuple[Any, int, int]:
    components = data.GetNumberOfScalarComponents()
    return data.GetDimensions(), data.GetScalarType(), components


def remove_volume(scene: Any, node: Any) -> None:
    """Remove a volume and its display from the scene; nothing happens to None."""
    at_once(remove_in_turns(scene, [node]))


def remove_in_turns(scene: Any, nodes: Iterable[Any]) -> Iterator[None]:
    """Remove those volumes that are in the scene, with a pause after each; then their displays.

    MRML leaves these in the scene, where they keep the pixels. The user may have given one of them
    to another volume, too: there it stays. Closed early, it removes all at once.
    """
    turns = _remove(scene, nodes)
    try:
        for _ in turns:
            yield
    finally:
        at_once(turns)


def _remove(scene: Any, nodes: Iterable[Any]) -> Iterator[None]:
    displays = []
    for node in nodes:
        if node is not None and node.GetScene() is scene:
            displays.append(node.GetDisplayNode())
            scene.RemoveNode(node)
            yield
    # Once for all of them: to ask each whose it is, MRML looks at the whole scene.
    used = {one.GetDisplayNodeID() for one in nodes_of_class(scene, "vtkMRMLVolumeNode")}
    for display in displays:
        is_there = display is not None and display.GetScene() is scene
        if is_there and display.GetID() not in used:
            scene.RemoveNode(display)
            yield


def _new_node(scene: Any, class_name: str, name: str, is_hidden: bool) -> Any:
    node = create_node(scene, class_name)
    node.SetName(name)
    # Before it is added: Slicer looks at it only then.
    node.SetHideFromEditors(is_hidden)
    node.SetSaveWithScene(not is_hidden)
    add_node(scene, node)
    return node


def add_volume_display(scene: Any, node: Any, components: int) -> Any:
    """Return the display node of a volume, a new one if it has none.

    Of two components, the first one is seen, in gray: that of vector volumes would take them for a
    color, and print errors each time that a slice is drawn, as its third one is missing.
    """
    return add_display(scene, node, _DISPLAY_OF_TWO if components == 2 else "")


def _make_display(
    scene: Any, node: Any, image: ImageMessage, modality: str, voi_window: VoiWindow | None
) -> None:
    window = window_level(image.pixels, modality, voi_window)
    display = add_volume_display(scene, node, image.components)
    require_in_scene(scene, node)
    display.SetSaveWithScene(node.GetSaveWithScene())
    display.AutoWindowLevelOff()
    display.SetWindowLevel(*window)
    if scene.GetNodeByID(color_node_id(modality)) is not None:
        display.SetAndObserveColorNodeID(color_node_id(modality))


def set_vector_type(node: Any, image: ImageMessage) -> None:
    """Say of a vector volume if its voxels are colors."""
    if node.GetClassName() == "vtkMRMLVectorVolumeNode":
        # Slicer does not find out by itself whether three components are a color or a vector.
        is_color = image.components in (3, 4) and image.pixels.dtype == np.uint8
        node.SetVoxelVectorType(
            node.VoxelVectorTypeColorRGB if is_color else node.VoxelVectorTypeUndefined
        )
