"""What comes back as a removal is undone: other nodes than before, which are known all the same."""

from __future__ import annotations

from typing import Any

import slicer

from helpers.hospital import of_type
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import ImagesAdopted, ImageStatus, TrajectoriesChanged


def test_what_comes_back_as_its_removal_is_undone_is_not_loaded_a_second_time(
    browser: Browser, scene: slicer.vtkMRMLScene
) -> None:
    loaded = load_all(browser)
    remove(loaded)
    assert browser.images.states.of("CT").status is ImageStatus.NOT_LOADED
    scene.Undo()
    back = browser.images.node("CT")
    assert back is not None
    assert browser.images.states.of("CT").status is ImageStatus.LOADED
    assert browser.load_image("CT") is back
    lines = browser.load_trajectories()
    classes = ("vtkMRMLScalarVolumeNode", *{line.GetClassName() for line in lines})
    counted = sum(scene.GetNumberOfNodesByClass(name) for name in classes)
    assert counted == len(loaded) == 1 + len(lines)


def test_whoever_shows_it_is_told_at_once(
    browser: Browser, scene: slicer.vtkMRMLScene, events: list
) -> None:
    """Not with what the server sends next: that may be never."""
    loaded = load_all(browser)
    remove(loaded)
    events.clear()
    scene.Undo()
    assert of_type(events, ImagesAdopted) == [ImagesAdopted(("CT",))]
    assert of_type(events, TrajectoriesChanged)


def test_what_was_loaded_since_gives_way_to_what_comes_back(
    browser: Browser, scene: slicer.vtkMRMLScene
) -> None:
    """As it goes, what is there already is no copy of it that the user has made."""
    default = scene.CreateNodeByClass("vtkMRMLMarkupsLineNode")
    default.UnRegister(None)
    default.SetUndoEnabled(True)
    scene.AddDefaultNode(default)
    lines = browser.load_trajectories()
    remove(lines)
    browser.load_trajectories()
    scene.Undo()
    trajectories = browser.trajectories
    shown = {trajectories.node(one).GetID() for one in trajectories.markups.trajectories}
    assert shown == {line.GetID() for line in lines}
    assert scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == len(lines)


def load_all(browser: Browser) -> list[Any]:
    return [browser.load_image("CT"), *browser.load_trajectories()]


def remove(nodes: list[Any]) -> None:
    """Remove nodes so that it can be undone."""
    scene = nodes[0].GetScene()
    scene.SetUndoOn()
    for node in nodes:
        node.SetUndoEnabled(True)
    scene.SaveStateForUndo()
    for node in nodes:
        scene.RemoveNode(node)
