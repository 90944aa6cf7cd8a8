"""What comes back as a removal is undone: other nodes than before, which are known all the same."""

from __future__ import annotations

import slicer

from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImageStatus


def test_what_comes_back_as_its_removal_is_undone_is_not_loaded_a_second_time(
    browser: Browser, scene: slicer.vtkMRMLScene
) -> None:
    loaded = [browser.load_image("CT"), *browser.load_trajectories()]
    scene.SetUndoOn()
    for node in loaded:
        node.SetUndoEnabled(True)
    scene.SaveStateForUndo()
    for node in loaded:
        scene.RemoveNode(node)
    assert browser.images.state("CT").status is ImageStatus.NOT_LOADED
    scene.Undo()
    browser.step()
    back = browser.images.node("CT")
    assert back is not None
    assert browser.images.state("CT").status is ImageStatus.LOADED
    assert browser.load_image("CT") is back
    lines = browser.load_trajectories()
    classes = ("vtkMRMLScalarVolumeNode", *{line.GetClassName() for line in lines})
    counted = sum(scene.GetNumberOfNodesByClass(name) for name in classes)
    assert counted == len(loaded) == 1 + len(lines)
