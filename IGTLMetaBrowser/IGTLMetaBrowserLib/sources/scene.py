"""A source that offers what is in a scene of Slicer: volumes, label maps, markups and colors.

So a plan made in Slicer reaches a navigation system that asks for it. All is RAS mm in the scene's
world, transforms included.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

import slicer

from .. import codec
from ..codec.header import DEVICE_NAME_SIZE
from ..net.source import SourceError
from ..scene.errors import SceneError
from ..scene.images.image_set import SCAN_TIME_ATTRIBUTE
from ..scene.images.outgoing_volumes import (
    color_table_message,
    image_message,
    label_items,
    labels_in,
    scalar_type,
)
from ..scene.label_maps.label_maps import LABEL_MAP_CLASS
from ..scene.label_maps.outgoing_segmentations import (
    SEGMENTATION_CLASS,
    MergedLabels,
    merged_labels,
    reference_volume,
    segmentation_version,
)
from ..scene.markups.new_markups import LINE_CLASS, POINT_CLASS
from ..scene.markups.outgoing_markups import is_trajectory, point_items, trajectory_item
from ..scene.markups.trajectory_markups import OWNER_ATTRIBUTE
from ..scene.nodes.nodes_by_class import visible_nodes
from ..scene.server_nodes.attributes import (
    IMAGE_CLASSES,
    IMAGE_ID_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    read_id,
)
from ..scene.subject_hierarchy.item_texts import read_attribute

# Of a server, host and port; a client that pushes has a device name.
_ADDRESS = re.compile(":[0-9]+$")
# What the fields of IMGMETA hold.
_LONGEST_AXIS = 65535


class SceneSource:
    """Offers the nodes of ``scene``, a vtkMRMLScene, as they are when somebody asks.

    ``on_received`` is called with what clients send unasked, such as trajectories (TRAJ).
    ``shared_ids`` are the MRML ids of the nodes that are offered; None for all that can be.
    """

    def __init__(
        self, scene: Any, on_received: Callable[[codec.Message], None] | None = None
    ) -> None:
        self._scene = scene
        self._on_received = on_received
        # As often as a user sees a change when a segmentation is painted or a volume moved.
        self.seconds_between_images = 0.1
        self.shared_ids: Collection[str] | None = None
        # Looking through a label map takes some tenths of a second: by id, when and what.
        self._merged_labels: dict[str, tuple[tuple[int, ...], MergedLabels]] = {}
        self._labels: dict[str, tuple[int, list[int]]] = {}

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return what is known of the volumes; those that cannot be sent are left out."""
        return [self._image_item(volume) for volume in self._volumes(*IMAGE_CLASSES)]

    def image(self, image_id: str) -> codec.ImageMessage:
        """Return a volume or a label map. Raises ``SourceError``."""
        if (segmentation := self._segmentation(image_id)) is not None:
            merged = self._merged(segmentation)
            return codec.ImageMessage.from_ijk_to_ras(merged.pixels, merged.ijk_to_ras)
        volume = self._volume(image_id)
        try:
            return image_message(volume)
        except SceneError as error:
            raise SourceError(str(error)) from None

    def image_version(self, image_id: str) -> tuple[int, ...]:
        """When the volume, its voxels or its transforms changed. Raises ``SourceError``."""
        if (segmentation := self._segmentation(image_id)) is not None:
            return segmentation_version(segmentation)
        volume = self._volume(image_id)
        data, transform = volume.GetImageData(), volume.GetParentTransformNode()
        scalars = None if data is None else data.GetPointData().GetScalars()
        parts = (volume, data, scalars)
        times = [part.GetMTime() for part in parts if part is not None]
        transforms = 0 if transform is None else transform.GetTransformToWorldMTime()
        return (*times, transforms)

    def trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the markups lines and planned points; lines in the making are left out."""
        items = []
        for node in self._nodes(LINE_CLASS, POINT_CLASS):
            if is_trajectory(node):
                try:
                    items.append(trajectory_item(node, owner=self._owner_id(node)))
                except SceneError:
                    continue
        return items

    def points(self) -> Sequence[codec.PointItem]:
        """Return the points of all point lists."""
        return [
            item
            for node in self._nodes(POINT_CLASS)
            if not is_trajectory(node)
            for item in point_items(node, owner=self._owner_id(node))
        ]

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the labels that the label maps have voxels of."""
        items: list[codec.LabelMetaItem] = []
        for volume in self._volumes(LABEL_MAP_CLASS):
            owner = self._volume_above(volume)
            owner_id = "" if owner is None else _id(owner)
            items += label_items(volume, _id(volume), owner_id, self._labels_of(volume))
        for segmentation in self._nodes(SEGMENTATION_CLASS):
            with suppress(SourceError):  # nothing drawn yet
                items += self._segment_items(segmentation)
        return items

    def _segment_items(self, segmentation: Any) -> list[codec.LabelMetaItem]:
        merged = self._merged(segmentation)
        k, j, i = merged.pixels.shape
        volume = reference_volume(segmentation)
        is_offered = volume is not None and volume in [*self._volumes(*IMAGE_CLASSES)]
        owner = _id(volume) if is_offered else ""
        return [
            codec.LabelMetaItem(
                codec.cut_text(name, 64), _id(segmentation), label, rgba, (i, j, k), owner
            )
            for label, (name, rgba) in enumerate(merged.segments, start=1)
        ]

    def _segmentation(self, image_id: str) -> Any:
        nodes = self._nodes(SEGMENTATION_CLASS)
        return next((node for node in nodes if _id(node) == image_id), None)

    def _merged(self, segmentation: Any) -> MergedLabels:
        """Return a segmentation's label map, merged once for each version of it."""
        version = segmentation_version(segmentation)
        known = self._merged_labels.get(segmentation.GetID())
        if known is None or known[0] != version:
            try:
                known = version, merged_labels(segmentation)
            except SceneError as error:
                raise SourceError(str(error)) from None
            # Of one only: each may have the size of its image.
            self._merged_labels = {segmentation.GetID(): known}
        return known[1]

    def color_table(self, image_id: str) -> codec.ColorTableMessage:
        """Return the colors in which a volume is shown. Raises ``SourceError``."""
        volume = self._volume(image_id)
        try:
            return color_table_message(volume)
        except SceneError as error:
            raise SourceError(str(error)) from None

    def receive(self, message: codec.Message) -> None:
        """Pass on what a client sent unasked. Raises ``SourceError`` if nobody wants it."""
        if self._on_received is None:
            raise SourceError("messages that were not requested are not accepted here")
        self._on_received(message)

    def all_nodes(self) -> Iterator[Any]:
        """Yield all that can be offered, shared or not, in the scene's order."""
        classes = (*IMAGE_CLASSES, LABEL_MAP_CLASS, SEGMENTATION_CLASS, LINE_CLASS, POINT_CLASS)
        return self._visible_nodes(*classes)

    def name_of(self, image_id: str) -> str:
        """Return the name of a volume; its id if there is none any more."""
        segmentation = self._segmentation(image_id)
        try:
            return (segmentation or self._volume(image_id)).GetName() or image_id
        except SourceError:
            return image_id

    def _nodes(self, *class_names: str) -> Iterator[Any]:
        """Yield the nodes of exactly these classes that are shared, in the scene's order."""
        for node in self._visible_nodes(*class_names):
            if self.shared_ids is None or node.GetID() in self.shared_ids:
                yield node

    def _visible_nodes(self, *class_names: str) -> Iterator[Any]:
        for node in visible_nodes(self._scene, *class_names):
            if not node.GetHideFromEditors():
                yield node

    def _volumes(self, *class_names: str) -> Iterator[Any]:
        for volume in self._nodes(*class_names):
            try:
                scalar_type(volume)
            except SceneError:
                continue
            if max(volume.GetImageData().GetDimensions()) <= _LONGEST_AXIS:
                yield volume

    def _volume(self, image_id: str) -> Any:
        for volume in self._nodes(*IMAGE_CLASSES, LABEL_MAP_CLASS):
            if _id(volume) == image_id:
                return volume
        raise SourceError(f"there is no volume with the ID {codec.printable(image_id)!r} here")

    def _image_item(self, volume: Any) -> codec.ImageMetaItem:
        return codec.ImageMetaItem(
            name=volume.GetName() or "",
            id=_id(volume),
            modality=self._known(volume, "Modality"),
            patient_name=self._known(volume, "PatientName"),
            patient_id=self._known(volume, "PatientID"),
            scan_time=_scan_time(volume),
            size=volume.GetImageData().GetDimensions(),
            scalar_type=scalar_type(volume),
        )

    def _known(self, volume: Any, keyword: str) -> str:
        """Return a DICOM field of a volume, or of what it stands under, or an empty text."""
        name = f"DICOM.{keyword}"
        if value := volume.GetAttribute(name):
            return value
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(volume)
        while item and item != hierarchy.GetSceneItemID():
            if value := read_attribute(hierarchy, item, name):
                return value
            item = hierarchy.GetItemParent(item)
        return ""

    def _owner_id(self, node: Any) -> str:
        """Return our id of the volume that markups belong to, or an empty text.

        Those that a server sent name it by that server's id, those that a client pushed by ours.
        """
        owner = read_id(node.GetAttribute(OWNER_ATTRIBUTE))
        volumes = [*self._volumes(*IMAGE_CLASSES)] if owner else []
        found = (one for one in volumes if read_id(one.GetAttribute(IMAGE_ID_ATTRIBUTE)) == owner)
        server = node.GetAttribute(SERVER_ATTRIBUTE) or ""
        if _ADDRESS.search(server):  # an image of another server can have the same id
            found = (one for one in found if one.GetAttribute(SERVER_ATTRIBUTE) == server)
        else:
            found = chain(found, (volume for volume in volumes if _id(volume) == owner))
        return next(map(_id, found), "")

    def _volume_above(self, volume: Any) -> Any:
        """Return the volume that a label map stands under, or None."""
        hierarchy = self._hierarchy()
        item = hierarchy.GetItemByDataNode(volume)
        above = hierarchy.GetItemDataNode(hierarchy.GetItemParent(item)) if item else None
        is_image = above is not None and above.GetClassName() in IMAGE_CLASSES
        return above if is_image else None

    def _hierarchy(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self._scene)

    def _labels_of(self, volume: Any) -> list[int]:
        time = volume.GetImageData().GetMTime()
        if self._labels.get(volume.GetID(), (None,))[0] != time:
            self._labels[volume.GetID()] = time, labels_in(volume)
        return self._labels[volume.GetID()][1]


def _id(volume: Any) -> str:
    """Return a volume's id for messages: its node's, without what all of its class have.

    LabelMapVolume123456 has the 20 characters that there are. What is longer, as that of a node
    with a singleton tag, would fail the whole list; cut, it could be another volume's.
    """
    node_id, class_name = volume.GetID(), volume.GetClassName()
    if node_id.startswith(class_name):
        short_name = class_name.removeprefix("vtkMRML").removesuffix("Node")
        short_id = short_name + node_id.removeprefix(class_name)
        if len(short_id.encode()) <= DEVICE_NAME_SIZE:
            return short_id
    return hashlib.sha256(node_id.encode()).hexdigest()[:DEVICE_NAME_SIZE]


def _scan_time(volume: Any) -> codec.Timestamp:
    text = volume.GetAttribute(SCAN_TIME_ATTRIBUTE)
    try:
        return codec.Timestamp.from_datetime(datetime.fromisoformat(text or ""))
    except ValueError:
        return codec.Timestamp(0)
