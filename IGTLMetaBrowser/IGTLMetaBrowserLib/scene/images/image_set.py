"""Which volume shows which image of a server, and what is written onto it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import slicer

from ... import codec
from ...codec.window_level import VoiWindow
from ...metadata.modules import VOI_LUT, known_module
from ...metadata.providers.calibration import CalibratedSpacing
from ...metadata.providers.standard import StandardProviders
from ...privacy.hidden_patients import HiddenPatients
from ..errors import SceneError
from ..hidden_patients.patient_marks import NOT_KNOWN, is_same_patient, patient_of
from ..nodes.node_names import given_name
from ..nodes.node_references import NodeReferences
from ..server_nodes.attributes import (
    IMAGE_CLASSES,
    IMAGE_ID_ATTRIBUTE,
    REGION_OF_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    key_attributes,
    node_with,
    nodes_from_server,
    read_id,
    unless_released,
    write_timestamp,
    written_id,
)
from ..server_nodes.released_nodes import release
from ..transform_followers import TransformFollowers
from . import edited_voxels
from .calibrated_spacing import calibrate, calibrate_new, with_spacing, with_stride
from .described_nodes import names_of, rewrite_nodes, write_description
from .describer import is_of_patient, sign, take
from .description import ImageDescription
from .moved_images import (
    check_not_bent,
    forget_geometry,
    from_world,
    moved_back,
    movement,
    write_geometry,
)
from .previews import PreviewName, Previews
from .sequence import SequenceFrames, frame_order, make_sequence
from .sequence_names import SequenceNames
from .sequence_recording import SequenceRecording
from .subvolumes import MOST_AT_ONCE, WholeInTurns
from .volumes import remove_in_turns, show_image, show_next, volume_around

SCAN_TIME_ATTRIBUTE = "IGTLMetaBrowser.ScanTime"
"""ISO 8601, UTC."""


class ImageSet:
    """One node for each image of a server; an image that comes again comes into its node.

    ``known`` are the server's providers: they learn what comes with an image, and know its
    calibration. ``coordinates`` overrules what images say of their matrix; None believes them.
    ``patients_changed``, a method, writes anew what all nodes of the scene say of patients.
    """

    def __init__(
        self,
        scene: Any,
        address: str,
        known: StandardProviders,
        patients: HiddenPatients,
        patients_changed: Callable[[], None],
    ) -> None:
        self._scene = scene
        self._address = address
        self.known = known
        self._patients = patients
        # Weak: whose method it is has this set.
        self._patients_changed = weakref.WeakMethod(patients_changed)
        self._patient_changes = 0  # how often they were hidden or shown
        self._nodes = NodeReferences(scene)
        self._previews = Previews(scene, patients)
        # Of images by id, of regions by what they show as well.
        self._descriptions: dict[Hashable, ImageDescription] = {}
        self._frames = SequenceFrames(scene)
        self._disowned: set[str] = set()
        self._regions = TransformFollowers()
        # Of the last large sub-volume that was prepared.
        self._whole: WholeInTurns | None = None
        self.coordinates: codec.Coordinates | None = None

    def node(self, image_id: str) -> Any:
        """Return the volume node of an image, or None if there is none (any more).

        Of an image that is a frame of a sequence it is the volume that replays that.
        """
        volume = self.volume(image_id)
        return self._frames.volume(image_id) if volume is None else volume

    def owner(self, image_id: str) -> Any:
        """Return the node of the image that markups and labels name; None as ``node`` does.

        Or if the id is another patient's now, and the node still has the image of before.
        """
        return None if image_id in self._disowned else self.node(image_id)

    def disown(self, image_id: str) -> None:
        """Have an image own nothing that comes from now on, until it is shown anew."""
        self._disowned.add(image_id)

    def volume(self, image_id: str) -> Any:
        """Return the volume of its own that an image has, or None."""
        return unless_released(self._nodes.get(image_id))

    def patient(self, image_id: str) -> tuple[str, str]:
        """Return ID and name of the patient whose image is shown; empty if not known."""
        node = self.volume(image_id) or self._frames.frame(image_id)
        return NOT_KNOWN if node is None else patient_of(node)

    def _volume_in_scene(self, image_id: str) -> Any:
        """Return the same, also if another browser has brought it into the scene meanwhile."""
        if (node := self.volume(image_id)) is not None:
            return node
        attributes = {SERVER_ATTRIBUTE: self._address, IMAGE_ID_ATTRIBUTE: written_id(image_id)}
        return self._unknown_node_with(attributes)

    def _unknown_node_with(self, attributes: Mapping[str, str]) -> Any:
        node = node_with(self._scene, IMAGE_CLASSES, attributes)
        return None if node in self._nodes else node

    def adopt(self) -> list[str]:
        """Find the volumes that show the images, as in a scene that was just loaded.

        Returns the ids of those that were not known before and have voxels. They get the pixels of
        their image when it comes again, and keep the user's display.
        """
        adopted = self._frames.adopt(self._address)
        for node in nodes_from_server(self._scene, self._address, *IMAGE_CLASSES):
            image_id = read_id(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
            if image_id and self.node(image_id) is None:
                self._nodes.keep(image_id, node)
                if node.GetImageData() is not None:  # its file may be missing
                    edited_voxels.opened(node)
                    adopted.append(image_id)
        return adopted

    def prepare(self, image_id: str, image: codec.ImageMessage) -> Iterator[None]:
        """Do, with pauses, what takes long of ``show`` and ``update``: of a large sub-volume.

        If only the metadata of this image say that it is the next patient's, ``show`` refuses it,
        and knows that when it comes again.
        """
        if not image.is_subvolume or image.pixels.nbytes <= MOST_AT_ONCE:
            return
        node = self._volume_in_scene(image_id)
        patient = self._describe(image_id, image.metadata).patient
        is_same = is_of_patient(node, self._descriptions.get(image_id), patient)
        around = volume_around(node, image, self.coordinates) if is_same else None
        try:
            whole = WholeInTurns(image, around)
        except SceneError:
            return  # ``show`` says so
        yield from whole.make()
        self._whole = whole

    def forget_prepared(self) -> None:
        """Let go of what ``prepare`` has made: the image was shown, or will not be."""
        self._whole = None

    def show(
        self,
        image_id: str,
        image: codec.ImageMessage,
        scan_time: datetime | None = None,
        is_live: bool = False,
    ) -> Any:
        """Show an image, and what is known of it, and return its volume node.

        Those that are ``is_live`` are somewhere else each time, which is no work of the user's. A
        volume that the user has edited since gets no other image: it stays, beside a new one. Its
        preview, if there is one, stays in the views until ``replace_preview``. Raises
        ``SceneError``.
        """
        description = self._learn(image_id, image.metadata)
        name, modality = self._patients.redact(description.name), description.fields["Modality"]
        before = known = self._volume_in_scene(image_id)
        # Of another patient's image, nothing stays: no voxels around a part, and no transform.
        is_same = is_of_patient(known, self._descriptions.get(image_id), description.patient)
        window = self._voi_window(image_id)
        self._disowned.discard(image_id)
        if not image.is_subvolume:
            known = edited_voxels.writable(known, image.pixels, is_live)
        node = self._show(image_id, image, name, modality, window, known, is_same, is_live)
        edited_voxels.leave(before, node)
        if is_live:
            forget_geometry(node)
        else:
            write_geometry(node, image.usable_ijk_to_ras(self.coordinates))
        # Each change of a node of which Slicer is told makes its slice views look at it again.
        modified = node.StartModify()
        time_text = "" if scan_time is None else scan_time.isoformat(timespec="seconds")
        node.SetAttribute(SCAN_TIME_ATTRIBUTE, time_text or None)
        self._describe_node(image_id, node, description, is_live)
        node.EndModify(modified)
        self._place_regions(image_id, node)
        if not (is_same or is_live):
            node.SetAndObserveTransformNodeID(None)
        return node

    def _describe_node(
        self, key: Hashable, node: Any, description: ImageDescription, is_live: bool = False
    ) -> None:
        self._descriptions[key] = description
        sign(node, description)
        write_description(self._scene, node, description, self._patients, is_live)

    def nodes_of_descriptions(self) -> Iterator[tuple[Any, ImageDescription]]:
        """Yield the nodes that may still say what was written onto them, with that."""
        for key, one in self._descriptions.items():
            nodes = self._nodes.get(key), self._frames.frame_left(key), self._frames.volume(key)
            yield from ((node, one) for node in nodes if node is not None)

    def _place_regions(self, image_id: str, node: Any) -> None:
        """Have the regions of an image be where that is; those of the last patient stay."""
        patient = self.patient(image_id)
        for key, one in self._descriptions.items():
            is_of_image = one.is_region and one.image_id == image_id
            region = self._nodes.get(key) if is_of_image else None
            if region is not None and is_same_patient(one.patient, patient):
                self._regions.follow(region, node)
            elif region is not None:
                self._regions.let_be(region)
        self._regions.refresh(node)

    def preview(self, image_id: str) -> Any:
        """Return the preview of an image that is arriving, or None if there is none (any more)."""
        return self._previews.node(image_id)

    def show_preview(
        self,
        image_id: str,
        image: codec.ImageMessage,
        stride: tuple[int, int, int],
        how_much: str,
    ) -> Any:
        """Show what has come of an image: every ``stride``th voxel along i, j, k; return its node.

        Returns None, with nothing shown, where the image is in the scene: an earlier version stays
        until the new one is whole. Raises ``SceneError``.
        """
        if self.node(image_id) is not None:
            self.remove_preview(image_id)
            return None
        is_first = self._previews.node(image_id) is None
        describe = self._learn if is_first else self._describe
        description = describe(image_id, image.metadata)
        name = PreviewName(description.name, how_much)
        modality, window = description.fields["Modality"], self._voi_window(image_id)
        node = self._previews.show(image_id, image, name, modality, self.coordinates, window)
        calibration = self.known.calibration.calibration(image_id)
        calibrate_new(node, with_stride(calibration, stride))
        return node

    def replace_preview(self, image_id: str) -> None:
        """Let the image's volume take the place of its preview, if there is one."""
        if (volume := self.volume(image_id)) is not None:
            self._previews.replace(image_id, volume)
        self.remove_preview(image_id)

    def remove_preview(self, image_id: str) -> None:
        """Remove the preview of an image, if there is one."""
        self._previews.remove(image_id)

    def ijk_to_ras(self, image_id: str, image: codec.ImageMessage) -> np.ndarray:
        """Return the matrix (4, 4) from the voxels of an image to RAS mm, as its volume has it.

        Raises ``GeometryError`` if the image has none that can be used.
        """
        matrix = image.usable_ijk_to_ras(self.coordinates)
        calibration = self.known.calibration.calibration(image_id)
        return matrix if calibration is None else with_spacing(matrix, calibration)

    def release_volume(self, image_id: str) -> list[Any]:
        """Let the volume of an image be the user's own: it is a label map now. Returns it."""
        released = [*filter(None, [self._volume_in_scene(image_id)])]
        for node in released:
            release(node, IMAGE_ID_ATTRIBUTE)
        return released

    def points_in_image(self, image_id: str, points: np.ndarray) -> np.ndarray:
        """Return points of the world, RAS mm of shape (n, 3), as the server has its image.

        They are the same unless the image is in the scene, and was moved there. Raises
        ``SceneError`` if it is under a transform that bends it, or has been bent by one.
        """
        node = self.owner(image_id)
        if node is None:
            return points
        check_not_bent(node)
        return np.array(moved_back(from_world(node, points), movement(node)))

    def show_region(
        self, image_id: str, image: codec.ImageMessage, start: tuple[int, int, int]
    ) -> Any:
        """Show a part of an image, from its voxel ``start`` on, as a volume of its own.

        It is where the image's volume is, if there is one, and stays with that. The same part comes
        into the same node, which nobody finds by the image's id. Raises ``SceneError``.
        """
        key = image_id, start, image.whole_size
        description = self._learn(image_id, image.metadata).of_region()
        name, modality = self._patients.redact(description.name), description.fields["Modality"]
        window, owner = self._voi_window(image_id), self.owner(image_id)
        box = key_attributes(self._address, *map(int, (*start, *image.whole_size)))
        of_image = {REGION_OF_ATTRIBUTE: written_id(image_id)}
        before = self._nodes.get(key) or self._unknown_node_with(box | of_image)
        known = edited_voxels.writable(before, image.pixels)
        is_same = is_of_patient(known, self._descriptions.get(key), description.patient)
        moved = self._regions.moved_by(known if is_same else None, owner)
        node = show_image(
            self._scene, image, name, modality, known, None, window, keeps_rest=is_same
        )
        edited_voxels.came(node)
        edited_voxels.leave(before, node)
        if not is_same:
            self._regions.forget(node)
        if moved is not None:
            node.ApplyTransformMatrix(slicer.util.vtkMatrixFromArray(moved))
        if owner is not None:
            self._regions.follow(node, owner)
        for attribute, text in box.items():
            node.SetAttribute(attribute, text)
        write_timestamp(node, image)
        self._nodes.keep(key, node)
        self._describe_node(key, node, description)
        return node

    def update(self, image_id: str, image: codec.ImageMessage) -> Any:
        """Show the next of many images of one id: voxels and place only. Raises ``SceneError``."""
        known = self.volume(image_id)
        modified = known.StartModify()
        forget_geometry(known)
        try:
            return self._show(image_id, image, given_name(known), known=known, is_live=True)
        finally:
            known.EndModify(modified)

    def update_voxels(self, image_id: str, image: codec.ImageMessage) -> bool:
        """Do the same, but for the node's ``ModifiedEvent`` and attributes: see ``show_next``.

        Returns False, with nothing shown, if that cannot be done.
        """
        node = self.volume(image_id)
        if node is None or self.known.calibration.calibration(image_id) is not None:
            return False
        is_shown = show_next(node, image, self.coordinates)
        if is_shown:
            forget_geometry(node)
            edited_voxels.came(node, is_live=True)
            self.known.headers.keep(image_id, image, self.coordinates)
        return is_shown

    def record(self, image_id: str) -> SequenceRecording:
        """Begin to record an image that is in the scene. Raises ``SceneError``."""
        description = self._descriptions.get(image_id)
        names = names_of(self.node(image_id), image_id, description, self._patients)
        recording = SequenceRecording(self._scene, names[0], self.coordinates)
        SequenceNames(self._scene, self._patients).cover_new(recording.sequence_node, *names)
        return recording

    def make_sequence(
        self, ids: Sequence[str], name: str, unit: str, values: Sequence[str]
    ) -> Generator[None, None, Any]:
        """Move the volumes of images into one sequence, with pauses, see ``make_sequence``."""
        order = frame_order(unit, values)
        ids, values = [ids[place] for place in order], [values[place] for place in order]
        volumes = [*map(self.volume, ids)]
        changes = self._patient_changes
        browser = yield from make_sequence(self._scene, volumes, name, unit, values)
        # Before the volumes go: whoever hears of that finds the images in the sequence.
        self._frames.keep(browser, ids)
        patients_changed = self._patients_changed()
        if changes != self._patient_changes and patients_changed is not None:
            patients_changed()  # which was written onto the volumes only
        yield from remove_in_turns(self._scene, volumes)
        with_regions = {one.image_id for one in self._descriptions.values() if one.is_region}
        for image_id in with_regions.intersection(ids):
            if (shown := self.node(image_id)) is not None:  # nobody has removed it meanwhile
                self._place_regions(image_id, shown)
        return browser

    def sequence_browser(self, ids: Sequence[str]) -> Any:
        """Return the node that replays all these images, or None."""
        browsers = {*map(self._frames.browser, ids)}
        return browsers.pop() if len(browsers) == 1 else None

    def select_frame(self, image_id: str) -> None:
        """Let the sequence that an image is a frame of, if it is one, show that frame."""
        self._frames.select(image_id)

    def calibrate(self, image_id: str, calibration: CalibratedSpacing | None) -> None:
        """Give the volume of an image if there is one, a spacing; with None, its own again."""
        if image_id not in self._disowned and (node := self.volume(image_id)) is not None:
            calibrate(node, calibration)

    def rewrite_descriptions(self, is_all: bool) -> None:
        """Write anew what nodes say, as patients were hidden or shown, or more of them are known.

        ``is_all``: also what names nobody who was not known before.
        """
        self._patient_changes += 1
        patients = self._patients
        for key, description in list(self._descriptions.items()):
            node = self._nodes.get(key)
            name = "" if node is None else node.GetName()  # it may be the user's
            if not (is_all or patients.may_have_news(f"{description.texts} {name}")):
                continue
            # An image that becomes a frame has a volume until that is removed.
            node = take(node, description)
            frame = take(self._frames.frame_left(key), description)
            if node is None and frame is None:
                del self._descriptions[key]
            nodes = node, frame, self._frames.volume_showing(key)
            rewrite_nodes(self._scene, *nodes, description, patients)
        self._previews.rename()

    def _show(
        self,
        image_id: str,
        image: codec.ImageMessage,
        name: str,
        modality: str = "",
        voi_window: VoiWindow | None = None,
        known: Any = None,
        keeps_rest: bool = True,
        is_live: bool = False,
    ) -> Any:
        # What a part comes into stays the user's.
        has_rest = image.is_subvolume and keeps_rest and known is not None
        is_edited = has_rest and not edited_voxels.is_as_it_came(known)
        node = show_image(
            self._scene,
            image,
            name,
            modality,
            known,
            self.coordinates,
            voi_window,
            keeps_rest=keeps_rest,
            prepared=self._whole,
        )
        node.SetAttribute(SERVER_ATTRIBUTE, self._address)
        write_timestamp(node, image)
        self.known.headers.keep(image_id, image, self.coordinates)
        calibrate_new(node, self.known.calibration.calibration(image_id))
        self._nodes.keep(image_id, node)
        if not is_edited:
            edited_voxels.came(node, is_live)
        return node

    def _learn(self, image_id: str, metadata: Mapping[str, str]) -> ImageDescription:
        """Keep what an image says of itself, and of its patient; return what is known of it now."""
        self.known.messages.keep(image_id, metadata)
        self._patients.register_patient_of(self.known.registry, image_id)
        return self._describe(image_id, metadata)

    def _describe(self, image_id: str, metadata: Mapping[str, str]) -> ImageDescription:
        return ImageDescription.of(image_id, self.known.registry, metadata)

    def _voi_window(self, image_id: str) -> VoiWindow:
        module = known_module(self.known.registry, VOI_LUT, image_id)
        return VoiWindow(module.WindowCenter, module.WindowWidth)
