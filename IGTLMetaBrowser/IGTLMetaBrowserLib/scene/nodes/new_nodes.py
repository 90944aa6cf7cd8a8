"""New nodes: whoever hears that one comes into the scene may remove it, or close the scene.

Of what ``AddNewNodeByClass`` and ``CreateDefaultDisplayNodes`` have added, nothing is left then,
and Slicer crashes as it goes on with it.
"""

from __future__ import annotations

from typing import Any

from ..errors import SceneError

# As CreateDefaultDisplayNodes of these classes has them.
DISPLAY_CLASSES = {
    "vtkMRMLScalarVolumeNode": "vtkMRMLScalarVolumeDisplayNode",
    "vtkMRMLVectorVolumeNode": "vtkMRMLVectorVolumeDisplayNode",
    "vtkMRMLLabelMapVolumeNode": "vtkMRMLLabelMapVolumeDisplayNode",
    "vtkMRMLSegmentationNode": "vtkMRMLSegmentationDisplayNode",
    "vtkMRMLMarkupsLineNode": "vtkMRMLMarkupsDisplayNode",
    "vtkMRMLMarkupsFiducialNode": "vtkMRMLMarkupsFiducialDisplayNode",
}
_WITH_DEFAULT_COLORS = (
    "vtkMRMLScalarVolumeDisplayNode",
    "vtkMRMLDiffusionWeightedVolumeDisplayNode",
    "vtkMRMLLabelMapVolumeDisplayNode",
)


def create_node(scene: Any, class_name: str) -> Any:
    """Return a node that is not in the scene; it has the user's defaults."""
    node = scene.CreateNodeByClass(class_name)
    node.UnRegister(None)  # Python has it now, and CreateNodeByClass no longer counts
    return node


def new_node(scene: Any, class_name: str, name: str = "") -> Any:
    """Return a node that is in the scene. Raises ``SceneError`` if somebody has removed it."""
    node = create_node(scene, class_name)
    if name:
        node.SetName(name)
    add_node(scene, node)
    return node


def add_node(scene: Any, node: Any) -> None:
    """Bring a node into the scene. Raises ``SceneError`` if somebody has removed it."""
    scene.AddNode(node)
    require_in_scene(scene, node)


def add_display(scene: Any, node: Any, class_name: str = "") -> Any:
    """Return the display node of a node, a new one if it has none; the node may go meanwhile.

    A new one is of this class, or else as others of the node's class have them.
    """
    if (display := node.GetDisplayNode()) is not None:
        return display  # also of a new node: whoever heard of that may have made it
    class_name = class_name or DISPLAY_CLASSES[node.GetClassName()]
    display = create_node(scene, class_name)
    scene.AddNode(display)
    if class_name in _WITH_DEFAULT_COLORS:
        display.SetDefaultColorMap()
    node.SetAndObserveDisplayNodeID(display.GetID())
    return display


def require_in_scene(scene: Any, node: Any) -> None:
    """Raise ``SceneError`` if whoever heard of a new node has closed the scene, or removed it."""
    if node.GetScene() is not scene:
        raise SceneError("its node was removed as it came into the scene; load it again")
