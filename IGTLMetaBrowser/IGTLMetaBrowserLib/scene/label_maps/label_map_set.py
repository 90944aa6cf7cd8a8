"""The label maps of one server, and the nodes that show them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from typing import Any

from ...codec import Coordinates, ImageMessage, LabelMetaItem, printable
from ...turns import at_once
from ..errors import SceneError
from ..images import edited_voxels
from ..nodes.node_references import NodeReferences
from ..placement import Placement
from ..server_nodes.attributes import (
    IMAGE_ID_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    node_with,
    nodes_from_server,
    read_id,
    unless_released,
    write_timestamp,
    written_id,
)
from ..server_nodes.released_nodes import release
from ..slice_layers import SEGMENTATION_ROLE, hide_label_layer
from .label_map_grids import Grid, grid_notes
from .label_maps import (
    LABEL_MAP_CLASS,
    SEGMENTATION_CLASS,
    LabelArray,
    ListedLabelMap,
    label_maps,
    read_labels,
    show_label_map,
    show_segmentation,
)
from .segment_contents import is_as_made

MOST_STRUCTURES = 10_000
MOST_LABEL_MAPS = 2_000
"""Of one list. To read so many takes 20 ms; a million would keep the window for seconds."""
OWNER_ATTRIBUTE = "IGTLMetaBrowser.LabelMapOwner"
"""The id of the image that a label map belongs to."""


class LabelMapSet:
    """One label map volume for each id, and a segmentation if somebody wants one.

    They stand under their owner image, and follow its transform. ``owner_node`` returns the volume
    node of an image id, or None if it is not loaded. ``server`` is written onto the nodes, so that
    ``adopt`` finds them again. ``mark`` writes onto a node for whose image, by its id, it has come.
    """

    def __init__(
        self,
        scene: Any,
        owner_node: Callable[[str], Any] = lambda image_id: None,
        server: str = "",
        mark: Callable[[str, Any], None] = lambda image_id, node: None,
    ) -> None:
        self._server = server
        self._mark = mark
        self._label_maps: dict[str, ListedLabelMap] = {}
        self.problem = ""
        """What of the last list is left out, and why."""
        self.coordinates: Coordinates | None = None
        """Overrules what images say of their matrix."""
        self._scene = scene
        self._placement = Placement(scene, owner_node)
        self._owners: dict[str, str] = {}
        self._grids: dict[str, Grid] = {}
        # Of the last image that was prepared.
        self._labels: tuple[ImageMessage, LabelArray] | None = None
        self._volumes = NodeReferences(scene)
        # Also what the user has edited, label map volumes among it.
        self._segmentations = NodeReferences(scene)
        # By the id of the label map, the keys there of what the user has edited.
        self._edited: dict[str, list[Hashable]] = {}

    def receive(self, items: Sequence[LabelMetaItem]) -> None:
        """Handle an answer to GET_LBMETA; ``problem`` then says if it was too long."""
        listed = label_maps(items[:MOST_STRUCTURES], MOST_LABEL_MAPS + 1)
        self._label_maps = {one.id: one for one in listed[:MOST_LABEL_MAPS]}
        is_cut = len(items) > MOST_STRUCTURES or len(listed) > MOST_LABEL_MAPS
        self.problem = (
            f"the server lists {len(items)} structures; of the first {MOST_STRUCTURES}, those of "
            f"{len(self._label_maps)} label maps can be loaded"
            if is_cut
            else ""
        )

    @property
    def listed(self) -> list[ListedLabelMap]:
        """Those of the last LBMETA, in its order. Their images are fetched by GET_IMAGE."""
        return list(self._label_maps.values())

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._label_maps

    def label_map(self, image_id: str) -> ListedLabelMap:
        """Return what the list says of an image; nothing if it is not in there."""
        return self._label_maps.get(image_id) or ListedLabelMap(image_id, "", ())

    def node(self, image_id: str) -> Any:
        """Return the label map volume of an image id, or None if there is none (any more)."""
        return unless_released(self._volumes.get(image_id))

    def segmentation(self, image_id: str) -> Any:
        """Return the segmentation of an image id, or None if there is none (any more)."""
        return unless_released(self._segmentations.get(image_id))

    def adopt(self) -> list[str]:
        """Find the nodes of this server's label maps, as in a scene that was just loaded.

        Returns the ids of the volumes that were not known before and have voxels.
        """
        volumes = self._adopt(self._volumes, LABEL_MAP_CLASS)
        self._adopt(self._segmentations, SEGMENTATION_CLASS)
        return [id_ for id_ in volumes if self.node(id_).GetImageData() is not None]

    def _adopt(self, references: NodeReferences, class_name: str) -> list[str]:
        adopted = []
        for node in nodes_from_server(self._scene, self._server, class_name):
            image_id = read_id(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
            if image_id and unless_released(references.get(image_id)) is None:
                references.keep(image_id, node)
                if class_name == LABEL_MAP_CLASS:
                    edited_voxels.opened(node)
                # LBMETA, which names the owner, may not have come yet.
                self._owners.setdefault(image_id, read_id(node.GetAttribute(OWNER_ATTRIBUTE)))
                self._placement.place_adopted_below(node, self._owners[image_id])
                adopted.append(image_id)
        return adopted

    def _in_scene(self, class_name: str, image_id: str) -> Any:
        """Return the node that another browser has brought into the scene meanwhile, or None."""
        if not self._server:
            return None
        attributes = {SERVER_ATTRIBUTE: self._server, IMAGE_ID_ATTRIBUTE: written_id(image_id)}
        node = node_with(self._scene, [class_name], attributes)
        return None if node in self._volumes or node in self._segmentations else node

    def _write_attributes(self, node: Any, image_id: str) -> None:
        node.SetAttribute(SERVER_ATTRIBUTE, self._server or None)
        node.SetAttribute(IMAGE_ID_ATTRIBUTE, written_id(image_id))
        node.SetAttribute(OWNER_ATTRIBUTE, written_id(self._owners[image_id]) or None)
        self._mark(self._owners[image_id], node)

    def prepare(self, image: ImageMessage) -> Iterator[None]:
        """Read the labels of an image that ``show`` will show, with pauses."""
        self._labels = None
        try:
            labels = yield from read_labels(image)
        except SceneError:
            return  # ``show`` says so
        self._labels = image, labels

    def forget_prepared(self) -> None:
        """Let go of what ``prepare`` has made: the image was shown, or will not be."""
        self._labels = None

    def show(self, image_id: str, image: ImageMessage) -> Any:
        """Return the label map volume of an image that came. Raises ``SceneError``.

        One that the user has edited since stays, beside a new one.
        """
        label_map = self.label_map(image_id)
        self._owners[image_id] = label_map.owner
        before = self.node(image_id) or self._in_scene(LABEL_MAP_CLASS, image_id)
        prepared = self._labels
        is_prepared = prepared is not None and prepared[0] is image
        labels = prepared[1] if is_prepared else at_once(read_labels(image))
        known = edited_voxels.writable(before, labels.pixels)
        moved = self._placement.moved_by(known, label_map.owner)
        node = show_label_map(self._scene, image, label_map, labels, known, self.coordinates, moved)
        edited_voxels.came(node)
        if before is not None and known is None:
            edited_voxels.leave(before, node)
            self._keep_edited(image_id, before)
        self._volumes.keep(image_id, node)
        self._grids[image_id] = image.whole_size, image.usable_ijk_to_ras(self.coordinates)
        self._write_attributes(node, image_id)
        write_timestamp(node, image)
        if self.segmentation(image_id) is not None:
            node.SetNodeReferenceID(SEGMENTATION_ROLE, self.segmentation(image_id).GetID())
        self._placement.place_below(node, label_map.owner)
        return node

    def grid_notes(self, image_id: str) -> tuple[str, ...]:
        """Return how the grid of a label map that came is another than that of its image."""
        grid = self._grids.get(image_id)
        owner = self._placement.owner(self._owners.get(image_id, ""))
        return () if grid is None else grid_notes(grid, owner)

    def show_segmentation(self, image_id: str) -> Any:
        """Return a segmentation of a label map that is in the scene. Raises ``SceneError``.

        It takes the place of the label map in the slice views, which would cover it. One that the
        user has edited since stays, beside a new one.
        """
        label_map = self.node(image_id)
        if label_map is None:
            raise SceneError(f"the label map {printable(image_id)!r} is not loaded; load it first")
        owner_id = self._owners[image_id]
        known = self.segmentation(image_id) or self._in_scene(SEGMENTATION_CLASS, image_id)
        name = ""
        if known is not None and not is_as_made(known):
            name = self._scene.GenerateUniqueName(known.GetName())
            self._leave_to_user(image_id, known)
            known = None
        owner = self._placement.owner(owner_id)
        node = show_segmentation(self._scene, label_map, owner, known, name)
        if known is None:
            self._placement.place_like(node, label_map)
        self._segmentations.keep(image_id, node)
        self._write_attributes(node, image_id)
        label_map.SetNodeReferenceID(SEGMENTATION_ROLE, node.GetID())
        self._placement.place_below(node, owner_id)
        hide_label_layer(self._scene, label_map)
        return node

    def release_of_another(self, image_id: str) -> list[Any]:
        """Let a label map be the user's own: it is listed as another image's now.

        Returns its nodes.
        """
        before, now = self._owners.get(image_id, ""), self.label_map(image_id).owner
        is_another = bool(before and now) and before != now
        return self.disown(before, self._nodes(image_id)) if is_another else []

    def release(self, image_id: str) -> list[Any]:
        """Let a label map be the user's own: it is listed as an image now. Returns its nodes."""
        self._edited.pop(image_id, None)
        self._owners.pop(image_id, None)
        self._grids.pop(image_id, None)
        released = [*filter(None, (self.node(image_id), self.segmentation(image_id)))]
        for node in released:
            self._placement.let_be(node)
            release(node, IMAGE_ID_ATTRIBUTE)
        return released

    def _leave_to_user(self, image_id: str, segmentation: Any) -> None:
        """Find a segmentation no more as that of a label map; it still belongs to its image."""
        release(segmentation, IMAGE_ID_ATTRIBUTE)
        self._keep_edited(image_id, segmentation)

    def _keep_edited(self, image_id: str, node: Any) -> None:
        edited = self._edited.setdefault(image_id, [])
        self._segmentations.keep((image_id, len(edited)), node)
        edited.append((image_id, len(edited)))

    def image_shown(self, image_id: str) -> None:
        """Put an image's label maps under it: it was loaded."""
        self._placement.on_image_shown(image_id)
        for label_map_id, owner_id in self._owners.items():
            for node in self._nodes(label_map_id) if owner_id == image_id else ():
                self._placement.place_below(node, owner_id)

    @property
    def owner_ids(self) -> set[str]:
        """The ids of the images that they belong to."""
        return {owner for owner in self._owners.values() if owner}

    def owned_nodes(self) -> Iterator[tuple[str, Any]]:
        """Yield the id of the image and each node of a label map that belongs to an image."""
        for label_map_id, image_id in self._owners.items():
            if image_id:
                yield from ((image_id, node) for node in self._nodes(label_map_id))

    def disown(self, image_id: str, nodes: Collection[Any] | None = None) -> list[Any]:
        """Let an image's label maps be the user's own: its id is another patient's now.

        Returns their nodes. With ``nodes``, only those label maps that one of these shows.
        """
        released = []
        for label_map_id in [one for one, owner in self._owners.items() if owner == image_id]:
            shown_by = self._nodes(label_map_id)
            if nodes is not None and not any(node in nodes for node in shown_by):
                continue
            for node in shown_by:
                self._placement.release(node, image_id)
            released += shown_by
            self._volumes.forget(label_map_id)
            for key in (label_map_id, *self._edited.pop(label_map_id, ())):
                self._segmentations.forget(key)
            del self._owners[label_map_id]
            self._grids.pop(label_map_id, None)
        return released

    def _nodes(self, image_id: str) -> list[Any]:
        """Return the nodes that show a label map, or have: with segmentations that are edited."""
        keys = (image_id, *self._edited.get(image_id, ()))
        nodes = self.node(image_id), *map(self._segmentations.get, keys)
        return [node for node in nodes if node is not None]
