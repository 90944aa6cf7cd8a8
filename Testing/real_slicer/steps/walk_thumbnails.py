"""Thumbnails in the table, 10,000 rows scrolled, and slices below it, before anything is loaded."""

import qt

from real_slicer.heartbeat import Heartbeat
from real_slicer.servers import ServerProcess
from real_slicer.user import User, send_mouse
from real_slicer.views import four_up, screenshot

PREVIEW = 9  # the column


def run(step):
    user = User(step)
    yield from user.open()
    four_up()
    user.unfold(user.ui.trajectoriesCollapsibleButton, False)
    user.press(user.ui.demoButton)
    yield user.until_listed()
    user.widget.panel.images.columns.choose(PREVIEW, True)
    yield until_seen(user, 0, 1, 2)
    yield from screenshot(step, "1-table", user.panel)
    yield from look_at_slices(step, user)
    yield from hide_patients(step, user)
    yield from load(step, user)
    user.press(user.ui.previewButton)
    yield from scroll(step, user)


def look_at_slices(step, user):
    """Press Preview, drag, and look from all directions."""
    ui = user.ui
    user.press(ui.previewButton)
    user.select("DEMO_CT")
    yield user.until(lambda: ui.sliceLabel.text, "the slices of the CT", 60)
    yield from screenshot(step, "2-preview", user.panel)
    middle = ui.sliceSlider.value
    drag(ui.previewLabel, 60)
    step.check(ui.sliceSlider.value > middle, "dragging up does not scroll")
    for name in ("Sagittal", "Coronal"):
        double_click(ui.previewLabel)
        step.check(ui.directionButton.text == name, f"it is {ui.directionButton.text}, not {name}")
        yield from screenshot(step, f"3-{name.lower()}", user.panel)
    user.select("DEMO_PT")
    yield user.until(lambda: ui.sliceLabel.text, "the slices of the PET", 60)
    yield from screenshot(step, "4-pet", user.panel)


def hide_patients(step, user):
    user.check(user.ui.hidePatientsCheckBox)
    user.bring_into_view(user.ui.imageTableView)
    yield user.until(lambda: "hidden" in user.ui.previewLabel.text, "no preview")
    yield from screenshot(step, "5-hidden", user.panel)
    user.check(user.ui.hidePatientsCheckBox, False)
    user.unfold(user.ui.advancedCollapsibleButton, False)
    yield user.until(lambda: user.ui.sliceLabel.text, "the slices again", 60)


def load(step, user):
    """A loaded image is previewed by its own voxels, as it is seen in the views."""
    yield from user.load("DEMO_MR")
    yield user.until(lambda: user.ui.sliceLabel.text, "its slices")
    yield from screenshot(step, "6-loaded")


def scroll(step, user):
    """Scroll through 10,000 rows; thumbnails of those that are passed are not asked for."""
    server = ServerProcess("heads", 10_000)
    step.at_end(server.stop)
    user.press(user.ui.connectButton)
    yield from user.connect(server.port)
    yield until_seen(user, 0, 1)
    yield from screenshot(step, "7-heads", user.panel)
    heartbeat = Heartbeat()
    step.at_end(heartbeat.close)
    bar = user.ui.imageTableView.verticalScrollBar()
    heartbeat.start()
    for place in range(0, 2000, 20):
        bar.value = place
        yield step.pause(0.02)
    heartbeat.stop()
    step.figure("10,000 rows with thumbnails, scrolled", "50 ms", heartbeat.text())
    heartbeat.start()
    for place in range(5000, 5200, 2):
        bar.value = place
        yield step.pause(0.1)
    heartbeat.stop()
    step.figure("the same, slowly: they arrive meanwhile", "50 ms", heartbeat.text())
    bar.value = bar.maximum
    yield until_seen(user, 9_999)
    yield from screenshot(step, "8-end", user.panel)


def until_seen(user, *rows):
    """Wait until rows have their thumbnails."""
    model, role = user.model, qt.Qt.DecorationRole
    seen = lambda row: model.data(model.index(row, PREVIEW), role) is not None  # noqa: E731
    return user.until(lambda: all(map(seen, rows)), f"the thumbnails in the rows {rows}", 60)


def drag(widget, distance):
    """Press in the middle of a widget, and drag up."""
    middle = qt.QPointF(widget.rect.center())
    end = qt.QPointF(middle.x(), middle.y() - distance)
    left, none = qt.Qt.LeftButton, qt.Qt.NoButton
    send_mouse(widget, qt.QEvent.MouseButtonPress, middle, left, left)
    send_mouse(widget, qt.QEvent.MouseMove, end, none, left)
    send_mouse(widget, qt.QEvent.MouseButtonRelease, end, left, none)


def double_click(widget):
    middle = qt.QPointF(widget.rect.center())
    send_mouse(widget, qt.QEvent.MouseButtonDblClick, middle, qt.Qt.LeftButton, qt.Qt.LeftButton)
