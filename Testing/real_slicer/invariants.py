"""What holds in Slicer whatever a user has done with the module; each problem in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer
import vtk

from IGTLMetaBrowserLib.scene.previews import PREVIEW_ATTRIBUTE
from IGTLMetaBrowserLib.scene.server_nodes import (
    IMAGE_ID_ATTRIBUTE,
    KEY_ATTRIBUTE,
    SERVER_ATTRIBUTE,
)

_NO_WORDS = re.compile(r"[{}]|\bNone\b|\bnan\b|Traceback|Errno|object at 0x|<class")
_VOLUMES = ("vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode")
_ONLY_WITH_SERVER = (
    "loadButton",
    "refreshButton",
    "trajectoriesButton",
    "labelMapsButton",
    "pointsButton",
)
_MICROMETER = 1e-3


def at_any_time(user: Any) -> Iterator[str]:
    """Yield what is wrong, after whatever was done."""
    ui, connection = user.ui, user.browser.connection
    for label in (ui.statusLabel, ui.connectionLabel, ui.listedLabel, ui.progressLabel):
        if _NO_WORDS.search(label.text):
            yield f"{label.name} says {label.text!r}"
    for name in _ONLY_WITH_SERVER:
        button = getattr(ui, name)
        if button.enabled and button.visible and not connection.has_server:
            yield f"{name} can be pressed without a server"
    yield from _doubled_nodes()


def after_leaving(user: Any) -> Iterator[str]:
    """Yield what is left of a server that was disconnected a while ago."""
    browser, pump = user.browser, user.widget.logic._pump
    if browser.sockets or pump._notifiers._ofSocket:
        yield "a socket is left"
    if browser.next_deadline is not None or pump._timer.isActive():
        yield "there is still something to do"
    if user.model.rowCount():
        yield f"the table has {user.model.rowCount()} rows"
    if not user.ui.keepPreviewsCheckBox.checked:
        yield from (f"{one.GetName()} is left" for one in _nodes(PREVIEW_ATTRIBUTE))
    yield from _orphans()


def after_closing_scene() -> Iterator[str]:
    """Yield what is left of a scene that was closed."""
    yield from (f"{one.GetName()} is left" for one in _nodes(SERVER_ATTRIBUTE))
    yield from _orphans()


def wrong_voxels(truth: dict[str, Any]) -> Iterator[str]:
    """Yield which volumes are not the images, or not where they are, that ``truth`` has by id."""
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        image = truth.get(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
        if image is None or node.GetAttribute(PREVIEW_ATTRIBUTE):
            continue
        if not np.array_equal(slicer.util.arrayFromVolume(node), image.pixels):
            yield f"{node.GetName()} has wrong voxels"
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        ijk_to_ras = slicer.util.arrayFromVTKMatrix(matrix)
        if not np.allclose(ijk_to_ras, image.ijk_to_ras(), atol=_MICROMETER):
            yield f"{node.GetName()} is in the wrong place"


def _nodes(attribute: str = "") -> list[Any]:
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(number) for number in range(scene.GetNumberOfNodes())]
    return [node for node in nodes if not attribute or node.GetAttribute(attribute)]


def _doubled_nodes() -> Iterator[str]:
    """Yield of which image or trajectory of a server there are two."""
    found: Counter[tuple[str, ...]] = Counter()
    for node in _nodes(SERVER_ATTRIBUTE):
        for name in (IMAGE_ID_ATTRIBUTE, KEY_ATTRIBUTE):
            key = node.GetAttribute(name)
            if key:
                kind = "volume" if node.GetClassName() in _VOLUMES else node.GetClassName()
                found[kind, node.GetAttribute(SERVER_ATTRIBUTE), key] += 1
    yield from (f"{count} nodes of {key}" for key, count in found.items() if count > 1)


def _orphans() -> Iterator[str]:
    """Yield displays, storages and subject hierarchy items that belong to nothing."""
    for node in _nodes():
        is_display = node.IsA("vtkMRMLDisplayNode") and not node.GetSingletonTag()
        if is_display and node.GetDisplayableNode() is None:
            yield f"{node.GetID()} displays nothing"
        if node.IsA("vtkMRMLStorageNode") and node.GetStorableNode() is None:
            yield f"{node.GetID()} stores nothing"
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    items, groups = vtk.vtkIdList(), Counter()
    hierarchy.GetItemChildren(hierarchy.GetSceneItemID(), items, True)
    for item in map(items.GetId, range(items.GetNumberOfIds())):
        name, level = hierarchy.GetItemName(item), hierarchy.GetItemLevel(item)
        if hierarchy.GetItemDataNode(item) is None:
            groups[hierarchy.GetItemParent(item), level, name] += 1
            if not level:
                yield f"the item {name!r} has no node"
    yield from (f"{count} items {key}" for key, count in groups.items() if count > 1)
