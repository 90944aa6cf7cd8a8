"""Voxels as Slicer can write them into the file of a volume."""

from __future__ import annotations

import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.util.vtkConstants import VTK_CHAR

from IGTLMetaBrowserLib.codec import ImageMessage
from IGTLMetaBrowserLib.scene.images.savable_voxels import saving_notes
from IGTLMetaBrowserLib.scene.images.volumes import show_image


def test_int8_is_the_type_that_slicer_can_write(scene):
    """Of a volume of VTK's ``signed char``, it says "Unknown output ScalarType"."""
    pixels = np.arange(-12, 12, dtype=np.int8).reshape(2, 3, 4)
    node = show_image(scene, ImageMessage(pixels), "MR")
    assert node.GetImageData().GetScalarType() == VTK_CHAR
    voxels = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
    assert np.array_equal(voxels, pixels.ravel())
    assert np.shares_memory(voxels, pixels)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [("int8", 1), ("uint32", 1), ("int16", 2), ("uint8", 3), ("uint8", 4), ("float32", 3)],
)
def test_of_what_slicer_can_save_nothing_is_said(dtype, values):
    pixels = np.zeros((2, 3, 4, values), dtype)
    assert saving_notes(pixels[..., 0] if values == 1 else pixels) == ()


@pytest.mark.parametrize(("dtype", "values"), [("int16", 3), ("uint32", 4), ("float32", 5)])
def test_of_what_slicer_cannot_save_the_user_is_told(dtype, values):
    (note,) = saving_notes(np.zeros((2, 3, 4, values), dtype))
    assert note.startswith(f"Slicer cannot save {values} values of {dtype} a voxel")
