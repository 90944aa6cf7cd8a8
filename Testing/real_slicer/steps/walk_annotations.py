"""Label maps, as a layer and as a segmentation, and points."""

import slicer

from real_slicer.servers import ServerProcess
from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot


def run(step):
    user = User(step)
    server = ServerProcess("clinic")
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    yield from user.connect(server.port)
    yield from user.load("DEMO_CT")
    user.press(user.ui.labelMapsButton)
    yield user.until(lambda: "SKULL" in user.ids(), "the label map in the list")
    yield from user.load("SKULL")
    yield from screenshot(step, "1-label-map")
    user.select("SKULL")
    user.open_menu(user.ui.imageTableView, user.model.row("SKULL"))
    menu = user.widget.panel.images.menu
    yield user.until(lambda: menu.menu.visible, "the context menu")
    menu.menu.close()
    menu.segmentation.trigger()
    segmentations = lambda: slicer.util.getNodesByClass("vtkMRMLSegmentationNode")  # noqa: E731
    yield user.until(lambda: len(segmentations()) == 1, "the segmentation")
    yield from screenshot(step, "2-segmentation")
    user.press(user.ui.pointsButton)
    yield user.until(lambda: lines(), "the points")
    step.check(
        sum(node.GetNumberOfControlPoints() for node in lines()) == 3, "there are not 3 points"
    )
    yield from screenshot(step, "3-points")
