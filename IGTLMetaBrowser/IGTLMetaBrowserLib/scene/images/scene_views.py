"""What scene views (snapshots) hold of this module's volumes, without patients' names while hidden.

Slicer 5.12 keeps a scene view in sequences, with a copy of each node that the user picked for it,
and writes the node's name onto all of these; older scenes have the nodes in a scene of their own
(vtkMRMLSceneViewNode). To restore one writes the copy's attributes over those of the volume.

Slicer must not notice what is written here: told that a sequence or a copy in it has changed, it
writes the copy over the volume, with the voxels that it had in the scene view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vtkmodules.vtkCommonCore import vtkCollection, vtkWeakReference

from ...privacy.hidden_patients import HiddenPatients, is_identity, is_pseudonym
from ..covered_ids import COVERED_ATTRIBUTES, cover_ids
from ..covered_texts import is_covered_by_others
from ..hidden_nodes import unnoticed
from ..patient_marks import PATIENT_ATTRIBUTE, mark
from ..server_nodes import (
    IMAGE_CLASSES,
    SCENE_VIEWS_ATTRIBUTE,
    SERVER_ATTRIBUTE,
    frames,
    nodes_of_class,
)
from .description import (
    COVERED_ATTRIBUTE,
    cover_description,
    covered_description,
    read_description,
)
from .sequence_nodes import BASE_NAME_ATTRIBUTE

_PREFIXES = ("DICOM.", "OpenIGTLink.")
_PATIENT = tuple(f"DICOM.Patient{what}" for what in ("Name", "ID", "BirthDate"))

# As on all nodes of the scene, by ``rewrite_patients``.
_WRITTEN_WITH_ALL = (PATIENT_ATTRIBUTE, COVERED_ATTRIBUTE, *COVERED_ATTRIBUTES)

_Texts = tuple[str, dict[str, str]]
"""Name and attributes."""


class SceneViews:
    """Rewrites what the scene views of ``scene`` say of patients, as these are hidden or shown.

    What was in them while patients were shown comes back; what was stored while they were hidden
    says what the volumes said, see ``undescribed_volumes``.
    """

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients
        # Weak: they have the voxels, also of a scene that was closed.
        self._before: list[tuple[vtkWeakReference, _Texts]] = []

    def register_patients(self) -> None:
        """Know the patients that scene views name."""
        for node in _nodes(self._scene):
            self._register(node)

    def patients_changed(self) -> None:
        """Cover the names in all of them, or write them again."""
        if not self._patients.is_hidden:
            for reference, texts in self._before:
                if (node := reference.Get()) is not None:
                    _write_again(node, texts)
            self._before = []
        else:
            self.register_patients()  # all of them: the texts of one may name another's patient
            self._cover()
        self._rename_proxies()

    def _cover(self) -> None:
        covered = {reference.Get() for reference, _ in self._before}
        for node in [*_nodes(self._scene)]:
            if is_covered_by_others(node, COVERED_ATTRIBUTE, self._patients):
                continue
            cover_ids(node, self._patients)  # it may name whom no other node names
            texts = _texts(node)
            shown = self._redacted(*texts)
            if shown == texts:
                continue
            said = covered_description(node, self._patients) or read_description(node)
            _write(node, shown)
            self._mark(node, texts[1])
            if said is not None:  # of a volume that it is written over, nobody else may know that
                cover_description(node, said, self._patients)
            if node not in covered:
                reference = vtkWeakReference()
                reference.Set(node)
                self._before.append((reference, texts))

    def _rename_proxies(self) -> None:
        """Have the volumes say the name that Slicer has for their copies, see ``_copies``."""
        for sequence, volume in _sequences(self._scene):
            name = next(_copies(sequence)).GetAttribute(BASE_NAME_ATTRIBUTE)
            if volume is not None and name is not None:
                with unnoticed(volume):
                    volume.SetAttribute(BASE_NAME_ATTRIBUTE, name)

    def _register(self, node: Any) -> None:
        known = [node.GetAttribute(name) or "" for name in _PATIENT]
        if not is_pseudonym(known[0]):
            self._patients.register(*known)

    def _mark(self, node: Any, attributes: dict[str, str]) -> None:
        """Have a volume say whose it is, also where its copy is written over it."""
        name, patient_id = (attributes.get(one, "") for one in _PATIENT[:2])
        if PATIENT_ATTRIBUTE not in attributes and not is_pseudonym(name):
            mark(node, (patient_id, name), self._patients)

    def _redacted(self, name: str, attributes: dict[str, str]) -> _Texts:
        """Return what may be seen of a node."""
        patient, patient_id = (attributes.get(one, "") for one in _PATIENT[:2])
        shown = {}
        for key, text in attributes.items():
            if key == _PATIENT[0] and not is_pseudonym(text):
                shown[key] = self._patients.pseudonym(patient, patient_id)
            elif key == _PATIENT[0] or key in _WRITTEN_WITH_ALL:
                shown[key] = text
            elif not _is_identity(key):
                shown[key] = self._patients.redact(text)
        return self._patients.redact(name), shown


def _nodes(scene: Any) -> Iterator[Any]:
    """Yield what scene views hold of volumes from servers, and the sequences that hold them."""
    for sequence, _ in _sequences(scene):
        yield from _copies(sequence)
        yield sequence
    for view in nodes_of_class(scene, "vtkMRMLSceneViewNode"):
        stored = view.GetStoredScene()
        count = 0 if stored is None else stored.GetNumberOfNodes()
        yield from _from_servers(map(stored.GetNthNode, range(count)))


def _sequences(scene: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the sequences of scene views that hold volumes from servers, and each one's volume."""
    for browser in nodes_of_class(scene, "vtkMRMLSequenceBrowserNode"):
        if browser.GetAttribute(SCENE_VIEWS_ATTRIBUTE):
            sequences = vtkCollection()
            browser.GetSynchronizedSequenceNodes(sequences, True)
            for sequence in sequences:
                if any(_copies(sequence)):
                    yield sequence, browser.GetProxyNode(sequence)


def _copies(sequence: Any) -> Iterator[Any]:
    return _from_servers(frames(sequence))


def _from_servers(nodes: Iterable[Any]) -> Iterator[Any]:
    for node in nodes:
        # Not label maps: they keep the names that the server gives them, here as in the scene.
        if node.GetClassName() in IMAGE_CLASSES and node.GetAttribute(SERVER_ATTRIBUTE):
            yield node


def _is_identity(attribute: str) -> bool:
    prefix = next((one for one in _PREFIXES if attribute.startswith(one)), None)
    return prefix is not None and is_identity(attribute.removeprefix(prefix))


def _texts(node: Any) -> _Texts:
    names = node.GetAttributeNames()
    return node.GetName() or "", {name: node.GetAttribute(name) or "" for name in names}


def _write_again(node: Any, texts: _Texts) -> None:
    """Write what a node had, but for what ``rewrite_patients`` has written by now."""
    name, attributes = texts
    written = {one: node.GetAttribute(one) or "" for one in _WRITTEN_WITH_ALL if one in attributes}
    _write(node, (name, attributes | written))


def _write(node: Any, texts: _Texts) -> None:
    name, attributes = texts
    with unnoticed(node):
        node.SetName(name)
        for attribute in set(node.GetAttributeNames()) - set(attributes):
            node.RemoveAttribute(attribute)
        for attribute, text in attributes.items():
            node.SetAttribute(attribute, text)
