"""The README's pictures: the module beside the views, the panel alone, the views alone."""

import qt
import slicer

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

PREVIEW = 9  # the column


def run(step):
    user = User(step)
    yield from user.open()
    four_up()
    user.unfold(user.ui.advancedCollapsibleButton, False)
    user.press(user.ui.demoButton)
    yield user.until_listed()
    yield from look(step, user)
    yield from user.load("DEMO_CT", "DEMO_MR")
    yield from user.get_trajectories(7)
    user.click_row(user.ui.trajectoryTableView, 0, column=1)
    show_slices_in_3d()
    place = user.ui.progressWidget
    yield user.until(lambda: not place.sizePolicy.retainSizeWhenHidden(), "an end of its place")
    yield step.pause(0.5)
    user.bring_into_view(user.ui.hostLineEdit)
    yield from screenshot(step, "module")
    yield from screenshot(step, "views", slicer.app.layoutManager().viewport())
    yield from screenshot(step, "trajectories", user.panel)
    user.unfold(user.ui.trajectoriesCollapsibleButton, False)
    user.select("DEMO_CT")
    user.unfold(user.ui.detailsCollapsibleButton)
    user.bring_into_view(user.ui.calibrateButton)
    yield from screenshot(step, "details", user.panel)
    user.unfold(user.ui.detailsCollapsibleButton, False)
    server = ServerProcess("long_list", 100_000)
    step.at_end(server.stop)
    user.press(user.ui.connectButton)
    yield from user.connect(server.port)
    yield from screenshot(step, "long-list", user.panel)


def look(step, user):
    """Look at the images before they are loaded."""
    user.unfold(user.ui.trajectoriesCollapsibleButton, False)
    user.widget.panel.images.columns.choose(PREVIEW, True)
    user.press(user.ui.previewButton)
    user.select("DEMO_CT")
    yield user.until(lambda: user.ui.sliceLabel.text, "the slices of the CT", 60)
    model, role = user.model, qt.Qt.DecorationRole
    seen = lambda row: model.data(model.index(row, PREVIEW), role) is not None  # noqa: E731
    yield user.until(lambda: all(map(seen, range(3))), "the thumbnails", 60)
    user.bring_into_view(user.ui.hostLineEdit)
    yield from screenshot(step, "preview", user.panel)
    user.press(user.ui.previewButton)
    user.widget.panel.images.columns.choose(PREVIEW, False)
    user.unfold(user.ui.trajectoriesCollapsibleButton)


def show_slices_in_3d():
    """Show the slices in the 3D view, from close by."""
    for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
        node.SetSliceVisible(True)
    view = slicer.app.layoutManager().threeDWidget(0).threeDView()
    view.resetFocalPoint()
    for _ in range(2):
        view.zoomIn()
