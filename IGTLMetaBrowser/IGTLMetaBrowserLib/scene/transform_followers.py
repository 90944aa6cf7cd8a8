"""Nodes that stay under the transform of the image they belong to."""

from __future__ import annotations

from typing import Any

import slicer
from vtkmodules.vtkCommonCore import vtkWeakReference


class TransformFollowers:
    """Puts nodes under their image's transform, and again when the image gets another one.

    A node that the user puts under a transform of its own stays there.
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}

    def follow(self, node: Any, owner: Any) -> None:
        """Put ``node`` under the transform of the image ``owner``, now and from now on."""
        group = self._groups.get(owner.GetID())
        if group is None or group.owner is not owner:
            group = self._groups[owner.GetID()] = _Group(owner)
        group.add(node)

    def leave(self, node: Any) -> None:
        """Have ``node`` follow no image any more, nor stay under the transform of one."""
        for group in self._groups.values():
            group.remove(node)

    def let_be(self, node: Any) -> None:
        """Have ``node`` follow no image any more; it stays where it is."""
        for group in self._groups.values():
            group.forget(node)


class _Group:
    """The nodes that belong to one image."""

    def __init__(self, owner: Any) -> None:
        self._owner = _weak(owner)
        self._transform_id = owner.GetTransformNodeID()
        self._nodes: dict[str, vtkWeakReference] = {}
        # Also sent each time that a transform moves: a stream of them must cost nothing.
        event = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
        owner.AddObserver(event, self._on_transform)

    @property
    def owner(self) -> Any:
        return self._owner.Get()

    def add(self, node: Any) -> None:
        known = self._nodes.get(node.GetID())
        if known is None or known.Get() is not node:
            self._nodes[node.GetID()] = _weak(node)
            node.SetAndObserveTransformNodeID(self._transform_id)

    def forget(self, node: Any) -> bool:
        known = self._nodes.get(node.GetID())
        is_here = known is not None and known.Get() is node
        if is_here:
            del self._nodes[node.GetID()]
        return is_here

    def remove(self, node: Any) -> None:
        if self.forget(node) and node.GetTransformNodeID() == self._transform_id:
            node.SetAndObserveTransformNodeID(None)

    def _on_transform(self, owner: Any, _event: str) -> None:
        before, now = self._transform_id, owner.GetTransformNodeID()
        if before == now:
            return
        self._transform_id = now
        for reference in self._nodes.values():
            node = reference.Get()
            if node is not None and node.GetTransformNodeID() == before:
                node.SetAndObserveTransformNodeID(now)


def _weak(node: Any) -> vtkWeakReference:
    reference = vtkWeakReference()
    reference.Set(node)
    return reference
