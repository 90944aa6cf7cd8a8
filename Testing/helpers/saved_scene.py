"""A scene that is saved with its voxels and markups, and loaded again."""

from __future__ import annotations

from pathlib import Path

import slicer


def save_scene(scene: slicer.vtkMRMLScene, folder: Path) -> Path:
    """Save a scene into a folder; return the file that lists its nodes."""
    scene.RegisterNodeClass(slicer.vtkMRMLMarkupsJsonStorageNode())
    scene.SetRootDirectory(str(folder))
    # Slicer has another storage node for volumes, whose file readers are not in slicer-core.
    _save_data(scene, "vtkMRMLVolumeNode", "vtkMRMLNRRDStorageNode", folder, "nrrd")
    _save_data(scene, "vtkMRMLMarkupsNode", "vtkMRMLMarkupsJsonStorageNode", folder, "mrk.json")
    path = folder / "saved.mrml"
    assert scene.Commit(str(path))
    return path


def load_scene(scene: slicer.vtkMRMLScene, path: Path) -> None:
    """Add the nodes of a file to a scene."""
    scene.RegisterNodeClass(slicer.vtkMRMLMarkupsJsonStorageNode())
    scene.SetURL(str(path))
    assert scene.Import()


def save_and_load(scene: slicer.vtkMRMLScene, folder: Path) -> slicer.vtkMRMLScene:
    """Save a scene, and return a new one into which it was loaded."""
    path = save_scene(scene, folder)
    loaded = slicer.vtkMRMLScene()
    slicer.vtkMRMLApplicationLogic().SetMRMLScene(loaded)
    load_scene(loaded, path)
    return loaded


def _save_data(
    scene: slicer.vtkMRMLScene,
    class_name: str,
    storage_class_name: str,
    folder: Path,
    suffix: str,
) -> None:
    for index in range(scene.GetNumberOfNodesByClass(class_name)):
        node = scene.GetNthNodeByClass(index, class_name)
        storage = scene.AddNewNodeByClass(storage_class_name)
        node.SetAndObserveStorageNodeID(storage.GetID())
        storage.SetFileName(str(folder / f"{node.GetID()}.{suffix}"))
        assert storage.WriteData(node)
