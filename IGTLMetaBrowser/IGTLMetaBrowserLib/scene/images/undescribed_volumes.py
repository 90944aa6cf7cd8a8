"""Patients in volumes that no open browser has described: of a saved scene, or of a closed one.

Nobody else knows what they say. It is read when patients are hidden, and written again when they
are shown: until then the node itself has it, as a text that only this process can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...privacy.hidden_patients import HiddenPatients
from ..hidden_nodes import unnoticed
from ..hierarchy import change_place
from ..node_names import savable_name, set_name
from ..patient_marks import nodes_and_copies
from ..server_nodes import (
    IMAGE_CLASSES,
    SERVER_ATTRIBUTE,
    is_replaying,
    players,
)
from .describer import described_nodes
from .description import (
    ImageDescription,
    cover_description,
    covered_description,
    read_description,
    rewrite_description,
    write_attributes,
)
from .sequence import has_all_nodes
from .sequence_nodes import BASE_NAME_ATTRIBUTE


class UndescribedVolumes:
    """Those of a scene, also those that replay a sequence, and its frames."""

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients

    def patients_changed(self) -> None:
        """Cover the names in all of them, or write them again."""
        if self._patients.is_hidden:
            self.cover()
            return
        # First all are read: what is written onto a frame, its volume says at once.
        for node, one in [
            (node, covered_description(node, self._patients)) for node in self._nodes()
        ]:
            if one is not None:
                self._write(node, one)

    def cover(self) -> None:
        """Cover the names in those that say them, also of whom more is known by now."""
        found = [(node, self._read(node)) for node in self._nodes()]
        for _, one in found:  # all of them first: the texts of one may name another's patient
            if one is not None:
                fields = one.fields
                birth_date = fields["PatientBirthDate"]
                self._patients.register(fields["PatientName"], fields["PatientID"], birth_date)
        for node, one in found:
            if one is not None and one.redacted(self._patients) != one:
                self._write(node, one)
                cover_description(node, one, self._patients)

        for node in _sequences(self._scene) if found else ():
            node.SetName(self._patients.redact(node.GetName()))  # stays so, see ``rewrite_frame``

    def _read(self, node: Any) -> ImageDescription | None:
        """Return what a node says, or said before it was covered."""
        covered = covered_description(node, self._patients)
        return read_description(node) if covered is None else covered

    def _nodes(self) -> Iterator[Any]:
        described = {*described_nodes()}
        for node in nodes_and_copies(self._scene):
            is_image = node.GetClassName() in IMAGE_CLASSES and node.GetAttribute(SERVER_ATTRIBUTE)
            if is_image and node not in described:
                yield node

    def _write(self, node: Any, description: ImageDescription) -> None:
        scene, patients = self._scene, self._patients
        is_in_scene = node.GetScene() is scene
        if is_in_scene and not is_replaying(scene, node):
            rewrite_description(scene, node, description, patients)
            return
        change_place(scene, description.place(patients.opposite()), description.place(patients))
        name = description.redacted(patients).name
        with unnoticed(node):  # told that a frame has changed, Slicer would copy its voxels
            # What replays a sequence is called as that is.
            set_name(node, name, node.GetName() if is_in_scene else None)
            write_attributes(node, description, patients)
            if node.GetAttribute(BASE_NAME_ATTRIBUTE) is not None:
                node.SetAttribute(BASE_NAME_ATTRIBUTE, savable_name(name))


def _sequences(scene: Any) -> Iterator[Any]:
    """Yield the sequences that hold images from servers, and what replays them."""
    for browser in filter(has_all_nodes, players(scene)):
        sequence = browser.GetMasterSequenceNode()
        first = None if sequence is None else sequence.GetNthDataNode(0)
        if first is not None and first.GetAttribute(SERVER_ATTRIBUTE):
            yield from filter(None, (browser, sequence, browser.GetProxyNode(sequence)))
