"""The images that a server streams: it sends them unasked, again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ... import codec, net
from ...scene.images.sequence_recording import frame_size
from ...scene.server_nodes.attributes import write_timestamp
from ..errors import BrowserError
from ..events import Failed, LiveImage, LiveImageState, Observer
from .image_states import ImageStates
from .outdated import newest_events
from .scene_images import SceneImages

# A server that invents names would fill the memory with volumes, and the scene with nodes.
MOST_LIVE_BYTES = codec.DEFAULT_MAX_BODY_SIZE
MOST_LIVE_IMAGES = 64
# Between two ModifiedEvents of the node of a stream that the window itself draws: for each of them
# Slicer sets up its slice views anew, which takes as long as the voxels of several images.
SECONDS_BETWEEN_EVENTS = 0.5
# What the table shows of a live image, which no list names; from its metadata.
_SHOWN = ("SeriesDescription", "Modality", "PatientName", "PatientID")


class LiveImages:
    """Shows each image in its volume, by the device name under which it comes.

    A volume that the user removes stays away until the image is loaded.
    """

    def __init__(
        self,
        notify: Observer,
        in_scene: SceneImages,
        image_states: ImageStates,
    ) -> None:
        self.states: dict[str, LiveImageState] = {}
        self._notify = notify
        self._in_scene = in_scene
        self._image_states = image_states
        self._skipped: Counter[str] = Counter()
        self._ids_with_problems: set[str] = set()
        self._is_full_notified = False
        self._byte_counts: dict[str, int] = {}
        self._drawn_ids: frozenset[str] = frozenset()
        self._modified_at: dict[str, float] = {}
        # Nodes without what is not in the voxels of the last image, by its id.
        self._unfinished: dict[str, tuple[Any, codec.ImageMessage]] = {}

    def set_drawn_ids(self, image_ids: Iterable[str]) -> None:
        """Say of which images an observer of ``LiveImage`` draws all views, with each that comes.

        Their nodes invoke ``ImageDataModifiedEvent`` with each image, and ``ModifiedEvent`` twice a
        second and after the last one.
        """
        self._drawn_ids = frozenset(image_ids)
        for image_id in self._unfinished.keys() - self._drawn_ids:
            self._finish(image_id)

    def forget_all(self) -> None:
        """Begin anew, with another server or another scene."""
        self.set_drawn_ids(())
        self._modified_at = {}
        self.states = {}
        self._skipped.clear()
        self._ids_with_problems = set()
        self._is_full_notified = False
        self._byte_counts = {}

    def skip_outdated(self, events: Sequence[net.ClientEvent]) -> list[net.ClientEvent]:
        """Return ``events`` without the images after which a newer one of their id has come.

        They are counted all the same. A server can send faster than volumes can be shown.
        """
        kept, skipped = newest_events(events)
        self._skipped += skipped
        return kept

    def handle(self, image: codec.ImageMessage) -> None:
        """Show an image that nobody asked for."""
        image_id = image.device_name
        state, shown = self.states.get(image_id), self._in_scene.live_node(image_id)
        is_first = state is None
        skipped = self._skipped.pop(image_id, 0)
        if self._is_too_much(image, is_first):
            self._notify_full()
            return
        is_removed = state is not None and shown is None and not _is_in_scene(state.node)
        is_described = shown is None or self._is_described_anew(image)
        states = self.states
        try:
            node = None if is_removed else self._show(image, is_described)
        except ValueError as error:
            self._notify_problem(image_id, error)
            return
        if self.states is not states:
            return  # who heard of its node has left the server, or closed the scene
        if node is not None:
            self._image_states.live(image_id)
        frames = (0 if state is None else state.frames) + skipped + 1
        last_at = datetime.now(timezone.utc)
        self._byte_counts[image_id] = 0 if node is None else frame_size(image)
        self.states[image_id] = LiveImageState(_entry(image), node, frames, last_at)
        self._notify(LiveImage(image_id, node, frames, is_first))

    def _is_described_anew(self, image: codec.ImageMessage) -> bool:
        """Whether it is the first of its id, or says of itself what the last one did not.

        So that the next patient's images do not go on under the name of the one before. One that
        says nothing, as of a server that tells it once, goes on, unless the list has another
        patient by now.
        """
        state = self.states.get(image.device_name)
        says_something = any(image.metadata.get(keyword) for keyword in _SHOWN)
        is_new = state is None or (says_something and _said(state.entry) != _said(_entry(image)))
        return is_new or self._in_scene.is_of_another_patient(image.device_name)

    def _show(self, image: codec.ImageMessage, is_described: bool) -> Any:
        image_id = image.device_name
        if is_described or not self._show_voxels(image):
            self._unfinished.pop(image_id, None)
            self._in_scene.show_live(image, is_described)
            self._modified_at[image_id] = time.monotonic()
        return self._in_scene.live_node(image_id)

    def _show_voxels(self, image: codec.ImageMessage) -> bool:
        """Show the voxels only of an image that others draw; return whether that could be done."""
        image_id = image.device_name
        is_due = time.monotonic() - self._modified_at.get(image_id, 0.0) > SECONDS_BETWEEN_EVENTS
        if image_id not in self._drawn_ids or is_due or not self._in_scene.show_live_voxels(image):
            return False
        self._unfinished[image_id] = self._in_scene.live_node(image_id), image
        return True

    def _finish(self, image_id: str) -> None:
        node, image = self._unfinished.pop(image_id)
        modified = node.StartModify()
        write_timestamp(node, image)
        node.Modified()
        node.EndModify(modified)

    def _is_too_much(self, image: codec.ImageMessage, is_first: bool) -> bool:
        """Whether the volumes would take too much memory with this one; one alone never does."""
        if is_first and len(self.states) >= MOST_LIVE_IMAGES:
            return True
        others = sum(self._byte_counts.values()) - self._byte_counts.get(image.device_name, 0)
        return others > 0 and others + frame_size(image) > MOST_LIVE_BYTES

    def remove_nodes(self) -> None:
        """Look which volumes are no longer in the scene."""
        for image_id, state in self.states.items():
            if self._in_scene.live_node(image_id) is None and not _is_in_scene(state.node):
                self.states[image_id] = replace(state, node=None)
                self._byte_counts[image_id] = 0

    def _notify_problem(self, image_id: str, error: ValueError) -> None:
        """Notify once an id that its image cannot be shown: the next one comes in no time."""
        if image_id not in self._ids_with_problems and len(self._ids_with_problems) < 1000:
            self._ids_with_problems.add(image_id)
            name = codec.printable(image_id)
            self._notify(Failed(BrowserError(f"the live image {name!r} cannot be shown: {error}")))

    def _notify_full(self) -> None:
        if not self._is_full_notified:
            self._is_full_notified = True
            text = (
                f"the server sends images under more than {MOST_LIVE_IMAGES} names, or of more "
                f"than {MOST_LIVE_BYTES >> 20} MiB together; those that came first are shown"
            )
            self._notify(Failed(BrowserError(text)))


def _is_in_scene(node: Any) -> bool:
    """Whether a node is there, though the server may not call its image a label map any more."""
    return node is not None and node.GetScene() is not None


def _said(entry: codec.ImageMetaItem) -> tuple[str, str, str, str]:
    return entry.name, entry.modality, entry.patient_name, entry.patient_id


def _entry(image: codec.ImageMessage) -> codec.ImageMetaItem:
    """Return what a list would say of an image, as far as the image itself says it."""
    metadata = {key: codec.brief(text) for key, text in image.metadata.items() if key in _SHOWN}
    return codec.ImageMetaItem(
        name=metadata.get("SeriesDescription") or image.device_name,
        id=image.device_name,
        modality=metadata.get("Modality", ""),
        patient_name=metadata.get("PatientName", ""),
        patient_id=metadata.get("PatientID", ""),
        scan_time=image.timestamp,
        size=image.whole_size,
        scalar_type=codec.ScalarType.of(image.pixels.dtype),
    )
