"""A source that offers what is in a scene of Slicer: volumes, label maps, markups and colors.

So a plan made in Slicer reaches a navigation system that asks for it. All is RAS mm in the scene's
world, transforms included.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import slicer

from .. import codec
from ..codec.header import DEVICE_NAME_SIZE
from ..net.source import NotReadyError, SourceError
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
from .begun_work import BegunWork
from .turn_clock import TurnClock

# Of a server, host and port; a client that pushes has a device name.
_ADDRESS = re.compile(":[0-9]+$")
# What the fields of IMGMETA hold.
_LONGEST_AXIS = 65535
# Lists that are made in turns at a time: one for each client that asks.
_MOST_LISTS = 8
_KEYWORDS = ("Modality", "PatientName", "PatientID")

Item = TypeVar("Item")
# What a list is made of, with None between where there is time for a pause.
_Items = Iterator["Item | None"]


class SceneSource:
    """Offers the nodes of ``scene``, a vtkMRMLScene, as they are when somebody asks.

    ``on_received`` is called with what clients send unasked, such as trajectories (TRAJ).
    ``shared_ids`` are the MRML ids of the nodes that are offered; None for all that can be. Lists
    are made for ``seconds_a_turn``, and then raise ``NotReadyError``; without stopping if that is
    None.
    """

    def __init__(
        self,
        scene: Any,
        on_received: Callable[[codec.Message], None] | None = None,
        seconds_a_turn: float | None = None,
    ) -> None:
        self._scene = scene
        self._seconds_a_turn = seconds_a_turn
        self._asked_at = 0.0
        self._clock = TurnClock()
        # By what they are of, and when they were asked for: none is older than its question.
        self._lists: BegunWork[tuple[list[Any], Iterator[Any]]] = BegunWork(
            _MOST_LISTS, self._clock
        )
        self._on_received = on_received
        # As often as a user sees a change when a segmentation is painted or a volume moved.
        self.seconds_between_images = 0.1
        self.shared_ids: Collection[str] | None = None
        # Looking through a label map takes some tenths of a second: by id, when and what.
        self._merged_labels: dict[str, tuple[tuple[int, ...], MergedLabels]] = {}
        self._labels: dict[str, tuple[int, list[int]]] = {}

    def require_lists_since(self, since: float, image_id: str = "") -> None:
        """Go on with the list of the question that came ``since``; see ``net.source``."""
        self._asked_at = since

    def images(self) -> Sequence[codec.ImageMetaItem]:
        """Return what is known of the volumes; those that cannot be sent are left out."""
        return self._in_turns("images", self._image_items)

    def metadata(self, image_id: str) -> Mapping[str, str]:
        """Return the modality of a volume. Raises ``SourceError``."""
        if self._segmentation(image_id) is not None:
            return {}
        known = _KnownTexts(self._hierarchy()).of(self._volume(image_id))
        return {"Modality": known["Modality"]} if known["Modality"] else {}

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
        return self._in_turns("trajectories", self._trajectory_items)

    def points(self) -> Sequence[codec.PointItem]:
        """Return the points of all point lists."""
        return self._in_turns("points", self._point_items)

    def label_maps(self) -> Sequence[codec.LabelMetaItem]:
        """Return the labels that the label maps have voxels of."""
        return self._in_turns("label maps", self._label_items)

    def _in_turns(self, name: str, items: Callable[[], _Items[Item]]) -> list[Item]:
        """Return a list, or go on with it. Raises ``NotReadyError`` at a turn's end."""
        key = name, self._asked_at
        work = self._lists.take(key)
        if work is None:
            self._lists.make_room()
            work = [], items()
        made, rest = work
        end = time.monotonic() + (self._seconds_a_turn or 0.0)
        with self._clock.turn():
            for item in rest:
                if item is not None:
                    made.append(item)
                if self._seconds_a_turn is not None and time.monotonic() >= end:
                    self._lists.keep(key, work, is_awaited=True)
                    raise NotReadyError
        return made

    def _image_items(self) -> _Items[codec.ImageMetaItem]:
        known = _KnownTexts(self._hierarchy())
        for volume in self._nodes(*IMAGE_CLASSES):
            yield _image_item(volume, known.of(volume)) if _is_sendable(volume) else None

    def _trajectory_items(self) -> _Items[codec.TrajectoryItem]:
        owners = yield from self._owners(LINE_CLASS, POINT_CLASS)
        for node in self._nodes(LINE_CLASS, POINT_CLASS):
            item = None
            if is_trajectory(node):
                with suppress(SceneError):
                    item = trajectory_item(node, owner=owners.owner_id(node))
            yield item

    def _point_items(self) -> _Items[codec.PointItem]:
        owners = yield from self._owners(POINT_CLASS)
        for node in self._nodes(POINT_CLASS):
            if not is_trajectory(node):
                yield from point_items(node, owner=owners.owner_id(node))
            yield None

    def _label_items(self) -> _Items[codec.LabelMetaItem]:
        owners = yield from self._owners(SEGMENTATION_CLASS)
        for volume in self._nodes(LABEL_MAP_CLASS):
            if _is_sendable(volume):
                owner = self._volume_above(volume)
                owner_id = "" if owner is None else _id(owner)
                yield from label_items(volume, _id(volume), owner_id, self._labels_of(volume))
            yield None
        for segmentation in self._nodes(SEGMENTATION_CLASS):
            with suppress(SourceError):  # nothing drawn yet
                yield from self._segment_items(segmentation, owners)
            yield None

    def _owners(self, *class_names: str) -> Generator[None, None, _Owners]:
        """Return the volumes to which nodes of these classes can belong, if there are any."""
        owners = _Owners()
        if next(self._nodes(*class_names), None) is None:
            return owners
        for volume in self._nodes(*IMAGE_CLASSES):
            if _is_sendable(volume):
                owners.add(volume)
            yield
        return owners

    def _segment_items(self, segmentation: Any, owners: _Owners) -> list[codec.LabelMetaItem]:
        merged = self._merged(segmentation)
        k, j, i = merged.pixels.shape
        volume = reference_volume(segmentation)
        owner = "" if volume is None else _id(volume)
        owner = owner if owner in owners.ids else ""
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
            is_there = node.GetScene() is not None  # it may be removed between two turns
            if is_there and (self.shared_ids is None or node.GetID() in self.shared_ids):
                yield node

    def _visible_nodes(self, *class_names: str) -> Iterator[Any]:
        for node in visible_nodes(self._scene, *class_names):
            if not node.GetHideFromEditors():
                yield node

    def _volume(self, image_id: str) -> Any:
        for volume in self._nodes(*IMAGE_CLASSES, LABEL_MAP_CLASS):
            if _id(volume) == image_id:
                return volume
        raise SourceError(f"there is no volume with the ID {codec.printable(image_id)!r} here")

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


class _KnownTexts:
    """DICOM fields of volumes, or of what they stand under; of each item they are read once."""

    def __init__(self, hierarchy: Any) -> None:
        self._hierarchy = hierarchy
        self._above: dict[int, dict[str, str]] = {0: {}, hierarchy.GetSceneItemID(): {}}

    def of(self, volume: Any) -> dict[str, str]:
        """Return the fields of a volume; those that nobody knows are empty."""
        texts = {keyword: volume.GetAttribute(f"DICOM.{keyword}") or "" for keyword in _KEYWORDS}
        if not all(texts.values()):
            above = self._of_item(self._hierarchy.GetItemByDataNode(volume))
            texts = {key: text or above.get(key, "") for key, text in texts.items()}
        return texts

    def _of_item(self, item: int) -> dict[str, str]:
        texts = self._above.get(item)
        if texts is None:
            above = self._of_item(self._hierarchy.GetItemParent(item))
            texts = self._above[item] = {
                key: read_attribute(self._hierarchy, item, f"DICOM.{key}") or above.get(key, "")
                for key in _KEYWORDS
            }
        return texts


class _Owners:
    """The volumes to which markups can belong: ``ids`` are ours."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        # By the ids of the servers from which they have come: from which, and our id.
        self._received: defaultdict[str, list[tuple[str | None, str]]] = defaultdict(list)

    def add(self, volume: Any) -> None:
        """Know one more volume; they come in the scene's order."""
        self.ids.add(_id(volume))
        image_id = read_id(volume.GetAttribute(IMAGE_ID_ATTRIBUTE))
        self._received[image_id].append((volume.GetAttribute(SERVER_ATTRIBUTE), _id(volume)))

    def owner_id(self, node: Any) -> str:
        """Return our id of the volume that markups belong to, or an empty text.

        Those that a server sent name it by that server's id, those that a client pushed by ours.
        """
        owner = read_id(node.GetAttribute(OWNER_ATTRIBUTE))
        server = node.GetAttribute(SERVER_ATTRIBUTE) or ""
        received = self._received.get(owner, []) if owner else []
        if _ADDRESS.search(server):  # an image of another server can have the same id
            return next((one for address, one in received if address == server), "")
        return next((one for _, one in received), owner if owner in self.ids else "")


def _is_sendable(volume: Any) -> bool:
    """Whether a message holds a volume."""
    try:
        scalar_type(volume)
    except SceneError:
        return False
    return max(volume.GetImageData().GetDimensions()) <= _LONGEST_AXIS


def _image_item(volume: Any, known: Mapping[str, str]) -> codec.ImageMetaItem:
    return codec.ImageMetaItem(
        name=volume.GetName() or "",
        id=_id(volume),
        modality=known["Modality"],
        patient_name=known["PatientName"],
        patient_id=known["PatientID"],
        scan_time=_scan_time(volume),
        size=volume.GetImageData().GetDimensions(),
        scalar_type=scalar_type(volume),
    )


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
