"""Files in which volumes and sequences were saved, where their names name who is hidden.

Slicer's Save dialog calls a file as its node, and saves it anew if that was renamed
(qSlicerSaveDataDialog::nodeFileInfo). Without the dialog, a scene would keep the name of before,
also in a bundle (vtkMRMLScene::SaveStorableNodeToSlicerDataBundleDirectory). So it is done here, as
patients are hidden: the node counts as modified, to be saved under another name. The file of
before stays, and is that of the node again when they are shown, unless it was saved meanwhile.
Folders keep their names.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...privacy.hidden_patients import HiddenPatients
from ..hidden_patients.covered_texts import cover, covered, uncover
from ..nodes.nodes_by_class import nodes_of_class
from ..server_nodes.attributes import IMAGE_CLASSES

_OURS = "IGTLMetaBrowser."
_COVERED_FILES_ATTRIBUTE = "IGTLMetaBrowser.Files"
"""Of a storage node: the files of before, the first as its name, and how that is called now."""


class FileNames:
    """Those of the storage nodes of a scene."""

    def __init__(self, scene: Any, patients: HiddenPatients) -> None:
        self._scene = scene
        self._patients = patients

    def patients_changed(self) -> None:
        """Have files that name somebody saved under other names, or be those of before."""
        change = self._cover if self._patients.is_hidden else self._uncover
        for node in _nodes(self._scene):
            if (storage := node.GetStorageNode()) is not None:
                change(node, storage)

    def _cover(self, node: Any, storage: Any) -> None:
        path = storage.GetFileName() or ""
        name = self._patients.redact(Path(path).name)
        if name == Path(path).name:
            return
        said = covered(storage, _COVERED_FILES_ATTRIBUTE, self._patients, is_of_any=True)
        before = said[0] if said and said[1] == path else [path, *_more_files(storage)]
        now = self._unused(Path(path).with_name(name))
        _set_files(storage, [now])
        node.StorableModified()
        cover(storage, _COVERED_FILES_ATTRIBUTE, (before, now), self._patients)

    def _uncover(self, node: Any, storage: Any) -> None:
        said = covered(storage, _COVERED_FILES_ATTRIBUTE, self._patients)
        if said is not None:
            before, now = said
            uncover(storage, _COVERED_FILES_ATTRIBUTE)
            if storage.GetFileName() == now and node.GetModifiedSinceRead():
                _set_files(storage, before)

    def _unused(self, path: Path) -> str:
        """Return a path that no other node has: of two patients, the names may look alike."""
        storages = nodes_of_class(self._scene, "vtkMRMLStorageNode")
        used = {storage.GetFileName() for storage in storages}
        stem, dot, ending = path.name.partition(".")
        number = 0
        while str(path) in used or path.exists():
            number += 1
            path = path.with_name(f"{stem}_{number}{dot}{ending}")
        return str(path)


def _nodes(scene: Any) -> Iterator[Any]:
    for class_name in (*IMAGE_CLASSES, "vtkMRMLSequenceNode"):
        for node in nodes_of_class(scene, class_name):
            is_ours = any(name.startswith(_OURS) for name in node.GetAttributeNames())
            # Not label maps, which keep their names.
            if is_ours and node.GetClassName() == class_name:
                yield node


def _more_files(storage: Any) -> list[str]:
    return [storage.GetNthFileName(number) for number in range(storage.GetNumberOfFileNames())]


def _set_files(storage: Any, files: list[str]) -> None:
    storage.ResetFileNameList()
    storage.SetFileName(files[0])
    for file in files[1:]:
        storage.AddFileName(file)
