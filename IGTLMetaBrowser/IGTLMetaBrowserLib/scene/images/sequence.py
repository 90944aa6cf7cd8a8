"""Volumes of a 4D series (times, echoes, b-values) as one sequence that Slicer replays."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import slicer
from vtkmodules.vtkCommonDataModel import vtkImageData

from ..errors import SceneError
from ..hidden_patients.patient_marks import is_same_patient, patient_of
from ..nodes.node_references import NodeReferences
from ..nodes.nodes_by_class import frames, nodes_of_class
from ..server_nodes.attributes import IMAGE_ID_ATTRIBUTE, SERVER_ATTRIBUTE, read_id, unless_released
from ..server_nodes.released_nodes import release
from .moved_images import forget_geometry, movement, noted_movement, write_moved
from .sequence_nodes import BROWSER_CLASS, make_browser, new_sequence

# Slicer's own tolerance of a millisecond would make one frame of two that are nearer.
_SMALLEST_STEP = 1e-6
# Of the elements of matrices: 0.05 mm in half a meter.
_SAME_MOVEMENT = 1e-4


def frame_order(unit: str, values: Sequence[str]) -> list[int]:
    """Return the places of values in the order in which a sequence has its frames.

    Slicer sorts those of numbers. Raises ``SceneError`` if they are none.
    """
    places = range(len(values))
    if not unit:
        return [*places]
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        numbers = []
    if not all(map(math.isfinite, numbers)) or len(numbers) < len(values):
        raise SceneError("what the images of the sequence are ordered by are no numbers")
    return sorted(places, key=numbers.__getitem__)


def make_sequence(
    scene: Any, volumes: Sequence[Any], index_name: str, unit: str, values: Sequence[str]
) -> Generator[None, None, Any]:
    """Make a sequence of volume nodes, each at its value; return the node that replays it.

    There is a pause after each: a series may have a thousand. Closed before its end, it leaves
    nothing.

    Values are numbers if there is a unit, else texts; in the order of ``frame_order``. The voxels
    are not copied. The volumes stay in the scene; the one that shows the sequence has the display
    of the first, and is under the transform that all are under. Raises ``SceneError`` if one is
    missing, or was moved otherwise than the others, or Slicer cannot replay anything.
    """
    _require_all(scene, volumes)
    step = _SMALLEST_STEP if unit else None
    name = common_name([volume.GetName() for volume in volumes])
    sequence = new_sequence(scene, name, index_name, unit, step)
    try:
        for volume, value in zip(volumes, values, strict=True):
            _require_all(scene, [volume])
            _add_frame(sequence, volume, value)
            yield
        if sequence.GetNumberOfDataNodes() < len(volumes):  # one took the place of another
            raise SceneError("two images of the sequence have the same value")
        _require_all(scene, volumes)
        _require_one_patient(sequence)
        _require_one_movement(sequence)
        transform_id = _common_transform(volumes)
    except BaseException:
        if sequence.GetScene() is scene:
            scene.RemoveNode(sequence)
        raise
    browser, shown = make_browser(scene, sequence)
    _take_place(scene, shown, volumes[0])
    shown.SetAndObserveTransformNodeID(transform_id)
    return browser


def _require_all(scene: Any, volumes: Sequence[Any]) -> None:
    for volume in volumes:
        is_there = volume is not None and volume.GetScene() is scene
        if not is_there or volume.GetImageData() is None:
            raise SceneError("an image of the sequence is not loaded; load all of them first")


def _require_one_patient(sequence: Any) -> None:
    """Raise ``SceneError`` if another browser has loaded the next patient's image meanwhile."""
    first, *others = map(patient_of, frames(sequence))
    if not all(is_same_patient(first, one) for one in others):
        raise SceneError("the images of the sequence are of different patients; load them again")


def _require_one_movement(sequence: Any) -> None:
    """Raise ``SceneError`` unless all images were moved alike, as by transforms that were hardened.

    What belongs to one of them follows what shows all of them.
    """
    moved = map(noted_movement, frames(sequence))
    matrices = [np.eye(4) if one is None else one for one in moved]
    if not np.allclose(matrices, matrices[0], atol=_SAME_MOVEMENT):
        raise SceneError(
            "the images of the sequence were moved differently, as by transforms that were "
            "hardened; load again those that are to be as the server has them"
        )


def _common_transform(volumes: Sequence[Any]) -> str | None:
    ids = {volume.GetTransformNodeID() for volume in volumes}
    if len(ids) > 1:
        raise SceneError(
            "the images of the sequence are under different transforms; put all of them under one"
        )
    return ids.pop()


def _add_frame(sequence: Any, volume: Any, value: str) -> None:
    # The sequence would copy all voxels: it gets a node without any.
    frame = getattr(slicer, volume.GetClassName())()
    frame.SetName(volume.GetName())
    frame.CopyOrientation(volume)
    for name in volume.GetAttributeNames() or ():
        frame.SetAttribute(name, volume.GetAttribute(name))
    # One volume shows all frames, each of which is where it is.
    forget_geometry(frame)
    write_moved(frame, movement(volume))
    frame = sequence.SetDataNodeAtValue(frame, value)
    # The same voxels: but those that come for the volume, as long as it is there, are not its.
    voxels = vtkImageData()
    voxels.ShallowCopy(volume.GetImageData())
    frame.SetAndObserveImageData(voxels)


class SequenceFrames:
    """Which image of a server is which frame of which sequence, by id.

    In a saved scene, they are found by what the frames say of themselves.
    """

    def __init__(self, scene: Any) -> None:
        self._scene = scene
        self._browsers, self._sequences = NodeReferences(scene), NodeReferences(scene)
        self._numbers: dict[str, int] = {}

    def keep(self, browser: Any, ids: Sequence[str]) -> None:
        """Remember which images are the frames of a sequence, in its order.

        One that had them before, as of the patient before, is the user's own from then on.
        """
        before = filter(None, map(self._browsers.get, ids))
        for one in {one.GetID(): one for one in before}.values():
            if one is not browser:
                _release(one)
        for number, image_id in enumerate(ids):
            self._browsers.keep(image_id, browser)
            self._sequences.keep(image_id, browser.GetMasterSequenceNode())
            self._numbers[image_id] = number

    def adopt(self, address: str) -> list[str]:
        """Find the sequences of a server's images; return the ids of those that are new."""
        adopted: list[str] = []
        for browser in nodes_of_class(self._scene, BROWSER_CLASS):
            keys = [] if self._is_kept(browser) else _keys(browser)
            ids = [image_id for server, image_id in keys if server == address]
            is_of_server = bool(ids) and len(ids) == len(keys)
            if is_of_server and all(self.volume(image_id) is None for image_id in ids):
                self.keep(browser, ids)
                adopted += ids
        return adopted

    def _is_kept(self, browser: Any) -> bool:
        # While patients are hidden, its frames may say other ids than those that are known.
        return any(self._browsers.get(image_id) is browser for image_id in self._numbers)

    def frame(self, image_id: str) -> Any:
        """Return the node of the frame that is an image, or None."""
        browser = self.browser(image_id)
        if browser is None:
            return None
        return browser.GetMasterSequenceNode().GetNthDataNode(self._numbers[image_id])

    def frame_left(self, image_id: str) -> Any:
        """Return the same, also if the user has removed what replays it."""
        sequence = self._sequences.get(image_id)
        return None if sequence is None else sequence.GetNthDataNode(self._numbers[image_id])

    def volume_showing(self, image_id: str) -> Any:
        """Return the volume of an image's sequence if the image is what it shows now, or None."""
        browser = self.browser(image_id)
        is_selected = browser and browser.GetSelectedItemNumber() == self._numbers[image_id]
        return _volume(browser) if is_selected else None

    def browser(self, image_id: str) -> Any:
        """Return the node that replays an image's sequence, or None."""
        browser = self._browsers.get(image_id)
        return None if browser is None or _volume(browser) is None else browser

    def volume(self, image_id: str) -> Any:
        """Return the volume that replays an image's sequence, or None."""
        browser = self._browsers.get(image_id)
        return None if browser is None else _volume(browser)

    def select(self, image_id: str) -> None:
        """Show the frame that is an image, if it is one."""
        browser = self.browser(image_id)
        if browser is not None:
            browser.SetSelectedItemNumber(self._numbers[image_id])


def has_all_nodes(browser: Any) -> bool:
    """Whether all that a browser node refers to is in the scene.

    While a sequence is being removed, to ask its browser node for it would end Slicer.
    """
    roles = map(browser.GetNthNodeReferenceRole, range(browser.GetNumberOfNodeReferenceRoles()))
    ids = [
        browser.GetNthNodeReferenceID(role, number)
        for role in roles
        for number in range(browser.GetNumberOfNodeReferences(role))
    ]
    return all(browser.GetScene().GetNodeByID(one) is not None for one in ids if one)


def _volume(browser: Any) -> Any:
    """Return the volume that a sequence is shown by, or None, also if it is the user's by now."""
    if not has_all_nodes(browser):
        return None
    sequence = browser.GetMasterSequenceNode()
    first = None if sequence is None else sequence.GetNthDataNode(0)
    # Its file may be missing.
    is_released = first is not None and unless_released(first) is None
    return None if sequence is None or is_released else browser.GetProxyNode(sequence)


def _keys(browser: Any) -> list[tuple[str, str]]:
    """Return server and id of each frame; nothing if they are not those of as many images."""
    sequence = browser.GetMasterSequenceNode()
    count = 0 if sequence is None else sequence.GetNumberOfDataNodes()
    keys = [
        (frame.GetAttribute(SERVER_ATTRIBUTE), read_id(frame.GetAttribute(IMAGE_ID_ATTRIBUTE)))
        for frame in (frames(sequence) if count else ())
    ]
    return keys if all(map(all, keys)) and len({*keys}) == count else []


def _release(browser: Any) -> None:
    """Let what replays a sequence, and its frames, be found no more as those of images."""
    volume = _volume(browser)
    shown = () if volume is None else (volume, *frames(browser.GetMasterSequenceNode()))
    for node in shown:
        release(node, IMAGE_ID_ATTRIBUTE)


def common_name(names: Sequence[str]) -> str:
    """Return what the names of volumes begin with: that of the series."""
    first, *others = (name.split() for name in names)
    count = 0
    while count < len(first) and all(words[: count + 1] == first[: count + 1] for words in others):
        count += 1
    return " ".join(first[:count]) or names[0]


def _take_place(scene: Any, shown: Any, first: Any) -> None:
    """Give a volume the display and the place in the subject hierarchy that another has."""
    if None not in (first.GetDisplayNode(), shown.GetDisplayNode()):
        shown.GetDisplayNode().CopyContent(first.GetDisplayNode())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is None:
        return
    old, new = hierarchy.GetItemByDataNode(first), hierarchy.GetItemByDataNode(shown)
    if old and new:  # outside Slicer's window, the hierarchy has only what was put into it
        hierarchy.SetItemParent(new, hierarchy.GetItemParent(old))
