"""What is in a scene, as plain values that two Slicers can compare."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonMath import vtkMatrix4x4

_GROUP = "IGTLMetaBrowser.TrajectoryGroup"
_OWNER = "IGTLMetaBrowser.TrajectoryOwner"


def contents() -> dict[str, dict[str, Any]]:
    """Return the volumes and lines of the scene by their names."""
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    lines = slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode")
    return {
        "volumes": {node.GetName(): volume(node) for node in volumes},
        "lines": {node.GetName(): line(node) for node in lines},
    }


def volume(node: Any) -> dict[str, Any]:
    """Return type, size and checksum of a volume's voxels, and IJK to RAS in µm: 16 integers."""
    voxels = np.ascontiguousarray(slicer.util.arrayFromVolume(node))
    matrix = slicer.util.arrayFromVTKMatrix(_ijk_to_ras(node))
    return {
        "type": str(voxels.dtype),
        "shape": [*voxels.shape],
        "sha256": hashlib.sha256(voxels.tobytes()).hexdigest(),
        "ijk_to_ras": [round(1000 * float(number)) for number in matrix.flat],
    }


def line(node: Any) -> dict[str, Any]:
    """Return a line's points in µm, its diameter, color (0 to 255), group and owner."""
    display = node.GetDisplayNode()
    points = [node.GetNthControlPointPosition(n) for n in range(node.GetNumberOfControlPoints())]
    return {
        "points": [[round(1000 * number) for number in point] for point in points],
        "diameter": round(display.GetLineDiameter(), 3),
        "rgba": [round(255 * n) for n in (*display.GetSelectedColor(), display.GetOpacity())],
        "group": node.GetAttribute(_GROUP) or "",
        "owner": node.GetAttribute(_OWNER) or "",
    }


def draw_line(
    name: str, points: Any, diameter: float, rgba: Any, group: str = "", owner: str = ""
) -> Any:
    """Add a line as a planning module makes it, and return its node."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
    for point in points:
        node.AddControlPoint(*point)
    node.SetAttribute(_GROUP, group)
    node.SetAttribute(_OWNER, owner)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetCurveLineSizeMode(display.UseLineDiameter)
    display.SetLineDiameter(diameter)
    display.SetSelectedColor(*(number / 255 for number in rgba[:3]))
    display.SetOpacity(rgba[3] / 255)
    return node


def _ijk_to_ras(node: Any) -> Any:
    matrix = vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return matrix
