"""ROI nodes that touch just the voxels that are wanted."""

from __future__ import annotations

import numpy as np

START, SIZE = (100, 40, 50), (20, 30, 25)


def roi_around(scene, image, start=START, size=SIZE):
    """Return a ROI that touches just these voxels of an image."""
    to_ras = image.ijk_to_ras()
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Tumor")
    roi.SetSize(*(np.linalg.norm(to_ras[:3, :3], axis=0) * size * 0.99))
    center = to_ras @ (*(np.add(start, (np.array(size) - 1) / 2)), 1)
    matrix = roi.GetObjectToNodeMatrix()
    axes = to_ras[:3, :3] / np.linalg.norm(to_ras[:3, :3], axis=0)
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, axes[row, column])
        matrix.SetElement(row, 3, center[row])
    roi.SetAndObserveObjectToNodeMatrix(matrix)
    return roi
