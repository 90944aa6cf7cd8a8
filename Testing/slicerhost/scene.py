"""The scene of a running Slicer: with singletons, color tables, and an item for each data node.

The logics are Slicer's own. Only the subject hierarchy needs help: there plugins written with Qt
make the items, and slicer-core does not have these.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import slicer
import vtk

_CLASSES_WITH_ITEMS = (
    "vtkMRMLVolumeNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLModelNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLTransformNode",
)


class SubjectHierarchyItems:
    """Makes an item for each data node that is added to the scene, and removes it with the node."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        scene.AddObserver(scene.NodeAddedEvent, self._on_added)
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_removed)
        for event in (scene.EndImportEvent, scene.EndBatchProcessEvent):
            scene.AddObserver(event, self._on_many_added)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_added(self, scene: Any, event: str, node: Any) -> None:
        if not scene.IsImporting():
            self._add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_removed(self, scene: Any, event: str, node: Any) -> None:
        if scene.IsClosing():
            return  # whose hierarchy may be gone: the scene would make another one
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            return  # one of two that are merged, for which the scene would be asked again
        hierarchy = scene.GetSubjectHierarchyNode()
        item = hierarchy.GetItemByDataNode(node) if hierarchy else 0
        if item:
            hierarchy.RemoveItem(item, False)

    def _on_many_added(self, scene: Any, event: str) -> None:
        for index in range(scene.GetNumberOfNodes()):
            self._add(scene.GetNthNode(index))

    def _add(self, node: slicer.vtkMRMLNode) -> None:
        if node.GetHideFromEditors() or not any(node.IsA(name) for name in _CLASSES_WITH_ITEMS):
            return
        hierarchy = self._scene.GetSubjectHierarchyNode()
        if not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


class NodesOfRemoved:
    """Removes the display and storage nodes of a node that is removed, as Slicer does."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self._nodes: dict[str, list[Any]] = {}
        scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._on_about_to_be_removed)
        scene.AddObserver(scene.NodeRemovedEvent, self._on_removed)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_about_to_be_removed(self, scene: Any, event: str, node: Any) -> None:
        if scene.IsClosing():
            return
        nodes = []
        if node.IsA("vtkMRMLDisplayableNode"):
            nodes += map(node.GetNthDisplayNode, range(node.GetNumberOfDisplayNodes()))
        if node.IsA("vtkMRMLStorableNode"):
            nodes += map(node.GetNthStorageNode, range(node.GetNumberOfStorageNodes()))
        self._nodes[node.GetID()] = nodes

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _on_removed(self, scene: Any, event: str, node: Any) -> None:
        for one in self._nodes.pop(node.GetID(), ()):
            if one is not None and one.GetScene() is not None:
                scene.RemoveNode(one)


class CoreModule:
    """What `slicer.modules.markups` and the like offer here: a name and the logic."""

    def __init__(self, name: str, logic: Any) -> None:
        self.name = name
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


def install(application_logic: slicer.vtkSlicerApplicationLogic, modules: ModuleType) -> None:
    """Make slicer.mrmlScene, with the logics that are always there in a running Slicer."""
    scene = slicer.vtkMRMLScene()
    _add_cache(scene)
    application_logic.SetMRMLScene(scene)
    colors = slicer.vtkSlicerColorLogic()
    logics = {
        "Colors": colors,
        "Markups": slicer.vtkSlicerMarkupsLogic(),
        "Sequences": slicer.vtkSlicerSequencesLogic(),
        "SubjectHierarchy": slicer.vtkSlicerSubjectHierarchyModuleLogic(),
        "Volumes": slicer.vtkSlicerVolumesLogic(),
    }
    # Slicer's color files are not in slicer-core; the color tables made in code are all there.
    application_logic.SetHomeDirectory(slicer.app.temporaryPath)
    application_logic.SetShareDirectory("share")
    Path(slicer.app.temporaryPath, "share", "ColorFiles").mkdir(parents=True)
    for name, logic in logics.items():
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        application_logic.SetModuleLogic(name, logic)
        setattr(modules, name.lower(), CoreModule(name, logic))
    application_logic.SetColorLogic(colors)
    slicer.mrmlScene = scene
    modules.subjectHierarchyItems = SubjectHierarchyItems(scene)
    modules.nodesOfRemoved = NodesOfRemoved(scene)


def _add_cache(scene: slicer.vtkMRMLScene) -> None:
    """Give the scene a folder for what it unpacks: without one it reads no .mrb file."""
    cache, manager = slicer.vtkCacheManager(), slicer.vtkDataIOManager()
    cache.SetRemoteCacheDirectory(slicer.app.temporaryPath)
    manager.SetCacheManager(cache)
    scene.SetCacheManager(cache)
    scene.SetDataIOManager(manager)
