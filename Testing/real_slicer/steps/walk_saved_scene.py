"""Save the scene as MRB, close it, load it: the nodes are known again, and used if not edited."""

import numpy as np
import slicer

from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot


def run(step):
    from real_slicer.servers import ServerProcess

    server = ServerProcess("clinic")
    step.at_end(server.stop)
    user = User(step)
    yield from user.open()
    four_up()
    yield from user.connect(server.port)
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    yield from get_segmentation(user)
    yield from save_and_open(step, user)
    yield from screenshot(step, "1-loaded-again")
    before = len(volumes()), len(lines()), len(segmentations())
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    yield from get_segmentation(user)
    yield step.pause(1)
    after = len(volumes()), len(lines()), len(segmentations())
    step.check(after == before, f"volumes, markups, segmentations: {before}, then {after}")
    yield from screenshot(step, "2-asked-for-again")
    voxels = slicer.util.arrayFromVolume(user.browser.images.node("DEMO_MR"))
    voxels[:] = 1000 - voxels
    slicer.util.arrayFromVolumeModified(user.browser.images.node("DEMO_MR"))
    edited = voxels.copy()
    yield from save_and_open(step, user)
    volume = user.browser.images.node("DEMO_MR")
    yield from user.load("DEMO_MR")
    is_there = np.array_equal(slicer.util.arrayFromVolume(volume), edited)
    step.check(is_there, "what was edited and saved was written over")
    yield from screenshot(step, "3-beside-what-was-edited")


def save_and_open(step, user):
    file = step.output / "walk.mrb"
    step.check(slicer.util.saveScene(str(file)), "the scene could not be saved")
    slicer.mrmlScene.Clear()
    yield step.pause(0.5)
    slicer.util.loadScene(str(file))
    yield user.until(lambda: volumes() and user.browser.images.node("DEMO_MR"), "the known image")
    file.unlink()


def get_segmentation(user):
    """Make a segmentation of the label map; one that was saved has been through its file."""
    user.press(user.ui.labelMapsButton)
    yield user.until(lambda: "SKULL" in user.ids(), "the label map in the table")
    yield from user.load("SKULL")
    user.browser.overlays.label_maps.show_segmentation("SKULL")


def segmentations():
    return slicer.util.getNodesByClass("vtkMRMLSegmentationNode")


def volumes():
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
