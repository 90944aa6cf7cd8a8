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
    for name, side in (("Left STN", -1), ("Right STN", 1)):
        line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
        line.AddControlPointWorld(30 * side, 40, 50)
        line.AddControlPointWorld(10 * side, -5, 2)
    yield from archive.store(step, user, "Store all new lines (2)", "1-question")
    yield user.until_status("Trajectories: 2 stored", 60)
    yield from screenshot(step, "2-stored")


def get_back(step, user):
    yield from user.get_trajectories(4)
    yield user.until_status("2 trajectories are shown")
    yield from screenshot(step, "3-got-back")


def replace(step, user):
    """One is changed, and the other one removed from the scene, and so from the plan."""
    trajectories = user.browser.trajectories
    nodes = {one.item.name: trajectories.node(one) for one in trajectories.items}
    nodes["Left STN"].SetNthControlPointPositionWorld(1, 0, 20, -15)
    slicer.mrmlScene.RemoveNode(nodes["Right STN"])
    names = [one.item.name for one in trajectories.items]
    user.ui.trajectoryTableView.selectRow(names.index("Left STN"))
    text = "Store selected trajectories (1)"
    question = yield from archive.store(step, user, text, "4-question-of-replacing")
    step.check("in place of the plan of CT head" in question, f"it asks {question}")
    step.check("removed from the scene: Right STN." in question, f"it asks {question}")
    yield user.until_status("Trajectories: 1 stored", 60)
    user.press(user.ui.trajectoriesButton)
    yield user.until_status("One trajectory is shown", 60)
    (item,) = [one.item for one in trajectories.items if not one.is_gone]
    step.check(item.name == "Left STN", f"the plan has {item.name}")
    step.check(abs(item.target[2] + 15) < 1e-3, f"its target is {item.target}")
    yield from screenshot(step, "5-replaced")
