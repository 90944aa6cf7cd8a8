"""Sequence nodes of volumes, and what replays them, as users of the Sequences module know it."""

from __future__ import annotations

from typing import Any

from ..errors import SceneError
from ..nodes.new_nodes import new_node, require_in_scene
from ..nodes.node_names import savable_index_text, savable_name
from .volumes import add_volume_display

BROWSER_CLASS = "vtkMRMLSequenceBrowserNode"
BASE_NAME_ATTRIBUTE = "Sequences.BaseName"
"""Slicer writes there what the node was called of which a frame was made."""

RECORDING_ATTRIBUTE = "IGTLMetaBrowser.Recording"
"""Of a sequence of live images, and of its frames."""
PLAYER_ATTRIBUTE = "IGTLMetaBrowser.Player"
"""Of what replays images from servers: the user may have removed their sequence."""


def new_sequence(
    scene: Any, name: str, index_name: str, unit: str, smallest_step: float | None
) -> Any:
    """Return a new sequence node without frames; its index is a number, or text if it has no step.

    Raises ``SceneError`` if Slicer cannot replay anything.
    """
    if not scene.IsNodeClassRegistered(BROWSER_CLASS):
        raise SceneError(
            "Slicer's module Sequences, which would replay a recording, is not there; switch "
            "it on in the application settings (Modules), and restart"
        )
    sequence = new_node(scene, "vtkMRMLSequenceNode", scene.GenerateUniqueName(savable_name(name)))
    sequence.SetIndexName(savable_index_text(index_name))
    sequence.SetIndexUnit(savable_index_text(unit))
    if smallest_step is None:
        sequence.SetIndexType(sequence.TextIndex)
    else:
        sequence.SetIndexType(sequence.NumericIndex)
        sequence.SetNumericIndexValueTolerance(smallest_step / 2)
    return sequence


def make_browser(scene: Any, sequence: Any, frames_per_second: float | None = None) -> Any:
    """Return a browser node that replays a sequence of volumes, and the volume that it shows."""
    browser = new_node(scene, BROWSER_CLASS, sequence.GetName())
    modified = browser.StartModify()
    browser.SetAttribute(PLAYER_ATTRIBUTE, "yes")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    volume = _make_volume(scene, sequence)
    browser.AddProxyNode(volume, sequence, False)
    browser.SetOverwriteProxyName(sequence, False)
    browser.SetSaveChanges(sequence, False)
    if frames_per_second is not None:
        browser.SetPlaybackRateFps(frames_per_second)
    browser.SetSelectedItemNumber(0)
    browser.EndModify(modified)
    return browser, volume


def _make_volume(scene: Any, sequence: Any) -> Any:
    """Return the volume that replays a sequence, with the first frame."""
    first = sequence.GetNthDataNode(0)
    volume = new_node(scene, first.GetClassName(), sequence.GetName())
    # Before the voxels, or Slicer would look through all of them for window and level.
    data = first.GetImageData()
    components = 1 if data is None else data.GetNumberOfScalarComponents()
    add_volume_display(scene, volume, components).AutoWindowLevelOff()
    require_in_scene(scene, volume)
    volume.CopyContent(first, False)
    return volume
