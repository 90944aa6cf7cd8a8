"""What the scene said before patients were hidden: beside what may be seen, in the same place.

What says who a patient is, is covered when ``HiddenPatients`` are hidden, or more is known of them,
and is written again when they are shown. Until then, the node or the item has an attribute with it,
as a text that only this process can read: whoever copies, saves or stores the node in a scene view
keeps that with it. ``ImageNodes.patients_changed`` calls all who do it, in this order:

what is covered                                kept                          covered and undone by
IDs, marks, groups of folders                  in place                      ``covered_ids``
titles of folders, and those that users gave   attribute of the item         ``covered_ids``
what volumes of an open browser say            there; on them, for copies    ``described_nodes``
what other volumes, frames and copies say      attribute of the node         ``undescribed_volumes``
what users call volumes                        attribute of the node         ``node_names``
names of sequences, and what replays them      attribute of each             ``sequence_names``
names of files that were saved before          attribute of the storage node ``file_names``
items of other patients and studies            until then, in memory         ``patient_items``

The names of trajectories, points and label maps stay: the user tells plans apart by them.
"""

from __future__ import annotations

import json
from typing import Any

from ...privacy.hidden_patients import HIDDEN, HiddenPatients, text_of_uid
from ..nodes.unnoticed import unnoticed


def cover(node: Any, attribute: str, said: Any, patients: HiddenPatients) -> None:
    """Write what was said, anything that JSON has, so that nobody but ``covered`` can read it."""
    with unnoticed(node):  # told that a frame has changed, Slicer would copy its voxels
        node.SetAttribute(attribute, covering(said, patients))


def covered(node: Any, attribute: str, patients: HiddenPatients, is_of_any: bool = False) -> Any:
    """Return what was covered by these; None if nothing was.

    ``is_of_any``: also by those of another browser. Who hides more takes that over; to show it is
    not for them.
    """
    return _said(node.GetAttribute(attribute) or "", patients, is_of_any)


def covering(said: Any, patients: HiddenPatients) -> str:
    """Return the text of an attribute that covers what was said."""
    return patients.covered(json.dumps(said))


def _said(text: str, patients: HiddenPatients, is_of_any: bool) -> Any:
    said = text_of_uid(text) if is_of_any or patients.has_given(text) else None
    return None if said is None else json.loads(said)


def name_now(
    name: str, text: str | None, patients: HiddenPatients, given: tuple[str, str] = ("", "")
) -> tuple[str, str | None]:
    """Return how what the user may name is called now, and the ``text`` that covers its name.

    The text is that of an attribute, None if there is none. What the user has typed meanwhile is
    the name, but for what is seen there in place of a patient: a copy is called ``(hidden) Copy``.
    ``given`` is the server's name, and what is seen of it.
    """
    said = _said(text or "", patients, is_of_any=patients.is_hidden)
    meant, seen = said or (("", "") if text else given)
    is_in_name = HIDDEN in seen or name == seen
    before = name.replace(seen, meant) if is_in_name else name
    now = patients.redact(before)
    if now == before:
        return now, None if said else text
    return now, text if text and now == name else covering((before, now), patients)


def uncover(node: Any, attribute: str) -> None:
    """Remove what was covered; nothing happens if nothing was."""
    if node.GetAttribute(attribute) is not None:
        with unnoticed(node):
            node.RemoveAttribute(attribute)


def is_covered_by_others(node: Any, attribute: str, patients: HiddenPatients) -> bool:
    """Whether another browser of this process has covered something."""
    text = node.GetAttribute(attribute) or ""
    return text_of_uid(text) is not None and not patients.has_given(text)
