"""Nodes that stay under the transform of the image they belong to."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonCore import vtkWeakReference

from .images.moved_images import movement, noted_movement, write_moved
from .rendering import views_paused

_FEWEST_TO_CLEAN = 1000


class TransformFollowers:
    """Puts nodes under their image's transform, and again when the image gets another one.

    If that is hardened, they are moved as the image is. A node that the user puts under a transform
    of its own stays there, also if its image is removed and loaded again, and in a saved scene.
    """

    def __init__(self) -> None:
        self._followers: dict[str, _Follower] = {}
        self._owners: dict[str, _Owner] = {}
        self._most_followers = _FEWEST_TO_CLEAN

    def follow(self, node: Any, owner: Any) -> None:
        """Put ``node`` under the transform of the image ``owner``, now and from now on."""
        known = self._owner(owner)
        follower = self._follower(node)
        if follower is None:
            # One of a scene that was saved may be under a transform that the user chose.
            follower = self._add(node, None)
            is_where_it_is = node.GetTransformNodeID() in (None, known.transform_id)
            if is_where_it_is and noted_movement(node) is None:  # a new one
                write_moved(node, known.moved)
        if follower.owner is not known:
            self._leave_owner(follower)
            follower.owner = known
            known.followers.add(follower)
            follower.put_under(known.transform_id, known.moved)

    def follow_like(self, node: Any, other: Any) -> None:
        """Have a new node, which lies where another one does, be moved as that from now on."""
        write_moved(node, noted_movement(other))
        if (follower := self._follower(other)) is not None:
            self._add(node, follower.transform_id)

    def refresh(self, owner: Any) -> None:
        """Have all that belongs to an image follow it: it has come again."""
        self._owner(owner).update()

    def moved_by(self, node: Any, owner: Any) -> np.ndarray | None:
        """Return what moves the places that come of ``node`` to where they belong in the scene.

        Of shape (4, 4), RAS mm; None if nothing does. Of a new one, ``node`` is None.
        """
        moved = None if node is None else noted_movement(node)
        if moved is not None or (node is not None and self._follower(node) is not None):
            return moved
        # As all that follows it already: it may have been moved since without an event.
        return None if owner is None else self._owner(owner).moved

    def leave(self, node: Any) -> None:
        """Have ``node`` follow no image any more, nor stay under the transform of one."""
        follower = self._follower(node)
        if follower is not None and follower.owner is not None:
            self._leave_owner(follower)
            follower.put_under(None, noted_movement(node))
        elif follower is None and (transform_id := node.GetTransformNodeID()) is not None:
            self._add(node, transform_id)  # saved without its image: it is where that was

    def let_be(self, node: Any) -> None:
        """Have ``node`` follow no image any more; it stays where it is."""
        follower = self._follower(node)
        if follower is not None:
            self._leave_owner(follower)
            del self._followers[node.GetID()]

    def forget(self, node: Any) -> None:
        """Have a node be a new one: what it shows now is of another patient."""
        self.let_be(node)
        node.SetAndObserveTransformNodeID(None)
        write_moved(node, None)

    def _add(self, node: Any, transform_id: str | None) -> _Follower:
        if len(self._followers) >= self._most_followers:
            self._clean()  # a stream can bring and take away nodes for ever
        follower = self._followers[node.GetID()] = _Follower(node, transform_id)
        return follower

    def _clean(self) -> None:
        followers, self._followers = self._followers, {}
        for node_id, follower in followers.items():
            if follower.node is None:
                self._leave_owner(follower)
            else:
                self._followers[node_id] = follower
        self._most_followers = max(_FEWEST_TO_CLEAN, 2 * len(self._followers))

    def _follower(self, node: Any) -> _Follower | None:
        known = self._followers.get(node.GetID())
        return known if known is not None and known.node is node else None

    def _owner(self, node: Any) -> _Owner:
        known = self._owners.get(node.GetID())
        if known is None or known.node is not node:
            known = self._owners[node.GetID()] = _Owner(node)
        return known

    def _leave_owner(self, follower: _Follower) -> None:
        if follower.owner is not None:
            follower.owner.followers.discard(follower)
            follower.owner = None


class _Follower:
    """A node, and the transform of its image, under which it is unless the user moved it.

    Its points or voxels are moved from where they came, as the image is, by what it says itself.
    """

    def __init__(self, node: Any, transform_id: str | None) -> None:
        self._node = _weak(node)
        self.transform_id = transform_id
        self.owner: _Owner | None = None

    @property
    def node(self) -> Any:
        return self._node.Get()

    def put_under(self, transform_id: str | None, moved: np.ndarray | None) -> None:
        """Let the node follow to another place, unless the user has moved it."""
        node, put_there, self.transform_id = self.node, self.transform_id, transform_id
        if node is None:
            return
        follows = (is_under := node.GetTransformNodeID()) == put_there
        if follows:
            node.SetAndObserveTransformNodeID(transform_id)
        is_elsewhere = is_under not in (None, put_there, transform_id)
        if is_elsewhere or _is_same(moved, before := noted_movement(node)):
            return
        # Also if it does not follow: the user may have hardened the transform in both of them.
        write_moved(node, moved)
        if follows:
            now = np.eye(4) if moved is None else moved
            moves = now if before is None else now @ np.linalg.inv(before)
            node.ApplyTransformMatrix(slicer.util.vtkMatrixFromArray(moves))
            # Of a segmentation that is moved so, views hear by this alone, as when a transform is
            # hardened.
            node.InvokeEvent(slicer.vtkMRMLTransformableNode.TransformModifiedEvent)


class _Owner:
    """An image, and what follows it."""

    def __init__(self, node: Any) -> None:
        self._node = _weak(node)
        self.transform_id = node.GetTransformNodeID()
        self.moved = movement(node)
        self.followers: set[_Follower] = set()
        # Also sent each time that a transform moves: a stream of them must cost nothing.
        event = slicer.vtkMRMLTransformableNode.TransformModifiedEvent
        node.AddObserver(event, self._on_transform)

    @property
    def node(self) -> Any:
        return self._node.Get()

    def _on_transform(self, node: Any, _event: str) -> None:
        if node.GetTransformNodeID() != self.transform_id:
            self.update()

    def update(self) -> None:
        """Find where the image is now, and let all that belongs to it follow."""
        # Hardened, it is under no transform any more.
        self.transform_id, self.moved = self.node.GetTransformNodeID(), movement(self.node)
        self.followers = {one for one in self.followers if one.node is not None}
        if not self.followers:
            return
        with views_paused():
            for follower in self.followers:
                follower.put_under(self.transform_id, self.moved)


def _is_same(matrix: np.ndarray | None, other: np.ndarray | None) -> bool:
    if matrix is None or other is None:
        return matrix is other
    return bool(np.allclose(matrix, other))


def _weak(node: Any) -> vtkWeakReference:
    reference = vtkWeakReference()
    reference.Set(node)
    return reference
