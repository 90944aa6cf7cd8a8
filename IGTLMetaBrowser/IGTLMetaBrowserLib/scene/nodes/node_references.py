"""Which node of a scene shows what."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from vtkmodules.vtkCommonCore import vtkWeakReference


class NodeReferences:
    """Nodes by keys, as long as they are in the scene.

    Not their ids: a scene that was closed gives them again, to nodes of the user's. One that has
    lost its ``attribute`` is the user's own: whoever has let it go, the others do so as well.
    """

    def __init__(self, scene: Any, attribute: str = "") -> None:
        self._scene = scene
        self._attribute = attribute
        self._references: dict[Hashable, vtkWeakReference] = {}

    def get(self, key: Hashable) -> Any:
        """Return a node, or None if it is not in the scene (any more)."""
        reference = self._references.get(key)
        node = None if reference is None else reference.Get()
        is_there = node is not None and node.GetScene() is self._scene
        is_lost = is_there and self._attribute and node.GetAttribute(self._attribute) is None
        return node if is_there and not is_lost else None

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Yield the keys and the nodes of those that are in the scene."""
        for key in list(self._references):
            if (node := self.get(key)) is not None:
                yield key, node

    def __contains__(self, node: Any) -> bool:
        """Whether a node is remembered, by whatever key."""
        return any(reference.Get() is node for reference in self._references.values())

    def keep(self, key: Hashable, node: Any) -> None:
        """Remember a node."""
        # A strong one would keep the voxels of a volume that the user has removed.
        reference = vtkWeakReference()
        reference.Set(node)
        self._references[key] = reference

    def forget(self, key: Hashable) -> None:
        """Remember a node no longer; nothing happens if none is known."""
        self._references.pop(key, None)
