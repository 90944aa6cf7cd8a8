"""Showing volumes in the slice views."""

from __future__ import annotations

import slicer


def showInSliceViews(node):
    """Make a volume the background of the slice views.

    Views that show it already are left as the user has turned and zoomed them.
    """
    layers = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
    if not layers or any(layer.GetBackgroundVolumeID() != node.GetID() for layer in layers):
        slicer.util.setSliceViewerLayers(background=node, fit=True)
