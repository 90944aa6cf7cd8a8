"""Patients in the names of sequences, and of what replays them: of 4D series, and of recordings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

from ...privacy.hidden_patients import HiddenPatients, text_of_uid
from ..hidden_nodes import unnoticed
from ..server_nodes import SERVER_ATTRIBUTE, players
from .sequence import has_all_nodes
from .sequence_nodes import BASE_NAME_ATTRIBUTE, RECORDING_ATTRIBUTE

_COVERED_NAMES_ATTRIBUTE = "IGTLMetaBrowser.CoveredNames"
"""Of a sequence, while patients are hidden: its name, and what else was called so or otherwise."""


class SequenceNames:
    """Those of a scene. Frames of 4D series say more, see ``description``."""

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients

    def patients_changed(self) -> None:
        """Cover the names in all of them, or write them again."""
        change = self._cover if self._patients.is_hidden else self._uncover
        for sequence in _of_class(self._scene, "vtkMRMLSequenceNode"):
            if nodes := [*_nodes(self._scene, sequence)]:
                change(sequence, nodes)

    def _cover(self, sequence: Any, nodes: list[Any]) -> None:
        names = {node.GetName() or "" for node in nodes}
        shown = {name: self._patients.redact(name) for name in names}
        if all(name == text for name, text in shown.items()):
            return
        before = names | self._names_before(sequence)
        for node in nodes:
            _set_name(node, shown[node.GetName() or ""])
        covered = self._patients.covered(json.dumps(sorted(before)))
        sequence.SetAttribute(_COVERED_NAMES_ATTRIBUTE, covered)

    def _uncover(self, sequence: Any, nodes: list[Any]) -> None:
        hidden = self._patients.opposite()
        names = {hidden.redact(name): name for name in self._names_before(sequence)}
        for node in nodes:
            _set_name(node, names.get(node.GetName(), node.GetName()))
        if names:
            sequence.RemoveAttribute(_COVERED_NAMES_ATTRIBUTE)

    def _names_before(self, sequence: Any) -> set[str]:
        covered = sequence.GetAttribute(_COVERED_NAMES_ATTRIBUTE) or ""
        return (
            {*json.loads(text_of_uid(covered) or "[]")}
            if self._patients.has_given(covered)
            else set()
        )


def _nodes(scene: Any, sequence: Any) -> Iterator[Any]:
    """Yield a sequence of images from servers, what replays it, and the frames of a recording."""
    first = sequence.GetNthDataNode(0) if sequence.GetNumberOfDataNodes() else None
    is_recording = sequence.GetAttribute(RECORDING_ATTRIBUTE) is not None
    if not is_recording and (first is None or not first.GetAttribute(SERVER_ATTRIBUTE)):
        return
    yield sequence
    for browser in filter(has_all_nodes, players(scene)):
        if browser.GetMasterSequenceNode() is sequence:
            yield from filter(None, (browser, browser.GetProxyNode(sequence)))
    if is_recording:
        yield from map(sequence.GetNthDataNode, range(sequence.GetNumberOfDataNodes()))


def _set_name(node: Any, name: str) -> None:
    if node.GetName() == name:
        return
    # Told that a frame has changed, Slicer would copy its voxels.
    with unnoticed(node) if node.GetScene() is None else nullcontext():
        node.SetName(name)
        if node.GetAttribute(BASE_NAME_ATTRIBUTE) is not None:
            node.SetAttribute(BASE_NAME_ATTRIBUTE, name)


def _of_class(scene: Any, class_name: str) -> list[Any]:
    nodes = scene.GetNodesByClass(class_name)
    nodes.UnRegister(None)  # Python has it now
    return [*nodes]
