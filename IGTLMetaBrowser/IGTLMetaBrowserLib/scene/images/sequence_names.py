"""Patients in the names of sequences, and of what replays them: of 4D series, and of recordings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

from ...privacy.hidden_patients import HiddenPatients, text_of_uid
from ..hidden_nodes import unnoticed
from ..server_nodes import IMAGE_CLASSES, SERVER_ATTRIBUTE, frames, players
from .sequence import has_all_nodes
from .sequence_nodes import (
    BASE_NAME_ATTRIBUTE,
    BROWSER_CLASS,
    PLAYER_ATTRIBUTE,
    RECORDING_ATTRIBUTE,
)

_COVERED_NAMES_ATTRIBUTE = "IGTLMetaBrowser.CoveredNames"
"""Of a sequence and what replays it, while patients are hidden: how they and their frames were
called."""


class SequenceNames:
    """Those of a scene. Frames of 4D series say more, see ``description``."""

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients

    def patients_changed(self) -> None:
        """Cover the names in all of them, or write them again."""
        change = self._cover if self._patients.is_hidden else self._uncover
        for nodes in _groups(self._scene):
            change(nodes)

    def _cover(self, nodes: list[Any]) -> None:
        redact, names = self._patients.redact, {name for node in nodes for name in _names(node)}
        if all(redact(name) == name for name in names):
            return
        before = json.dumps(sorted(names | self._names_before(nodes)))
        for node in nodes:
            _rename(node, redact)
            if node.GetScene() is not None:  # also if the user removes another of them
                node.SetAttribute(_COVERED_NAMES_ATTRIBUTE, self._patients.covered(before))

    def _uncover(self, nodes: list[Any]) -> None:
        hidden = self._patients.opposite()
        names = {hidden.redact(name): name for name in self._names_before(nodes)}
        for node in nodes if names else ():
            _rename(node, lambda name: names.get(name, name))
            node.RemoveAttribute(_COVERED_NAMES_ATTRIBUTE)

    def _names_before(self, nodes: list[Any]) -> set[str]:
        covered = {node.GetAttribute(_COVERED_NAMES_ATTRIBUTE) or "" for node in nodes}
        texts = [text_of_uid(one) for one in covered if self._patients.has_given(one)]
        return {name for text in texts for name in json.loads(text or "[]")}


def _groups(scene: Any) -> Iterator[list[Any]]:
    """Yield the nodes of each sequence, and each that is left of one that the user has removed."""
    found: set[Any] = set()
    for sequence in _of_class(scene, "vtkMRMLSequenceNode"):
        if nodes := [*_nodes(scene, sequence)]:
            found.update(nodes)
            yield nodes
    for class_name in (BROWSER_CLASS, *IMAGE_CLASSES):
        for node in _of_class(scene, class_name):
            is_ours = node.GetAttribute(PLAYER_ATTRIBUTE) or node.GetAttribute(RECORDING_ATTRIBUTE)
            if is_ours and node not in found:
                yield [node]


def _nodes(scene: Any, sequence: Any) -> Iterator[Any]:
    """Yield a sequence of images from servers, what replays it, and the frames of a recording."""
    is_recording = sequence.GetAttribute(RECORDING_ATTRIBUTE) is not None
    its_players = [
        player
        for player in filter(has_all_nodes, players(scene))
        if player.GetMasterSequenceNode() is sequence
    ]
    first = next(frames(sequence), None)
    is_of_server = first is not None and first.GetAttribute(SERVER_ATTRIBUTE)
    is_made = any(player.GetAttribute(PLAYER_ATTRIBUTE) for player in its_players)
    if not (is_recording or is_of_server or is_made):
        return
    yield sequence
    for player in its_players:
        yield from filter(None, (player, player.GetProxyNode(sequence)))
    if is_recording:
        yield from frames(sequence)


def _names(node: Any) -> tuple[str, str]:
    return node.GetName() or "", node.GetAttribute(BASE_NAME_ATTRIBUTE) or ""


def _rename(node: Any, new: Callable[[str], str]) -> None:
    name, base_name = names = _names(node)
    if all(new(one) == one for one in names):
        return
    # Told that a frame has changed, Slicer would copy its voxels.
    with unnoticed(node) if node.GetScene() is None else nullcontext():
        node.SetName(new(name))
        if base_name:
            node.SetAttribute(BASE_NAME_ATTRIBUTE, new(base_name))


def _of_class(scene: Any, class_name: str) -> list[Any]:
    nodes = scene.GetNodesByClass(class_name)
    nodes.UnRegister(None)  # Python has it now
    return [*nodes]
