"""Where nodes that belong to an image stand in the subject hierarchy.

Markups are in a folder of their group next to it, label maps under it.
"""

from __future__ import annotations

from typing import Any

import slicer
from vtkmodules.vtkCommonCore import vtkIdList

from ..hidden_patients.item_titles import GROUP_FOLDER_ATTRIBUTE, is_group_folder
from ..server_nodes.attributes import uncovered
from .item_texts import read_attribute, write_attribute


def folder_parent(scene: Any, owner: Any) -> int:
    """Return the item under which an image's groups stand: what the image itself stands under.

    ``owner`` is the image's node, or None if it is not loaded: then it is the top.
    """
    hierarchy = _hierarchy(scene)
    item = 0 if owner is None else hierarchy.GetItemByDataNode(owner)
    return hierarchy.GetItemParent(item) if item else hierarchy.GetSceneItemID()


def put_in_group(scene: Any, node: Any, group: str, parent: int) -> None:
    """Put a node into the folder of its group under the item ``parent``; without one, there.

    A node that is in there already, at whatever depth, stays where the user has put it.
    """
    hierarchy = _hierarchy(scene)
    target = _folder(hierarchy, group, parent) if group else parent
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        hierarchy.CreateItem(target, node)
    elif not _is_within(hierarchy, item, target):
        before = hierarchy.GetItemParent(item)
        hierarchy.SetItemParent(item, target)
        _remove_if_empty(hierarchy, before)


def is_in_group(scene: Any, node: Any, group: str, parent: int) -> bool:
    """Whether a node is in the folder of its group under ``parent``; without a group, there."""
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    target = _known_folder(hierarchy, group, parent) if group else parent
    return bool(item and target) and _is_within(hierarchy, item, target)


def is_under(scene: Any, node: Any, owner: Any) -> bool:
    """Whether a node is under the one that it belongs to, at whatever depth."""
    hierarchy = _hierarchy(scene)
    item, parent = map(hierarchy.GetItemByDataNode, (node, owner))
    return bool(item and parent) and _is_within(hierarchy, item, parent)


def put_under(scene: Any, node: Any, owner: Any) -> None:
    """Put a node under the one that it belongs to; there, at whatever depth, it stays."""
    hierarchy = _hierarchy(scene)
    parent = hierarchy.GetItemByDataNode(owner)
    if not parent:
        parent = hierarchy.CreateItem(hierarchy.GetSceneItemID(), owner)
    item = hierarchy.GetItemByDataNode(node)
    if not item:
        hierarchy.CreateItem(parent, node)
    elif not _is_within(hierarchy, item, parent):
        hierarchy.SetItemParent(item, parent)


def put_beside(scene: Any, node: Any) -> None:
    """Put a node that stands under another one, as a label map does, beside that."""
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    above = hierarchy.GetItemParent(item) if item else 0
    if above and hierarchy.GetItemDataNode(above) is not None:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(above))


def remove_node(scene: Any, node: Any) -> None:
    """Remove a node, its display node, its item, and its group's folder if that is empty now."""
    hierarchy = _hierarchy(scene)
    item = hierarchy.GetItemByDataNode(node)
    folder = hierarchy.GetItemParent(item) if item else 0
    display = node.GetDisplayNode()
    scene.RemoveNode(node)
    if display is not None:  # MRML leaves it in the scene
        scene.RemoveNode(display)
    if item and hierarchy.GetItemByDataNode(node):  # Slicer removes it by itself
        hierarchy.RemoveItem(item, False)
    _remove_if_empty(hierarchy, folder)


def _hierarchy(scene: Any) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def _folder(hierarchy: Any, group: str, parent: int) -> int:
    """Return the group's folder, made if there is none; the user may have renamed it."""
    folder = _known_folder(hierarchy, group, parent)
    if not folder:
        folder = hierarchy.CreateFolderItem(parent, group)
        write_attribute(hierarchy, folder, GROUP_FOLDER_ATTRIBUTE, group)
    return folder


def _known_folder(hierarchy: Any, group: str, parent: int) -> int:
    children = vtkIdList()
    hierarchy.GetItemChildren(parent, children, False)
    for index in range(children.GetNumberOfIds()):
        item = children.GetId(index)
        if uncovered(read_attribute(hierarchy, item, GROUP_FOLDER_ATTRIBUTE)) == group:
            return item
    return 0


def _is_within(hierarchy: Any, item: int, target: int) -> bool:
    top = hierarchy.GetSceneItemID()
    if target == top:
        # All is below the top: a node without a group only has to be in no group's folder.
        return not is_group_folder(hierarchy, hierarchy.GetItemParent(item))
    while item not in (0, top):
        item = hierarchy.GetItemParent(item)
        if item == target:
            return True
    return False


def _remove_if_empty(hierarchy: Any, folder: int) -> None:
    if is_group_folder(hierarchy, folder) and not hierarchy.GetNumberOfItemChildren(folder):
        hierarchy.RemoveItem(folder)
