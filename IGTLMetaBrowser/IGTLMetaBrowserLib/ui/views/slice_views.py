"""Showing volumes and places in the slice views."""

from __future__ import annotations

import numpy as np
import slicer

from ...scene.slice_layers import show_label_layer


def showInSliceViews(node):
    """Make a volume the background of the slice views; a label map lies above it.

    Views that show it already are left as the user has turned and zoomed them.
    """
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        show_label_layer(slicer.mrmlScene, node)
        return
    layers = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    if not layers or any(layer.GetBackgroundVolumeID() != node.GetID() for layer in layers):
        slicer.util.setSliceViewerLayers(background=node, fit=True)


def fitSliceViews(node):
    """Fit the slice views that show a volume as their background: its size or place has changed."""
    layoutManager = slicer.app.layoutManager()
    for name in layoutManager.sliceViewNames() if layoutManager is not None else ():
        logic = layoutManager.sliceWidget(name).sliceLogic()
        if logic.GetSliceCompositeNode().GetBackgroundVolumeID() == node.GetID():
            logic.FitSliceToAll()


def jumpSlicesTo(point):
    """Move all slices so that a point (RAS mm of the world) is in the middle of each."""
    sliceNode = slicer.vtkMRMLSliceNode
    sliceNode.JumpAllSlices(slicer.mrmlScene, *point, sliceNode.CenteredJumpSlice)


class SliceTurner:
    """Turns the slices along lines, and back as each view has it by default."""

    def __init__(self):
        self._turnedIds = set()

    def turnAlong(self, entry, target):
        """Let the line lie in two of the three slices, and stand straight on the third.

        They are turned together, by the least angle. Without a direction they are turned back.
        """
        direction = np.subtract(target, entry)
        length = np.linalg.norm(direction)
        if length == 0:
            self.turnBack()
            return
        rotation = _leastRotation(direction / length)
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            straight = node.GetSliceOrientationPreset(node.GetDefaultOrientation())
            if straight is not None:
                self._turnedIds.add(node.GetID())
                _orient(node, rotation @ slicer.util.arrayFromVTKMatrix(straight))

    def turnBack(self):
        """Turn back what was turned here."""
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            if node.GetID() in self._turnedIds:
                node.SetOrientationToDefault()
        self._turnedIds.clear()


def _leastRotation(direction):
    """Return the rotation that brings the nearest axis of RAS into a direction of length 1."""
    nearest = np.argmax(np.abs(direction))
    axis = np.zeros(3)
    axis[nearest] = np.sign(direction[nearest])
    x, y, z = np.cross(axis, direction)
    turn = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + turn + turn @ turn / (1 + axis @ direction)


def _orient(sliceNode, orientation):
    sliceToRAS = sliceNode.GetSliceToRAS()
    for row in range(3):
        for column in range(3):
            sliceToRAS.SetElement(row, column, orientation[row, column])
    sliceNode.UpdateMatrices()
