"""Patients in volumes that no open browser has described: of a saved scene, or of a closed one.

Nobody else knows what they say. It is read when patients are hidden, and written again when they
are shown: until then the node itself has it, as a text that only this process can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...privacy.hidden_patients import HiddenPatients
from ..covered_texts import is_covered_by_others
from ..hidden_nodes import unnoticed
from ..hierarchy import change_place
from ..node_names import is_users_name, set_name, users_name
from ..patient_marks import nodes_and_copies
from ..server_nodes import IMAGE_CLASSES, SERVER_ATTRIBUTE, is_replaying
from .describer import described_nodes
from .description import (
    COVERED_ATTRIBUTE,
    ImageDescription,
    cover_more,
    covered_description,
    read_description,
    rewrite_description,
    write_attributes,
)


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
        covered = [(node, covered_description(node, self._patients)) for node in self._nodes()]
        for node, one in covered:
            if one is None:
                self._rename(node)
            else:
                self._write(node, one)

    def cover(self) -> None:
        """Cover the names in those that say them, also of whom more is known by now."""
        found = self.register_patients()
        for node, one in found:
            if one is None:
                self._cover_more(node)
            elif one.redacted(self._patients) == one:
                self._rename(node)
            else:
                self._write(node, one)

    def register_patients(self) -> list[tuple[Any, ImageDescription | None]]:
        """Know the patients whom they name; return the nodes, and what is known of them."""
        found = [(node, self._read(node)) for node in self._nodes()]
        for _, one in found:  # all of them first: the texts of one may name another's patient
            if one is not None:
                fields = one.fields
                birth_date = fields["PatientBirthDate"]
                self._patients.register(fields["PatientName"], fields["PatientID"], birth_date)
        return found

    def _read(self, node: Any) -> ImageDescription | None:
        """Return what a node says, or said before it was covered."""
        if is_covered_by_others(node, COVERED_ATTRIBUTE, self._patients):
            return None
        covered = covered_description(node, self._patients)
        return read_description(node) if covered is None else covered

    def _nodes(self) -> Iterator[Any]:
        described = {*described_nodes()}
        for node in nodes_and_copies(self._scene):
            is_image = node.GetClassName() in IMAGE_CLASSES and node.GetAttribute(SERVER_ATTRIBUTE)
            if is_image and node not in described:
                yield node

    def _rename(self, node: Any) -> None:
        """Cover what the user calls a volume that says of nobody, or call it so again."""
        is_users = node.GetScene() is self._scene and is_users_name(node)
        if is_users and not is_replaying(self._scene, node):  # or it is called as its sequence
            node.SetName(users_name(node, self._patients))

    def _cover_more(self, node: Any) -> None:
        """Cover whom others have not, as those of another session, who hear of nobody."""
        self._rename(node)
        is_in_scene, name = node.GetScene() is self._scene, node.GetName()
        if is_in_scene and not is_replaying(self._scene, node):
            cover_more(node, self._patients, self._patients.redact(name))
            return
        with unnoticed(node):
            cover_more(node, self._patients, name if is_in_scene else self._patients.redact(name))

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
