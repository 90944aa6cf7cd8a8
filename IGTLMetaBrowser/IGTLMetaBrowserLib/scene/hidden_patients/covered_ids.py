"""What names a patient in the IDs on nodes of images, and of what belongs to them, while hidden.

Servers write names into IDs of images and into groups, by which nodes are found again. While
patients are hidden, such an attribute has a text that nobody can guess, and that only this process
can read (``HiddenPatients.covered``); so have marks, see ``patient_marks``. Names of markups and
label maps stay: the user tells plans apart by them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...codec import printable
from ...privacy.hidden_patients import HiddenPatients, is_uid, text_of_uid
from ..label_maps.label_map_set import OWNER_ATTRIBUTE as LABEL_MAP_OWNER_ATTRIBUTE
from ..markups.trajectory_markups import GROUP_ATTRIBUTE, OWNER_ATTRIBUTE
from ..nodes.unnoticed import unnoticed
from ..server_nodes.attributes import IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE, REGION_OF_ATTRIBUTE
from ..subject_hierarchy.item_texts import read_attribute, write_attribute
from .item_titles import (
    GROUP_FOLDER_ATTRIBUTE,
    hierarchy_of,
    is_group_folder,
    is_users_title,
    items_of,
    rewrite_title,
)
from .patient_marks import nodes_and_copies, rewrite_marks

COVERED_ATTRIBUTES = (
    KEY_ATTRIBUTE,
    IMAGE_ID_ATTRIBUTE,
    REGION_OF_ATTRIBUTE,
    OWNER_ATTRIBUTE,
    GROUP_ATTRIBUTE,
    LABEL_MAP_OWNER_ATTRIBUTE,
)


def cover_ids(node: Any, patients: HiddenPatients) -> None:
    """Cover what names a patient in the IDs on a node, and in the folder of its group.

    A folder is made as a node comes that is the first of its group.
    """
    if not patients.is_hidden:
        return
    for attribute, text in _ids_on(node):
        _write(node, attribute, _id_now(text, patients))
    hierarchy = None if node.GetScene() is None else hierarchy_of(node.GetScene())
    item = 0 if hierarchy is None else hierarchy.GetItemByDataNode(node)
    if item and is_group_folder(hierarchy, folder := hierarchy.GetItemParent(item)):
        _rewrite_folder(hierarchy, folder, patients)


def covered_id(text: str, patients: HiddenPatients) -> str:
    """Return what an attribute may say in place of a text that is an ID."""
    words = _words(text)
    return text if is_uid(text) or patients.redact(words) == words else patients.covered(text)


def rewrite_patients(scene: Any, patients: HiddenPatients) -> None:
    """Write all marks, IDs and titles of items anew: patients were hidden, or are not any more.

    Or a scene was loaded. Those that another window or script has hidden stay so.
    """
    rewrite_marks(scene, patients)
    # Also what came from a client without a name, or from a server that it is no longer of.
    for node in nodes_and_copies(scene):
        for attribute, text in _ids_on(node):
            _write(node, attribute, _id_now(text, patients))
    if (hierarchy := hierarchy_of(scene)) is not None:
        for item in items_of(hierarchy):
            if is_group_folder(hierarchy, item):
                _rewrite_folder(hierarchy, item, patients)
            elif is_users_title(hierarchy, item):
                rewrite_title(hierarchy, item, patients)


def _rewrite_folder(hierarchy: Any, item: int, patients: HiddenPatients) -> None:
    text = read_attribute(hierarchy, item, GROUP_FOLDER_ATTRIBUTE)
    write_attribute(hierarchy, item, GROUP_FOLDER_ATTRIBUTE, _id_now(text, patients))
    rewrite_title(hierarchy, item, patients)


def _id_now(text: str, patients: HiddenPatients) -> str:
    """Return what the text of an attribute is, as patients are hidden now, or are not."""
    if patients.is_hidden:
        return covered_id(text, patients)
    return text_of_uid(text) or text if patients.has_given(text) else text


def _ids_on(node: Any) -> Iterator[tuple[str, str]]:
    texts = ((attribute, node.GetAttribute(attribute)) for attribute in COVERED_ATTRIBUTES)
    yield from ((attribute, text) for attribute, text in texts if text)


def _words(text: str) -> str:
    """Return what somebody who reads an attribute finds in it, see ``server_nodes``."""
    try:
        read = json.loads(text)
    except ValueError:
        return printable(text)
    return printable(" ".join(map(str, read if isinstance(read, list) else [read])))


def _write(node: Any, attribute: str, text: str) -> None:
    if node.GetAttribute(attribute) != text:
        with unnoticed(node):
            node.SetAttribute(attribute, text)
