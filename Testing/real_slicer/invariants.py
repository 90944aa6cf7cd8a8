"""What holds in Slicer whatever a user has done with the module; each problem in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import slicer
import vtk

from IGTLMetaBrowserLib.scene.images.moved_images import movement
from IGTLMetaBrowserLib.scene.images.previews import PREVIEW_ATTRIBUTE
from IGTLMetaBrowserLib.scene.server_nodes.attributes import (
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


def at_rest(user: Any) -> Iterator[str]:
    """Yield which widget does not show how things are, when nothing is under way."""
    ui, browser, panel = user.ui, user.browser, user.widget.panel
    has_server, has_selection = browser.connection.has_server, panel.images.hasSelection
    expected = {
        "loadButton": has_server and has_selection,
        "refreshButton": has_server,
        "sendButton": has_server,
        "cancelButton": browser.images.is_loading,
        "selectAllButton": user.model.rowCount() > 0,
        "selectNoneButton": has_selection,
        "hostLineEdit": not has_server,
        "portSpinBox": not has_server,
    }
    for name, is_enabled in expected.items():
        if getattr(ui, name).enabled != is_enabled:
            yield f"{name} is {'not ' if is_enabled else ''}enabled"
    if ui.progressWidget.isHidden() == browser.images.is_loading:
        yield "the progress bar is there without a transfer, or the other way round"
    if ui.demoButton.isHidden() != has_server:
        yield "Demo is offered beside a server, or is not without one"
    if not has_server and not ui.retryButton.isHidden():
        yield "Retry is offered without a server"


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


def wrong_voxels(truth: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """Yield which volumes are not as an image that ``truth`` has by id, or not where that is.

    A server that comes again may have another image under an id: it has several of that.
    """
    for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode"):
        images = truth.get(node.GetAttribute(IMAGE_ID_ATTRIBUTE))
        if images is not None and not node.GetAttribute(PREVIEW_ATTRIBUTE):
            yield from wrong_volume(node, images)


def wrong_volume(node: Any, images: Sequence[Any]) -> Iterator[str]:
    """Yield what is wrong of a volume that has to be as one of these images."""
    voxels = slicer.util.arrayFromVolume(node)
    places = [place for image in images for place in _places_if_equal(voxels, image)]
    if not places:
        yield f"{node.GetName()} has wrong voxels"
        return
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ijk_to_ras = slicer.util.arrayFromVTKMatrix(matrix)
    if (moved := movement(node)) is not None:  # the user has hardened a transform
        ijk_to_ras = np.linalg.inv(moved) @ ijk_to_ras
    if not any(np.allclose(ijk_to_ras, place, atol=_MICROMETER) for place in places):
        yield f"{node.GetName()} is in the wrong place"


def _places_if_equal(voxels: Any, image: Any) -> Iterator[Any]:
    """Yield where an image is, as ijk_to_ras, if it has these voxels.

    A left-handed image that was saved with its scene is loaded with its slices the other way round,
    and its matrix, too: each voxel is where it was (ITK's readers in Slicer).
    """
    if np.array_equal(voxels, image.pixels):
        yield image.ijk_to_ras()
    if np.linalg.det(image.ijk_to_ras()) < 0 and np.array_equal(voxels, image.pixels[::-1]):
        backwards = np.diag([1.0, 1.0, -1.0, 1.0])
        backwards[2, 3] = len(image.pixels) - 1
        yield image.ijk_to_ras() @ backwards


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
