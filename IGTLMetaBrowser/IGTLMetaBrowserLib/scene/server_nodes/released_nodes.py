"""Nodes of a server that become the user's own, also as scene views hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..nodes.nodes_by_class import frames, nodes_of_class, scene_view_browsers
from ..nodes.unnoticed import unnoticed


def release(node: Any, *attributes: str) -> None:
    """Remove attributes by which a node is found as that of a server.

    Also where it is in a scene view: to restore that would write them onto the node again, and the
    server would write over what is the user's.
    """
    for attribute in attributes:
        node.RemoveAttribute(attribute)
    for copy in _copies(node) if node.GetScene() is not None else ():
        with unnoticed(copy):  # told that it has changed, Slicer would write it over the node
            for attribute in attributes:
                copy.RemoveAttribute(attribute)


def _copies(node: Any) -> Iterator[Any]:
    """Yield what scene views hold of a node: those of Slicer 5.12 in sequences."""
    for browser in scene_view_browsers(node.GetScene()):
        if browser.IsProxyNode(node.GetID()):
            yield from frames(browser.GetSequenceNode(node))
    for view in nodes_of_class(node.GetScene(), "vtkMRMLSceneViewNode"):
        stored = view.GetStoredScene()
        copy = None if stored is None else stored.GetNodeByID(node.GetID())
        if copy is not None:
            yield copy
