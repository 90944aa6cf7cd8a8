"""Which volumes the slice views show: label maps above an image, one volume instead of another."""

from __future__ import annotations

from typing import Any

from .nodes.nodes_by_class import nodes_of_class

SEGMENTATION_ROLE = "IGTLMetaBrowser.Segmentation"
"""The reference of a label map volume to the segmentation that was made of it."""

LABEL_OPACITY = 0.5
"""The image below is still seen. Slicer's own is 1, which covers it."""

_LAYERS_CLASS = "vtkMRMLSliceCompositeNode"


def show_label_layer(scene: Any, label_map: Any) -> None:
    """Show a label map volume above the images of all slice views, half transparent.

    Where the user already looks at a label map, the opacity stays as chosen. One that is also a
    segmentation is not shown twice.
    """
    if label_map.GetNodeReference(SEGMENTATION_ROLE) is not None:
        return
    for layers in nodes_of_class(scene, _LAYERS_CLASS):
        if not layers.GetLabelVolumeID():
            layers.SetLabelOpacity(LABEL_OPACITY)
        layers.SetLabelVolumeID(label_map.GetID())


def hide_label_layer(scene: Any, label_map: Any) -> None:
    """Take a label map volume out of the slice views that show it."""
    for layers in nodes_of_class(scene, _LAYERS_CLASS):
        if layers.GetLabelVolumeID() == label_map.GetID():
            layers.SetLabelVolumeID(None)


def hide_in_layers(scene: Any, volume: Any) -> None:
    """Take a volume out of all layers: Slicer shows even a label map as an image if it is alone."""
    hide_label_layer(scene, volume)
    for layers in nodes_of_class(scene, _LAYERS_CLASS):
        if layers.GetBackgroundVolumeID() == volume.GetID():
            layers.SetBackgroundVolumeID(None)
        if layers.GetForegroundVolumeID() == volume.GetID():
            layers.SetForegroundVolumeID(None)


def replace_in_layers(scene: Any, before: Any, now: Any) -> None:
    """Show a volume in the slice views that show another one, which stays as it is zoomed."""
    for layers in nodes_of_class(scene, _LAYERS_CLASS):
        if layers.GetBackgroundVolumeID() == before.GetID():
            layers.SetBackgroundVolumeID(now.GetID())
        if layers.GetForegroundVolumeID() == before.GetID():
            layers.SetForegroundVolumeID(now.GetID())
