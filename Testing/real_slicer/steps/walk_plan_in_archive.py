"""A plan drawn in Slicer, stored in an archive (PACS), got back, changed, and stored again."""

import slicer

from real_slicer import archive
from real_slicer.user import User
from real_slicer.views import four_up, screenshot


def run(step):
    server = archive.start(step)
    if server is None:
        return
    user = User(step)
    yield from user.open()
    four_up()
    archive.connect(user, archive.url(server))
    yield user.until_status("offers 3 images", 60)
    ct = next(entry.id for entry in user.browser.images.entries if entry.modality == "CT")
    yield from user.load(ct)
    yield from store(step, user)
    yield from get_back(step, user)
    yield from replace(step, user)


def store(step, user):
    line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Left STN")
    line.AddControlPointWorld(30, 40, 50)
    line.AddControlPointWorld(10, -5, 2)
    yield from archive.store(step, user, "Store all new lines (1)", "1-question")
    yield user.until_status("Trajectories: 1 stored", 60)
    yield from screenshot(step, "2-stored")


def get_back(step, user):
    yield from user.get_trajectories(2)
    yield user.until_status("One trajectory is shown")
    yield from screenshot(step, "3-got-back")


def replace(step, user):
    trajectories = user.browser.trajectories
    node = trajectories.node(trajectories.items[0])
    node.SetNthControlPointPositionWorld(1, 0, 20, -15)
    user.ui.trajectoryTableView.selectRow(0)
    text = "Store selected trajectories (1)"
    question = yield from archive.store(step, user, text, "4-question-of-replacing")
    step.check("in place of the plan of CT head" in question, f"it asks {question}")
    yield user.until_status("Trajectories: 1 stored", 60)
    user.press(user.ui.trajectoriesButton)
    yield user.until_status("One trajectory is shown", 60)
    target = trajectories.items[0].item.target
    step.check(len(trajectories.items) == 1, f"there are {len(trajectories.items)} trajectories")
    step.check(abs(target[2] + 15) < 1e-3, f"its target is {target}")
    yield from screenshot(step, "5-replaced")
