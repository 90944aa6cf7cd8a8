"""Whose image a node shows, or belongs to, written onto the node.

What belongs to an image can be saved without it; a volume says it by its DICOM attributes, too,
but for those of a hidden patient.

Of a hidden patient, it is a text of which nobody can guess the patient, and which only the process
that wrote it knows (``HiddenPatients.uid``). A hash of an ID could be guessed: there are few IDs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...person_names import name_words
from ...privacy.hidden_patients import HiddenPatients, is_pseudonym, patient_of_uid
from ..nodes.nodes_by_class import frames, nodes_of_class
from ..nodes.unnoticed import unnoticed
from ..server_nodes.attributes import (
    IMAGE_CLASSES,
    IMAGE_ID_ATTRIBUTE,
    KEY_ATTRIBUTE,
    REGION_OF_ATTRIBUTE,
    SERVER_ATTRIBUTE,
)

PATIENT_ATTRIBUTE = "IGTLMetaBrowser.Patient"
"""ID and name as JSON, as they may hold any character; or the text of a hidden patient."""

# By these an image is found as that of a server.
_FOUND_BY = (IMAGE_ID_ATTRIBUTE, REGION_OF_ATTRIBUTE, KEY_ATTRIBUTE)

Patient = tuple[str, str]
"""ID and name; empty texts if they are not known."""
NOT_KNOWN: Patient = ("", "")


def is_same_patient(one: Patient, other: Patient) -> bool:
    """Whether two are one: by the name, if neither has an ID; else by that.

    A name may be cut, or written otherwise; but whose names have no word in common are two who were
    given one ID.
    """
    words, others = ({*name_words(name)} for _, name in (one, other))
    if not (one[0] or other[0]):
        return words == others
    return one[0] == other[0] and not (words and others and words.isdisjoint(others))


def mark(node: Any, patient: Patient, patients: HiddenPatients) -> None:
    """Write onto a node to whose image it belongs; if that is not known, nothing is changed."""
    patient_id, name = patient
    if patient_id or name:
        _write(node, patients.uid(name, patient_id) if patients.is_hidden else json.dumps(patient))


def marked_patient(node: Any) -> Patient | None:
    """Return to whose image a node belongs; None if only another process knows that."""
    text = node.GetAttribute(PATIENT_ATTRIBUTE)
    if not text:
        return NOT_KNOWN
    return _read(text) or patient_of_uid(text)


def patient_of(node: Any) -> Patient:
    """Return ID and name of the patient whose image a node shows, as far as it says that.

    Of one who is hidden, what the mark says that this process has written.
    """
    marked = marked_patient(node)
    if marked is None or any(marked):
        return marked or NOT_KNOWN
    patient_id, name = (
        node.GetAttribute(f"DICOM.{keyword}") or "" for keyword in ("PatientID", "PatientName")
    )
    return patient_id, "" if is_pseudonym(name) else name


def rewrite_marks(scene: Any, patients: HiddenPatients) -> None:
    """Write all marks anew: patients have been hidden, or are no longer, or a scene was loaded.

    Those that another window or script has hidden stay so.
    """
    for node in nodes_and_copies(scene):
        text = node.GetAttribute(PATIENT_ATTRIBUTE) or ""
        if patients.is_hidden and (patient := _read(text)):
            patients.register(*reversed(patient))  # no list or image may name them
            mark(node, patient, patients)
        elif not patients.is_hidden and patients.has_given(text):
            mark(node, patient_of_uid(text) or NOT_KNOWN, patients)


def release_unknown(scene: Any, server: str) -> list[str]:
    """Let the images of a server be the user's own of which only another process knows whose.

    Patients were hidden there. Returns the names of the volumes, and of those that are frames.
    """
    names = []
    for node in nodes_and_copies(scene):
        is_of_server = node.GetAttribute(SERVER_ATTRIBUTE) == server
        is_image = is_of_server and node.GetClassName() in IMAGE_CLASSES
        if is_image and marked_patient(node) is None:
            found = [one for one in _FOUND_BY if node.GetAttribute(one)]
            names += [node.GetName()] if found else []
            for attribute in found:
                node.RemoveAttribute(attribute)
    return names


def _read(text: str) -> Patient | None:
    """Return the patient whom a mark names; None of one who is hidden, or if somebody edited it."""
    try:
        match json.loads(text):
            case [str(patient_id), str(name)]:
                return patient_id, name
    except ValueError:
        pass
    return None


def nodes_and_copies(scene: Any) -> Iterator[Any]:
    """Yield the nodes of a scene, and those that its sequences and older scene views hold."""
    for node in nodes_of_class(scene, "vtkMRMLNode"):
        yield node
        if node.IsA("vtkMRMLSequenceNode"):
            yield from frames(node)
        elif node.IsA("vtkMRMLSceneViewNode") and (stored := node.GetStoredScene()) is not None:
            yield from nodes_of_class(stored, "vtkMRMLNode")


def _write(node: Any, text: str) -> None:
    """Write a mark so that no view looks at the node, which takes a millisecond in Slicer."""
    if node.GetAttribute(PATIENT_ATTRIBUTE) == text:
        return
    with unnoticed(node):
        node.SetAttribute(PATIENT_ATTRIBUTE, text)
