"""Volumes and their colors as messages: the way out of the scene."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import slicer
from vtkmodules.util.numpy_support import get_numpy_array_type, vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from ... import codec
from ..errors import SceneError


def image_message(volume: Any) -> codec.ImageMessage:
    """Return a volume as an IMAGE in RAS, where the scene's world has it.

    Its pixels are those of the volume, not a copy. Raises ``SceneError`` if it has none, if
    OpenIGTLink lacks their type, or if the volume is under a transform that bends it.
    """
    pixels = _pixels(volume)
    matrix = ijk_to_world(volume)
    if not (np.abs(matrix) < np.finfo(np.float32).max).all():  # neither those of NaN
        raise SceneError(
            f"{volume.GetName()!r} has a geometry that no message holds; check its origin and "
            "spacing in the module Volumes"
        )
    return codec.ImageMessage.from_ijk_to_ras(pixels, matrix)


def scalar_type(volume: Any) -> codec.ScalarType:
    """Return the type of a volume's voxels. Raises ``SceneError``."""
    vtk_type = _voxels(volume).GetDataType()
    found = _scalar_type(vtk_type)
    if found is None:
        dtype = np.dtype(get_numpy_array_type(vtk_type))
        raise SceneError(
            f"the voxels of {volume.GetName()!r} are {dtype}, which OpenIGTLink does not have; "
            "cast the volume to another type, for example with the module Cast Scalar Volume"
        )
    return found


@lru_cache
def _scalar_type(vtk_type: int) -> codec.ScalarType | None:
    """Return the type by its number in VTK: to look at the voxels of each volume takes longer."""
    try:
        return codec.ScalarType.of(get_numpy_array_type(vtk_type))
    except codec.CodecError:
        return None


def ijk_to_world(volume: Any) -> np.ndarray:
    """Return the matrix, float64 of shape (4, 4), from voxel index to RAS mm in the world.

    The index counts from the first voxel (``from_first_voxel``). Raises ``SceneError`` if there is
    no matrix, as the volume is under a transform that bends it.
    """
    matrix = vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    transform = volume.GetParentTransformNode()
    if transform is not None:
        to_world = vtkMatrix4x4()
        if not transform.GetMatrixTransformToWorld(to_world):
            raise SceneError(
                f"{volume.GetName()!r} is under the transform {transform.GetName()!r}, which bends "
                "it; harden the transform to send the volume"
            )
        vtkMatrix4x4.Multiply4x4(to_world, matrix, matrix)
    return from_first_voxel(volume.GetImageData(), matrix)


def from_first_voxel(data: Any, matrix: vtkMatrix4x4) -> np.ndarray:
    """Return a matrix from the indices of image data as one for indices from its first voxel on.

    That need not be the one of index 0: of what vtkExtractVOI cuts out, or a segmentation holds, it
    is the one that it was in the whole.
    """
    first = np.eye(4)
    first[:3, 3] = data.GetExtent()[::2]
    return slicer.util.arrayFromVTKMatrix(matrix) @ first


def labels_in(volume: Any) -> list[int]:
    """Return which of the labels 1 to 255 a label map has voxels of, the ones LBMETA can name."""
    scalars = _scalars(volume)
    # bincount needs whole numbers, and would make a bin for each label up to the highest.
    small = scalars[(scalars > 0) & (scalars < 256)].astype(np.uint8)
    return np.flatnonzero(np.bincount(small, minlength=1)).tolist()


def label_items(volume: Any, image_id: str, owner: str, labels: list[int]) -> list[Any]:
    """Return what LBMETA says of a label map with these labels: an item for each."""
    size = volume.GetImageData().GetDimensions()
    display = volume.GetDisplayNode()
    colors = None if display is None else display.GetColorNode()
    items = []
    for label in labels:
        rgba, name = (0, 0, 0, 0), ""
        if colors is not None and label < colors.GetNumberOfColors():
            rgba, name = _rgba(colors, label), colors.GetColorName(label) or ""
        name = codec.cut_text(name or volume.GetName() or "", 64)
        items.append(codec.LabelMetaItem(name, image_id, label, rgba, size, owner))
    return items


def color_table_message(volume: Any) -> codec.ColorTableMessage:
    """Return the colors in which a volume is shown, of 256 or 65536 entries, as COLORT.

    Entries that the volume's table does not have are black. Raises ``SceneError`` if it has
    none, or is shown in colors that are no table.
    """
    display = volume.GetDisplayNode()
    colors = None if display is None else display.GetColorNode()
    table = None if colors is None else colors.GetLookupTable()
    if table is None or not 0 < table.GetNumberOfTableValues() <= 65536:
        raise SceneError(f"{volume.GetName()!r} is not shown in the colors of a table")
    rgba = vtk_to_numpy(table.GetTable())
    # COLORT has tables of these two sizes only (``colortable.md``).
    entries = np.zeros((256 if len(rgba) <= 256 else 65536, 3), np.uint8)
    entries[: len(rgba)] = rgba[:, :3]
    return codec.ColorTableMessage(entries)


def _pixels(volume: Any) -> np.ndarray:
    """Return the volume's own memory, of shape (k, j, i) or (k, j, i, components)."""
    scalar_type(volume)
    scalars = _scalars(volume)
    i, j, k = volume.GetImageData().GetDimensions()
    return scalars.reshape(k, j, i, *scalars.shape[1:])


def _scalars(volume: Any) -> np.ndarray:
    return vtk_to_numpy(_voxels(volume))


def _voxels(volume: Any) -> Any:
    data = volume.GetImageData()
    scalars = None if data is None else data.GetPointData().GetScalars()
    if scalars is None or not scalars.GetNumberOfTuples():
        raise SceneError(f"{volume.GetName()!r} has no voxels")
    return scalars


def _rgba(colors: Any, label: int) -> tuple[int, int, int, int]:
    rgba = [0.0] * 4
    colors.GetColor(label, rgba)
    red, green, blue, alpha = (round(255 * number) for number in rgba)
    return red, green, blue, alpha
