"""Voxels as Slicer can write them into the file of a volume.

Its writer (Libs/vtkITK/vtkITKImageWriter.cxx, Slicer 5.12) does not know all types and numbers of
values; and where a single volume cannot be written, no scene is saved that has it.
"""

from __future__ import annotations

import numpy as np
from vtkmodules.util.vtkConstants import VTK_CHAR
from vtkmodules.vtkCommonCore import vtkDataArray

_MOST_VALUES = 4
_TYPES_OF_COLORS_AND_VECTORS = frozenset(("int8", "uint8", "uint16", "float32", "float64"))
"""Of voxels with three or four values; those with one or two can have any."""


def vtk_type(pixels: np.ndarray) -> int | None:
    """Return of which VTK type an array over these has to be; None for that of ``numpy_to_vtk``.

    VTK has two for int8: ``signed char``, which ``numpy_to_vtk`` takes and that writer does not
    know, and ``char``, which is signed on the computers that Slicer is built for.
    """
    is_char = pixels.dtype == np.int8 and vtkDataArray.GetDataTypeMin(VTK_CHAR) < 0
    return VTK_CHAR if is_char else None


def saving_notes(pixels: np.ndarray) -> tuple[str, ...]:
    """Return a note on voxels that Slicer cannot save."""
    values = 1 if pixels.ndim == 3 else pixels.shape[3]
    is_any_type = values <= 2 or pixels.dtype.name in _TYPES_OF_COLORS_AND_VECTORS
    if values <= _MOST_VALUES and is_any_type:
        return ()
    return (
        f"Slicer cannot save {values} values of {pixels.dtype.name} a voxel, nor a scene that has "
        "them: remove it before you save",
    )
