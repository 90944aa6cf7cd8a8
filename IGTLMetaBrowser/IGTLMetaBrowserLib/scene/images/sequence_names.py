"""Patients in the names of sequences, and of what replays them: of 4D series, and of recordings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from typing import Any

from ...privacy.hidden_patients import HIDDEN, HiddenPatients
from ..hidden_patients.covered_texts import cover, covered, uncover
from ..nodes.nodes_by_class import frames, is_in_scene_views, nodes_of_class, players
from ..nodes.unnoticed import unnoticed
from ..server_nodes.attributes import IMAGE_CLASSES, SERVER_ATTRIBUTE
from .sequence import common_name, has_all_nodes
from .sequence_nodes import (
    BASE_NAME_ATTRIBUTE,
    BROWSER_CLASS,
    PLAYER_ATTRIBUTE,
    RECORDING_ATTRIBUTE,
)

_COVERED_NAMES_ATTRIBUTE = "IGTLMetaBrowser.CoveredNames"
"""Of a sequence and what replays it, while patients are hidden: how each, and all of them with
their frames, were renamed."""

_Renamed = list[tuple[str, str]]
"""How something is called, and how it was called before."""


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
        redact = self._patients.redact
        if all(redact(name) == name for node in nodes for name in _names(node)):
            return
        before = self._names_before(nodes)
        renamed = [[(redact(name), name) for name in names] for names in before]
        of_all = _unambiguous(chain(*renamed))
        for node, own in zip(nodes, renamed, strict=True):
            _rename(self._scene, node, *(shown for shown, _ in own))
            if node.GetScene() is not None:  # also if the user removes another of them
                cover(node, _COVERED_NAMES_ATTRIBUTE, (own, of_all), self._patients)

    def _uncover(self, nodes: list[Any]) -> None:
        seen, meant = self._name_of_frames(nodes[0])
        for node, names in zip(nodes, self._names_before(nodes), strict=True):
            if HIDDEN in seen:  # one that was made meanwhile is called as its frames were
                names = [one.replace(seen, meant) for one in names]
            _rename(self._scene, node, *names)
            if self._covered(node):
                uncover(node, _COVERED_NAMES_ATTRIBUTE)

    def _name_of_frames(self, node: Any) -> tuple[str, str]:
        """Return how the frames of a sequence are called while patients are hidden, and now."""
        redact = self._patients.opposite().redact
        of_frames = frames(node) if node.IsA("vtkMRMLSequenceNode") else ()
        names = [one.GetName() or "" for one in of_frames] or [""]
        return common_name([*map(redact, names)]), common_name(names)

    def _names_before(self, nodes: list[Any]) -> list[list[str]]:
        """Return how they were called: as is covered on each, or else on all if they agree."""
        known = [self._covered(node) for node in nodes]
        pairs = (pair for one in known if one for pair in (*one[0], *one[1]))
        of_all = dict(_unambiguous(pairs))
        names = []
        for node, one in zip(nodes, known, strict=True):
            own = one[0] if one else [("", "")] * 2
            names.append(
                [
                    before if name == shown else of_all.get(name, name)
                    for name, (shown, before) in zip(_names(node), own, strict=True)
                ]
            )
        return names

    def cover_new(self, sequence: Any, shown: str, name: str) -> None:
        """Have a sequence be called by a name when patients are shown: ``shown`` is there now."""
        if self._patients.is_hidden and shown in sequence.GetName():
            renamed = [(sequence.GetName(), sequence.GetName().replace(shown, name))]
            said = [*renamed, ("", "")], renamed
            cover(sequence, _COVERED_NAMES_ATTRIBUTE, said, self._patients)

    def _covered(self, node: Any) -> tuple[_Renamed, _Renamed] | None:
        """Return how a node was renamed, and what is known of all of its sequence."""
        patients = self._patients
        return covered(node, _COVERED_NAMES_ATTRIBUTE, patients, is_of_any=patients.is_hidden)


def _unambiguous(renamed: Iterable[Sequence[str]]) -> _Renamed:
    """Return what may be named anew by what is seen: not where two are called alike meanwhile."""
    before: dict[str, set[str]] = {}
    for shown, name in renamed:
        before.setdefault(shown, set()).add(name)
    return [(shown, *names) for shown, names in before.items() if len(names) == 1]


def _groups(scene: Any) -> Iterator[list[Any]]:
    """Yield the nodes of each sequence, and each that is left of one that the user has removed."""
    found: set[Any] = set()
    for sequence in nodes_of_class(scene, "vtkMRMLSequenceNode"):
        if nodes := [*_nodes(scene, sequence)]:
            found.update(nodes)
            yield nodes
    for class_name in (BROWSER_CLASS, *IMAGE_CLASSES):
        for node in nodes_of_class(scene, class_name):
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
    # Not of label maps, in scene views: these keep their names.
    is_image = first is not None and first.GetClassName() in IMAGE_CLASSES
    is_of_server = is_image and first.GetAttribute(SERVER_ATTRIBUTE)
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


def _rename(scene: Any, node: Any, name: str, base_name: str) -> None:
    if _names(node) == (name, base_name):
        return
    # Told that a frame has changed, Slicer would copy its voxels; that a sequence of scene views
    # has, it would bring one back.
    is_frame = node.GetScene() is not scene
    with unnoticed(node) if is_frame or is_in_scene_views(node) else nullcontext():
        node.SetName(name)
        if base_name:
            node.SetAttribute(BASE_NAME_ATTRIBUTE, base_name)
