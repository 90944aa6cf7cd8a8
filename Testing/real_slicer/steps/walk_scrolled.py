"""The panel scrolls with all sections open, stays within its place in the window, and floats."""

import qt
import slicer

from real_slicer.user import User, ancestors
from real_slicer.views import four_up, grab, screenshot


def run(step):
    user = User(step)
    yield from user.open()
    four_up()
    for section in (user.ui.detailsCollapsibleButton, user.ui.shareCollapsibleButton):
        user.unfold(section)
    user.unfold(user.ui.advancedCollapsibleButton)
    content = user.ui.serverCollapsibleButton
    area = next(one for one in ancestors(content) if one.inherits("QScrollArea"))
    bar = area.verticalScrollBar()
    bar.value = 0
    yield from screenshot(step, "1-top")
    inside, outside = pictures(area.viewport())
    bar.value = bar.maximum
    yield from screenshot(step, "2-bottom")
    inside_then, outside_then = pictures(area.viewport())
    step.check(bar.maximum > 0, "the panel is higher than its place")
    step.check(inside_then != inside, "the panel is not drawn at its new place")
    step.check(outside_then == outside, "the panel is drawn over what is around it")
    dock = slicer.util.mainWindow().findChild("QDockWidget", "PanelDockWidget")
    dock.floating = True
    yield from screenshot(step, "3-floating")
    dock.floating = False
    yield from screenshot(step, "4-back")
    inside_again, _ = pictures(area.viewport())
    step.check(inside_again == inside_then, "the panel is drawn otherwise after it floated")


def pictures(viewport):
    """Return what the screen shows within the viewport, and in all rows above and below it."""
    window = slicer.util.mainWindow()
    picture = grab(window)
    corner = viewport.mapTo(window, qt.QPoint(0, 0))
    below = corner.y() + viewport.height
    rows = [
        qt.QRect(corner.x(), 0, viewport.width, corner.y()),
        qt.QRect(corner.x(), below, viewport.width, window.statusBar().y - below),
    ]
    inside = picture.copy(qt.QRect(corner.x(), corner.y(), viewport.width, viewport.height))
    return inside, [picture.copy(one) for one in rows]
