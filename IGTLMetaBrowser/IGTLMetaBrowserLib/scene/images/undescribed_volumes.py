"""Patients in volumes that no open browser has described: of a saved scene, or of a closed one.

Nobody else knows what they say. It is read when patients are hidden, and written again when they
are shown: until then the node itself has it, as a text that only this process can read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...privacy.hidden_patients import HiddenPatients
from ..hidden_patients.covered_texts import is_covered_by_others
from ..hidden_patients.patient_marks import nodes_and_copies
from ..server_nodes.attributes import IMAGE_CLASSES, SERVER_ATTRIBUTE
from .described_nodes import (
    COVERED_ATTRIBUTE,
    cover_more,
    covered_description,
    read_description,
    rewrite_description,
    rewrite_name,
)
from .describer import described_nodes
from .description import ImageDescription


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
                rewrite_name(self._scene, node, self._patients)
            else:
                rewrite_description(self._scene, node, one, self._patients)

    def cover(self) -> None:
        """Cover the names in those that say them, also of whom more is known by now."""
        found = self.register_patients()
        for node, one in found:
            if one is None:
                cover_more(self._scene, node, self._patients)
            elif one.redacted(self._patients) == one:
                rewrite_name(self._scene, node, self._patients)
            else:
                rewrite_description(self._scene, node, one, self._patients)

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
