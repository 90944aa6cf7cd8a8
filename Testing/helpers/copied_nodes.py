"""Nodes that the user has copied."""

from __future__ import annotations

from typing import Any


def copy_of(node: Any) -> Any:
    """Copy a node with its attributes, as vtkSlicerVolumesLogic::CloneVolume does."""
    scene = node.GetScene()
    copy = scene.CreateNodeByClass(node.GetClassName())
    copy.UnRegister(None)
    copy.CopyWithScene(node)
    copy.SetName("Mine")
    return scene.AddNode(copy)
