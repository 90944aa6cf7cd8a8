"""Where the scene has what belongs to an image: beside or below it, and under its transform."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from vtkmodules.vtkCommonCore import vtkWeakReference

from .hidden_patients.patient_marks import (
    NOT_KNOWN,
    Patient,
    is_same_patient,
    marked_patient,
    patient_of,
)
from .server_nodes.released_nodes import release
from .slice_layers import hide_in_layers
from .subject_hierarchy.group_folders import (
    folder_parent,
    is_in_group,
    is_under,
    put_beside,
    put_in_group,
    put_under,
)
from .transform_followers import TransformFollowers

# Those that say from which server a node is, and to which image it belongs.
_ATTRIBUTES = "IGTLMetaBrowser."


class Placement:
    """Places the nodes that images of one server own.

    ``owner_node`` returns the volume node of an image id, or None if it is not loaded. A node whose
    owner is not loaded has its place at the top, and is placed again when the owner comes.
    ``on_placed`` is called with the image id and a node that was put into a folder.
    """

    def __init__(
        self,
        scene: Any,
        owner_node: Callable[[str], Any],
        on_placed: Callable[[str, Any], None] = lambda image_id, node: None,
    ) -> None:
        self._scene = scene
        self._owner_node = owner_node
        self._on_placed = on_placed
        self._followers = TransformFollowers()
        # By key, the group and the parent's item: looking for a folder takes longer the more nodes
        # there are, and a stream moves each of them ten times a second.
        self._placed: dict[Hashable, tuple[str, int]] = {}
        # What has belonged to an image, and to whose, by that image's id.
        self._released: dict[str, list[tuple[vtkWeakReference, Patient]]] = {}

    def owner(self, owner_id: str) -> Any:
        """Return the volume node of an owner, or None if it is not loaded, or the id is empty."""
        return self._owner_node(owner_id) if owner_id else None

    def place_beside(self, key: Hashable, node: Any, owner_id: str, group: str) -> None:
        """Put markups into the folder of their group beside their image.

        Nothing is done if the node of this ``key`` is there already.
        """
        owner = self.owner(owner_id)
        place = group, folder_parent(self._scene, owner)
        if self._placed.get(key) != place:
            self._placed[key] = place
            put_in_group(self._scene, node, *place)
            self._on_placed(owner_id, node)
        if owner is not None:
            self._followers.follow(node, owner)
        else:
            self._followers.leave(node)

    def place_adopted(self, key: Hashable, node: Any, owner_id: str, group: str) -> None:
        """Have markups that are in the scene already follow their image, if they are beside it.

        Elsewhere they stay: the user has put them there, or they are of another patient, who has
        the image's id now.
        """
        owner = self.owner(owner_id)
        if owner is None:
            self._followers.leave(node)
        elif is_in_group(self._scene, node, group, folder_parent(self._scene, owner)):
            self.place_beside(key, node, owner_id, group)

    def moved_by(self, node: Any, owner_id: str) -> np.ndarray | None:
        """Return what moves the places of a node that come, see ``TransformFollowers``."""
        return self._followers.moved_by(node, self.owner(owner_id))

    def on_image_shown(self, owner_id: str) -> None:
        """Have what is beside and below an image where that is now."""
        self._hide_released(owner_id)
        owner = self.owner(owner_id)
        if owner is not None:
            self._followers.refresh(owner)

    def forget(self, key: Hashable) -> None:
        """Place the node of this key anew the next time: it is another node."""
        self._placed.pop(key, None)

    def let_be(self, node: Any) -> None:
        """Have a node follow no image any more: what is left of it is the user's own."""
        self._followers.let_be(node)

    def release(self, node: Any, owner_id: str) -> None:
        """Let a node be the user's own: under its id, or its image's, there is something else now.

        It stays where it is, and is seen as long as its image is there: then it is hidden.
        """
        patient = marked_patient(node) or NOT_KNOWN
        self._followers.let_be(node)
        put_beside(self._scene, node)
        release(node, *(one for one in node.GetAttributeNames() if one.startswith(_ATTRIBUTES)))
        reference = vtkWeakReference()
        reference.Set(node)
        self._released.setdefault(owner_id, []).append((reference, patient))
        if self.owner(owner_id) is None:
            self._hide_released(owner_id)

    def _hide_released(self, owner_id: str) -> None:
        """Hide what was released, unless the image that is there is its own patient's."""
        image = self.owner(owner_id)
        now = NOT_KNOWN if image is None else patient_of(image)
        for reference, patient in self._released.pop(owner_id, []):
            node = reference.Get()
            if node is None or node.GetScene() is not self._scene:
                continue
            if now != NOT_KNOWN and is_same_patient(patient, now):
                self._released.setdefault(owner_id, []).append((reference, patient))
            else:
                hide_in_layers(self._scene, node)
                node.SetDisplayVisibility(False)

    def place_adopted_below(self, node: Any, owner_id: str) -> None:
        """Do as ``place_adopted`` with a label map or a segmentation."""
        owner = self.owner(owner_id)
        if owner is None:
            self._followers.leave(node)
        elif is_under(self._scene, node, owner):
            self._followers.follow(node, owner)

    def place_like(self, node: Any, other: Any) -> None:
        """Have a new node, made of another one, be moved as that: its image may not be there."""
        self._followers.follow_like(node, other)

    def place_below(self, node: Any, owner_id: str) -> None:
        """Put a label map or a segmentation below its image."""
        owner = self.owner(owner_id)
        if owner is not None:
            put_under(self._scene, node, owner)
            self._followers.follow(node, owner)
