"""Label maps above the image in the slice views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SEGMENTATION_ROLE = "IGTLMetaBrowser.Segmentation"
"""The reference of a label map volume to the segmentation that was made of it."""

LABEL_OPACITY = 0.5
"""The image below is still seen. Slicer's own is 1, which covers it."""


def show_label_layer(scene: Any, label_map: Any) -> None:
    """Show a label map volume above the images of all slice views, half transparent.

    Where the user already looks at a label map, the opacity stays as chosen. One that is also a
    segmentation is not shown twice.
    """
    if label_map.GetNodeReference(SEGMENTATION_ROLE) is not None:
        return
    for layers in _slice_layers(scene):
        if not layers.GetLabelVolumeID():
            layers.SetLabelOpacity(LABEL_OPACITY)
        layers.SetLabelVolumeID(label_map.GetID())


def hide_label_layer(scene: Any, label_map: Any) -> None:
    """Take a label map volume out of the slice views that show it."""
    for layers in _slice_layers(scene):
        if layers.GetLabelVolumeID() == label_map.GetID():
            layers.SetLabelVolumeID(None)


def _slice_layers(scene: Any) -> Iterator[Any]:
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        yield scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode")
