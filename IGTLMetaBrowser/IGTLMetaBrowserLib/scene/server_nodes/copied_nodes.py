"""Nodes that the user has copied from those of a server, and that are the user's own.

Slicer's "Clone", and each module that makes its output of a copy of its input ("Mask volume"), copy
the attributes too, by which a node is found again as that of an image. Of two nodes that say the
same, the first in the scene came from the server, in a saved scene as well. But once that one is
removed, or let go, a copy would be taken for it, and what the user did with the copy would be
written over.

A saved scene that is added to one that has its nodes already brings copies of them, too: the server
would move one of two plans that look the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..nodes.nodes_by_class import nodes_of_class
from .attributes import (
    IMAGE_ID_ATTRIBUTE,
    KEY_ATTRIBUTE,
    REGION_OF_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    uncovered,
)
from .released_nodes import release

_Name = tuple[str, ...]
_OWNED_CLASSES = (
    "vtkMRMLMarkupsLineNode",
    "vtkMRMLMarkupsFiducialNode",
    "vtkMRMLLabelMapVolumeNode",
    "vtkMRMLSegmentationNode",
)


class CopiedNodes:
    """Lets the copies of a node of ``scene`` be the user's own when it is removed, or let go.

    Copies that were imported are the user's own at once.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        # By class, the ids of nodes: not the nodes, or they would keep their voxels. To read the
        # attributes of 1000 takes a millisecond or two, too long for each of 1000 that are removed.
        self._ids: dict[str, dict[_Name, list[str]]] = {}
        self._imported: dict[str, set[str]] = {}  # ids by class as well

    def on_removing(self, node: Any) -> None:
        """Release the copies of a node that is about to be removed.

        Not of one that has come since the state which is brought back: that has the one of before.
        """
        name = _name(node)
        if name is None or self._scene.IsUndoing() or self._scene.IsRedoing():
            return
        same_name = self._ids_of_class(node.GetClassName()).get(name, ())
        # None of what was removed since they were looked for.
        nodes = [one for one in map(self._scene.GetNodeByID, same_name) if one is not None]
        original, *copies = nodes or [None]
        if node is original:
            _release(copies)

    def look(self) -> None:
        """Know the copies of what belongs to images before some of that is let go."""
        for class_name in _OWNED_CLASSES:
            self._ids_of_class(class_name)

    def on_let_go(self, nodes: Iterable[Any]) -> None:
        """Release the copies, as of the last ``look``, of nodes that are the user's own now."""
        let_go = {node.GetID() for node in nodes}
        groups = [one for of_class in self._ids.values() for one in of_class.values()]
        ids = [copy for first, *copies in groups if first in let_go for copy in copies]
        _release(filter(None, map(self._scene.GetNodeByID, ids)))

    def on_added(self, node: Any) -> None:
        """Look at the scene anew when the next one is removed."""
        self._ids.clear()
        if self._scene.IsImporting() and _name(node) is not None:
            self._imported.setdefault(node.GetClassName(), set()).add(node.GetID())

    def release_imported(self) -> list[str]:
        """Release what the last import has brought of nodes that were there; return their names."""
        imported, self._imported = self._imported, {}
        names = []
        for class_name, ids in imported.items():
            for first, *others in self._ids_of_class(class_name).values():
                again = ids.intersection(others) if first not in ids else ()
                copies = [self._scene.GetNodeByID(one) for one in others if one in again]
                _release(copies)
                names += [one.GetName() for one in copies]
        self._ids.clear()
        return names

    def _ids_of_class(self, class_name: str) -> dict[_Name, list[str]]:
        if class_name not in self._ids:
            found = self._ids[class_name] = {}
            for node in nodes_of_class(self._scene, class_name):
                name = _name(node) if node.GetClassName() == class_name else None
                if name is not None:
                    found.setdefault(name, []).append(node.GetID())
        return self._ids[class_name]


def _release(copies: Iterable[Any]) -> None:
    for copy in copies:
        release(copy, IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE)


def _name(node: Any) -> _Name | None:
    """Return by what a node is found as that of a server, or None if it is not."""
    server = node.GetAttribute(SERVER_ATTRIBUTE)
    image_id, key, region_of = (
        uncovered(node.GetAttribute(name))
        for name in (IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE, REGION_OF_ATTRIBUTE)
    )
    return (server, image_id or region_of, key) if server and (image_id or key) else None
