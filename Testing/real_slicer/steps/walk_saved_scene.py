"""Save the scene as MRB, close it, load it: the nodes are known again, and used."""

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
    file = step.output / "walk.mrb"
    step.check(slicer.util.saveScene(str(file)), "the scene could not be saved")
    slicer.mrmlScene.Clear()
    yield step.pause(0.5)
    slicer.util.loadScene(str(file))
    yield user.until(lambda: volumes() and user.browser.images.node("DEMO_MR"), "the known image")
    yield from screenshot(step, "1-loaded-again")
    before = len(volumes()), len(lines())
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    yield step.pause(1)
    after = len(volumes()), len(lines())
    step.check(after == before, f"volumes and markups were {before}, and are {after}")
    yield from screenshot(step, "2-asked-for-again")
    file.unlink()


def volumes():
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
