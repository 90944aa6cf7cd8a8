"""The volumes of the images of a server: which image is where in the scene."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from ... import codec
from ...codec.slice_stack import SliceStack
from ...net.client.image_notes import (
    describe_image,
    image_notes,
    scalar_type_text,
    size_text,
)
from ...net.client.listed_images import (
    fits,
    is_another_patient,
    is_of_another_patient,
)
from ...net.list_metadata.image_sequences import ImageSequence
from ...scene.errors import SceneError
from ...scene.images.edited_voxels import left_notes
from ...scene.images.image_nodes import ImageNodes
from ...scene.images.image_set import ImageSet
from ...scene.images.moved_images import undone_notes
from ...scene.images.node_slices import slices_of_node
from ...scene.images.savable_voxels import saving_notes
from ...signal import Signal
from ..connection import ServerConnection
from ..overlays import Overlays
from .image_metadata import ImageMetadata
from .list_notes import doubled_notes

_CLASSES_OF_IMAGES = ("vtkMRMLVolumeNode", "vtkMRMLSequenceNode", "vtkMRMLSequenceBrowserNode")


class SceneImages:
    """The volumes and label maps of the server of ``connection``.

    ``nodes`` are the volumes of all servers. ``image_shown`` is emitted with the id of an image
    that has come into the scene; ``released`` with the name of a node that showed an id as what it
    is listed no more, label map or image, and is the user's now.
    """

    def __init__(
        self,
        connection: ServerConnection,
        metadata: ImageMetadata,
        overlays: Overlays,
        nodes: ImageNodes,
    ) -> None:
        self.image_shown: Signal[[str]] = Signal()
        self.released: Signal[[str]] = Signal()
        self._connection = connection
        self._metadata = metadata
        self._overlays = overlays
        self._nodes = nodes

    @property
    def volumes(self) -> ImageSet:
        """The volumes of the server's images."""
        return self._nodes.of(self._connection.address)

    @property
    def coordinates(self) -> codec.Coordinates | None:
        """Overrules what images say of their matrix; None believes them."""
        return self.volumes.coordinates

    @coordinates.setter
    def coordinates(self, coordinates: codec.Coordinates | None) -> None:
        self.volumes.coordinates = self._overlays.label_maps.coordinates = coordinates

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None if it is not in the scene (any more)."""
        # Of a label map, a volume may have come before the list that says so, as of any image; and
        # in a saved scene a label map, of which no list has come yet.
        places = [self.volumes.node, self._overlays.label_maps.node]
        if self._overlays.is_label_map(image_id):
            places.reverse()
        node = places[0](image_id)
        return places[1](image_id) if node is None else node

    @staticmethod
    def may_show_image(node: Any) -> bool:
        """Whether a node, of any if it is None, can be one without which an image is not there."""
        return node is None or any(map(node.IsA, _CLASSES_OF_IMAGES))

    def has(self, image_id: str) -> bool:
        """Whether an image is in the scene."""
        return self.node(image_id) is not None

    def listed_id(self, image_id: str) -> str:
        """Return under what the list says whose image it is: of a label map, that of its image."""
        return self._overlays.label_maps.label_map(image_id).owner or image_id

    def is_label_list_older(self, image_id: str) -> bool:
        """Whether an image is a label map by a list that came over another connection."""
        return self._overlays.is_label_map(image_id) and not self._overlays.is_list_current

    def slices(self, image_id: str) -> SliceStack | None:
        """Return the slices of the volume of an image, or None if it cannot be shown so.

        Another browser of the server may have put the next patient's image there.
        """
        node, is_of_other = self.node(image_id), self.is_of_another_patient(image_id)
        try:
            return None if node is None or is_of_other else slices_of_node(node)
        except SceneError:
            return None

    def is_of_another_patient(self, image_id: str) -> bool:
        """Whether the scene has the image of another patient than the list says."""
        entry = self._metadata.entry(image_id)
        in_scene = self.volumes.patient(image_id)
        return entry is not None and is_another_patient(*in_scene, entry)

    def adopt(self) -> tuple[list[str], list[str]]:
        """Find what is in the scene already; return the new ids of images and of label maps."""
        images = self.volumes.adopt()
        for image_id in images:
            # The next list may give the id to another patient's image.
            patient = self.volumes.patient(image_id)
            if any(patient):
                self._metadata.remember_in_scene(image_id, *patient)
            # The last one may have done so, before an older scene was opened.
            if self.is_of_another_patient(image_id):
                self.volumes.disown(image_id)
        return images, self._overlays.adopt()

    def prepare(self, image_id: str, image: codec.ImageMessage) -> Iterator[None]:
        """Do, with pauses, what takes long of showing an image that came."""
        if self._overlays.is_label_map(image_id):
            return self._overlays.label_maps.prepare(image)
        return self.volumes.prepare(image_id, image)

    def forget_prepared(self) -> None:
        """Let go of what was prepared."""
        self._nodes.forget_prepared()
        self._overlays.forget_prepared()

    def show(
        self, image_id: str, image: codec.ImageMessage, is_live: bool = False
    ) -> tuple[Any, tuple[str, ...]]:
        """Show an image that came; return its node, and what is noteworthy of it.

        Its preview, if there is one, stays in the views until ``replace_preview``. Raises
        ``SceneError``.
        """
        if self._overlays.is_label_map(image_id):
            label_map = self._overlays.label_maps.label_map(image_id)
            self._check_patient(label_map.owner, image)
            if self.is_label_list_older(image_id):
                raise SceneError(
                    "the server may have been started again with other label maps; get their list, "
                    "and load it again"
                )
            self._metadata.known.messages.keep(image_id, image.metadata)
            notices = image.metadata.get("Notice", "").split("; ")
            self._release(self._overlays.label_maps.release_of_another(image_id))
            before = self._overlays.label_maps.node(image_id)
            node = self._overlays.label_maps.show(image_id, image)
            # It may have come before the list of label maps, as any image.
            self._release(self.volumes.release_volume(image_id))
            return node, (*filter(None, notices), *label_map.notes, *left_notes(before, node))
        self._metadata.on_image(image_id, image)
        entry = self._metadata.entry(image_id)
        scan_time = None if entry is None else entry.scan_time.to_datetime()
        before = self.volumes.volume(image_id)
        undone = undone_notes(before)
        node = self.volumes.show(image_id, image, scan_time, is_live)
        # Without that list it may be a label map still, as one of a saved scene.
        if self._overlays.is_list_current:
            self._release(self._overlays.label_maps.release(image_id))
        self.image_shown.emit(image_id)
        doubled = doubled_notes(self._metadata.listing.entries_of(image_id), entry)
        notes = *image_notes(image_id, entry, image), *saving_notes(image.pixels)
        return node, (*notes, *doubled, *(left_notes(before, node) or undone))

    def _release(self, nodes: Iterable[Any]) -> None:
        for node in nodes:
            self.released.emit(node.GetName())

    def show_preview(
        self,
        image_id: str,
        image: codec.ImageMessage,
        stride: tuple[int, int, int],
        how_much: str,
    ) -> Any:
        """Show what has come of an image, see ``ImageSet.show_preview``.

        Label maps have no preview: a label between two others is a wrong one.
        """
        if self._overlays.is_label_map(image_id):
            return None
        return self.volumes.show_preview(image_id, image, stride, how_much)

    def show_region(
        self, image_id: str, image: codec.ImageMessage, start: tuple[int, int, int]
    ) -> Any:
        """Show a part of an image, see ``ImageSet.show_region``. Raises ``SceneError``."""
        self._check_patient(image_id, image)
        listing = self._metadata.listing
        if image_id in listing and not self._connection.has_sent(listing):
            raise SceneError(
                "the server may have been started again with other images; get the list, and load "
                "the region again"
            )
        return self.volumes.show_region(image_id, image, start)

    def live_node(self, image_id: str) -> Any:
        """Return the node that a live image comes into, or None: not that of a 4D series."""
        if self._overlays.is_label_map(image_id):
            return self._overlays.label_maps.node(image_id)
        return self.volumes.volume(image_id)

    def show_live(self, image: codec.ImageMessage, is_described: bool) -> Any:
        """Show a live image; return its node, which ``is_described`` anew, as with the first one.

        Raises ``SceneError``, also rather than show what has only the ID of a listed image, and
        another size, type or patient, under that image's name.
        """
        self._check_is_as_listed(image)
        if is_described or self._overlays.is_label_map(image.device_name):
            node, _ = self.show(image.device_name, image, is_live=True)
            self.volumes.replace_preview(image.device_name)
            return node
        # Its description has not changed: to write it anew would take longer than the voxels.
        return self.volumes.update(image.device_name, image)

    def show_live_voxels(self, image: codec.ImageMessage) -> bool:
        """Show the next of the live images of an id, see ``ImageSet.update_voxels``.

        Raises ``SceneError``.
        """
        self._check_is_as_listed(image)
        image_id = image.device_name
        is_label_map = self._overlays.is_label_map(image_id)
        return not is_label_map and self.volumes.update_voxels(image_id, image)

    def _check_patient(self, image_id: str, image: codec.ImageMessage) -> None:
        entries = self._metadata.listing.entries_of(image_id)
        if entries and all(is_of_another_patient(image, entry) for entry in entries):
            raise SceneError(
                "it says that it is of another patient than the list says; read the list again"
            )

    def _check_is_as_listed(self, image: codec.ImageMessage) -> None:
        self._check_patient(image.device_name, image)
        # Servers list live images without a size, as it may change.
        entries = [
            entry
            for entry in self._metadata.listing.entries_of(image.device_name)
            if all(entry.size)
        ]
        if not entries or any(fits(image, entry) for entry in entries):
            return
        raise SceneError(
            f"{describe_image(image)} came; the image of that ID is listed with "
            f"{size_text(entries[0].size)} voxels, {scalar_type_text(entries[0].scalar_type)}; "
            "read the list again if it has changed"
        )

    def make_sequence(self, sequence: ImageSequence) -> Generator[None, None, Any]:
        """Make one sequence of loaded images, see ``ImageSet``. Raises ``SceneError``."""
        browser = yield from self.volumes.make_sequence(*sequence)
        # What belongs to them follows from now on what shows all of them.
        for image_id in self._metadata.other_ids() & {*sequence.ids}:
            self.image_shown.emit(image_id)
            yield
        return browser

    def on_server_selected(self) -> None:
        """Write from now on what is known of the images of another server."""
        self.volumes.known = self._metadata.known

    def on_patient_changed(self, image_id: str) -> None:
        """Let nothing that comes belong to the volume of an image whose id is another's now."""
        self.volumes.disown(image_id)

    def on_calibration_changed(self, image_id: str) -> None:
        """Give the volume of an image its calibrated spacing, or its own again."""
        calibration = self._metadata.calibration(image_id)
        self.volumes.calibrate(image_id, calibration)

    def hide_more(self, is_all: bool = False) -> None:
        """Hide the patients whom a list or an image has named, if they are hidden.

        ``is_all``: those who were known before, too, as in what was imported.
        """
        self._nodes.hide_more(is_all)

    def close(self) -> None:
        """Let go of who is told; patients can still be shown again."""
        for signal in (self.image_shown, self.released):
            signal.disconnect_all()
        self._nodes.close()

    def on_hidden_changed(self, _is_hidden: bool) -> None:
        """Write anew what the volumes say of their patients, who were hidden or shown."""
        self._metadata.register_patients()
        self._nodes.patients_changed()
