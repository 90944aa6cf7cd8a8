"""Titles of the items of the subject hierarchy that this module makes, while patients are hidden.

Those of patients and studies are written anew by ``change_item``, unless the user has named the
item; folders are called as their group. What the user typed, and the group, is on the item, see
``covered_texts``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
from vtkmodules.vtkCommonCore import vtkIdList

from ...privacy.hidden_patients import HiddenPatients
from ..subject_hierarchy.item_texts import read_attribute, write_attribute
from .covered_texts import name_now

GROUP_FOLDER_ATTRIBUTE = "IGTLMetaBrowser.Group"
"""Of a folder, its group; covered if that names a patient who is hidden, see ``covered_ids``."""
_GIVEN_TITLE_ATTRIBUTE = "IGTLMetaBrowser.Title"
_USERS_TITLE_ATTRIBUTE = "IGTLMetaBrowser.UsersTitle"
"""Of any item, what it is called while patients are shown, and how now, see ``name_now``."""


def set_title(hierarchy: Any, item: int, title: str) -> None:
    """Call the item of a patient or a study so, unless the user has named it."""
    if not is_users_title(hierarchy, item):
        hierarchy.SetItemName(item, title)
    write_attribute(hierarchy, item, _GIVEN_TITLE_ATTRIBUTE, title)


def given_title(hierarchy: Any, item: int) -> str:
    """Return the title by ``set_title``, whatever the user calls an item."""
    given = read_attribute(hierarchy, item, _GIVEN_TITLE_ATTRIBUTE)
    return given or hierarchy.GetItemName(item)


def is_users_title(hierarchy: Any, item: int) -> bool:
    """Whether the user has named an item otherwise than ``set_title``."""
    is_renamed = given_title(hierarchy, item) != hierarchy.GetItemName(item)
    return is_renamed or hierarchy.HasItemAttribute(item, _USERS_TITLE_ATTRIBUTE)


def is_group_folder(hierarchy: Any, item: int) -> bool:
    """Whether an item is the folder of a group."""
    return bool(item) and hierarchy.HasItemAttribute(item, GROUP_FOLDER_ATTRIBUTE)


def rewrite_title(hierarchy: Any, item: int, patients: HiddenPatients) -> None:
    """Call an item anew that the user may have named: patients were hidden, or are shown."""
    name = hierarchy.GetItemName(item)
    text = read_attribute(hierarchy, item, _USERS_TITLE_ATTRIBUTE) or None
    shown, covered = name_now(name, text, patients)
    if shown != name:
        hierarchy.SetItemName(item, shown)
    if covered is None:
        hierarchy.RemoveItemAttribute(item, _USERS_TITLE_ATTRIBUTE)
    elif covered != text:
        write_attribute(hierarchy, item, _USERS_TITLE_ATTRIBUTE, covered)


def items_of(hierarchy: Any) -> Iterator[int]:
    """Yield all items of a subject hierarchy."""
    items = vtkIdList()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    yield from map(items.GetId, range(items.GetNumberOfIds()))


def hierarchy_of(scene: Any) -> Any:
    """Return the subject hierarchy, or None: one that was made here would meet that of a file."""
    is_there = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode") is not None
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene) if is_there else None
