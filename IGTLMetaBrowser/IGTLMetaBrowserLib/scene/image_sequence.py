"""Volumes of a 4D series (times, echoes, b-values) as one sequence that Slicer replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from .errors import SceneError
from .sequence_nodes import make_browser, new_sequence

# Slicer's own tolerance of a millisecond would make one frame of two that are nearer.
_SMALLEST_STEP = 1e-6


def make_sequence(
    scene: Any, volumes: Sequence[Any], index_name: str, unit: str, values: Sequence[str]
) -> Any:
    """Move volume nodes into a sequence, each at its value; return the node that replays it.

    Values are numbers if there is a unit, else texts. The voxels are not copied. The volumes are
    removed from the scene; the one that shows the sequence has the display of the first. Raises
    ``SceneError`` if one is missing, or Slicer cannot replay anything.
    """
    if any(volume is None or volume.GetImageData() is None for volume in volumes):
        raise SceneError("an image of the sequence is not loaded; load all of them first")
    step = _SMALLEST_STEP if unit else None
    sequence = new_sequence(scene, _common_name(volumes), index_name, unit, step)
    for volume, value in zip(volumes, values, strict=True):
        # The sequence would copy all voxels: it gets a node without any.
        frame = getattr(slicer, volume.GetClassName())()
        frame.SetName(volume.GetName())
        frame.CopyOrientation(volume)
        for name in volume.GetAttributeNames() or ():
            frame.SetAttribute(name, volume.GetAttribute(name))
        frame = sequence.SetDataNodeAtValue(frame, value)
        frame.SetAndObserveImageData(volume.GetImageData())
    browser, shown = make_browser(scene, sequence)
    _take_place(scene, shown, volumes[0])
    for volume in volumes:
        scene.RemoveNode(volume)
    return browser


def _common_name(volumes: Sequence[Any]) -> str:
    """Return what the names of volumes begin with: that of the series."""
    first, *others = (volume.GetName().split() for volume in volumes)
    count = 0
    while count < len(first) and all(words[: count + 1] == first[: count + 1] for words in others):
        count += 1
    return " ".join(first[:count]) or volumes[0].GetName()


def _take_place(scene: Any, shown: Any, first: Any) -> None:
    """Give a volume the display and the place in the subject hierarchy that another has."""
    if first.GetDisplayNode() is not None:
        shown.GetDisplayNode().CopyContent(first.GetDisplayNode())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is None:
        return
    old, new = hierarchy.GetItemByDataNode(first), hierarchy.GetItemByDataNode(shown)
    if old and new:  # outside Slicer's window, the hierarchy has only what was put into it
        hierarchy.SetItemParent(new, hierarchy.GetItemParent(old))
