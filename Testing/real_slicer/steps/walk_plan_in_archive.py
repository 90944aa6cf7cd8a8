"""A plan drawn in Slicer, stored in an archive (PACS), got back, changed, and stored again."""

import slicer

from real_slicer import archive
from real_slicer.user import User, lines
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
    ct = next(entry.id for entry in user.browser.images.listing.entries if entry.modality == "CT")
    yield from user.load(ct)
    yield from store(step, user)
    yield from get_back(step, user)
    yield from replace(step, user)
    yield from remove(step, user)


def store(step, user):
    for name, side in (("Left STN", -1), ("Right STN", 1)):
        line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", name)
        line.AddControlPointWorld(30 * side, 40, 50)
        line.AddControlPointWorld(10 * side, -5, 2)
    yield from archive.store(step, user, "Store all new lines (2)", "1-question")
    yield user.until_status("Trajectories: 2 stored", 60)
    yield from screenshot(step, "2-stored")


def get_back(step, user):
    """They come into the lines that were stored, and are offered no more as new ones."""
    menu = user.widget.panel.trajectories.sendMenu
    menu.fill()
    offered = [action.text for action in menu.menu.actions()]
    step.check("Store all new lines (0)" in offered, f"the menu offers {offered}")
    yield from user.get_trajectories(2)
    yield user.until_status("2 trajectories are shown")
    step.check(len(lines()) == 2, f"there are {len(lines())} lines")
    yield from screenshot(step, "3-got-back")


def replace(step, user):
    """One is changed, then the other one, before the list is fetched again."""
    trajectories = user.browser.trajectories
    for number, (name, x) in enumerate({"Left STN": 5, "Right STN": -5}.items(), start=4):
        change(user, name, (x, 20, -15))
        text = "Store selected trajectories (1)"
        question = yield from archive.store(step, user, text, f"{number}-question-of-replacing")
        step.check("in place of the plan of 'CT head'" in question, f"it asks {question}")
        step.check("other one of that plan stays" in question, f"it asks {question}")
        yield user.until_status("Trajectories: 2 stored", 60)
    user.press(user.ui.trajectoriesButton)
    yield user.until_status("2 trajectories are shown", 60)
    targets = {
        one.item.name: one.item.target
        for one in trajectories.markups.trajectories
        if not one.is_gone
    }
    are_new = [abs(target[2] + 15) < 1e-3 for target in targets.values()]
    step.check(len(are_new) == 2 and all(are_new), f"the targets are {targets}")
    yield from screenshot(step, "6-replaced")


def change(user, name, target):
    """Move a trajectory's target, and select it."""
    trajectories = user.browser.trajectories
    row = [one.item.name for one in trajectories.markups.trajectories].index(name)
    node = trajectories.node(trajectories.markups.trajectories[row])
    node.SetNthControlPointPositionWorld(1, *target)
    user.ui.trajectoryTableView.selectRow(row)


def remove(step, user):
    """One is removed from the scene, and so from the plan; then the last one."""
    trajectories = user.browser.trajectories
    nodes = {one.item.name: trajectories.node(one) for one in trajectories.markups.trajectories}
    slicer.mrmlScene.RemoveNode(nodes["Right STN"])
    change(user, "Left STN", (0, 10, 0))
    text = "Store selected trajectories (1)"
    question = yield from archive.store(step, user, text, "7-question-of-one-removed")
    step.check("removed from the scene: 'Right STN'." in question, f"it asks {question}")
    yield user.until_status("Trajectories: 1 stored", 60)
    slicer.mrmlScene.RemoveNode(nodes["Left STN"])
    text = "Store that a plan was removed (1)"
    question = yield from archive.store(step, user, text, "8-question-of-all-removed")
    step.check("removed from the scene: 'Left STN'." in question, f"it asks {question}")
    yield user.until_status("Trajectories: 0 stored", 60)
    user.press(user.ui.trajectoriesButton)
    yield user.until_status("No trajectories", 60)
    yield from screenshot(step, "9-removed")
