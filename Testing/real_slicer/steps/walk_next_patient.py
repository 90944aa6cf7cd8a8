"""Open a scene that was saved without its image, and get the next patient's image of that ID."""

import slicer

from real_slicer.servers import ServerProcess
from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot

TIMEOUT_SECONDS = 600


def run(step):
    user = User(step)
    server = ServerProcess("clinic")
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    yield from saved_without_image(step, user, server)
    server.stop()
    next_server = ServerProcess("clinic", 1, port=server.port)
    step.at_end(next_server.stop)
    slicer.util.loadScene(str(step.output / "walk.mrb"))
    (step.output / "walk.mrb").unlink()
    yield user.until(lambda: len(lines()) == 8, "the plan and the points of before")
    before = nodes()
    places = [place(line) for line in lines()]
    yield from user.connect(server.port)
    yield user.until_status("another patient's now")
    yield from screenshot(step, "1-next-list")
    yield from user.load("DEMO_CT")
    yield from screenshot(step, "2-next-image")
    image = user.browser.images.node("DEMO_CT")
    step.check(image not in before, "the next image is in a node of before")
    seen = [one.GetName() for one in before if one.GetDisplayVisibility()]
    step.check(not seen, f"of before, these are seen: {seen}")
    step.check(not any(map(is_of_next, before)), "a node of before is the next patient's")
    yield from user.get_trajectories(len(places) + 7)
    now = [place(one) for one in before if one.IsA("vtkMRMLMarkupsNode")]
    step.check(now == places, "a line of before was moved")
    yield from screenshot(step, "3-next-plan")


def saved_without_image(step, user, server):
    """Get all that there is of the CT, remove that, save the scene, and leave the server."""
    yield from user.connect(server.port)
    yield from user.load("DEMO_CT")
    user.press(user.ui.labelMapsButton)
    yield user.until(lambda: "SKULL" in user.ids(), "the label map in the list")
    yield from user.load("SKULL")
    user.browser.overlays.label_maps.show_segmentation("SKULL")
    user.press(user.ui.pointsButton)
    yield user.until(lambda: lines(), "the points")
    yield from user.get_trajectories(8)
    slicer.mrmlScene.RemoveNode(user.browser.images.node("DEMO_CT"))
    file = step.output / "walk.mrb"
    step.check(slicer.util.saveScene(str(file)), "the scene could not be saved")
    user.press(user.ui.connectButton)
    yield user.until(lambda: not user.browser.connection.has_server, "the end of the connection")
    slicer.mrmlScene.Clear()
    yield step.pause(0.5)


def nodes():
    """The lines, points, label maps and segmentations of the scene."""
    kinds = ["Markups", "LabelMapVolume", "Segmentation"]
    return [one for kind in kinds for one in slicer.util.getNodesByClass(f"vtkMRML{kind}Node")]


def place(line):
    return tuple(line.GetNthControlPointPositionWorld(0))


def is_of_next(node):
    hierarchy = slicer.mrmlScene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    while item and item != hierarchy.GetSceneItemID():
        item = hierarchy.GetItemParent(item)
        if hierarchy.GetItemName(item) == "Next^Patient":
            return True
    return False
