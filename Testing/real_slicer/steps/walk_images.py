"""Open, demo, list, filter, sort, select, load, cancel, context menu, scene closed, leave."""

import qt
import slicer

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

WIDEST_PANEL = 390


def run(step):
    user = User(step)
    yield from user.open()
    four_up()
    panel = slicer.util.findChild(slicer.util.mainWindow(), "PanelDockWidget")
    width = panel.minimumSizeHint.width()
    step.check(width <= WIDEST_PANEL, f"the panel needs {width} pixels, {WIDEST_PANEL} are wanted")
    yield from screenshot(step, "1-opened")
    user.press(user.ui.demoButton)
    yield user.until_listed()
    step.check(user.ids() == ["DEMO_CT", "DEMO_MR", "DEMO_PT"], f"the list is {user.ids()}")
    yield from screenshot(step, "2-listed")
    yield from filter_and_sort(step, user)
    yield from load(step, user)
    yield from use_menu_and_keys(step, user)
    yield from leave(step, user)
    yield from cancel(step, user)


def filter_and_sort(step, user):
    ui = user.ui
    user.type(ui.filterLineEdit, "head fdg")
    yield user.until(lambda: user.ids() == ["DEMO_PT"], "the filtered list")
    yield from screenshot(step, "3-filtered")
    user.key(ui.filterLineEdit, qt.Qt.Key_Escape)
    yield user.until(lambda: len(user.ids()) == 3, "the whole list")
    user.click_header(ui.imageTableView, "Name")
    user.click_header(ui.imageTableView, "Name")
    yield user.until(lambda: user.ids()[0] == "DEMO_PT", "the list sorted from Z to A")
    user.click_header(ui.imageTableView, "Name")
    yield user.until(lambda: user.ids()[0] == "DEMO_CT", "the order of the server")


def load(step, user):
    yield from user.load("DEMO_CT", "DEMO_MR")
    yield user.until_status("loaded")
    yield from screenshot(step, "4-loaded")
    user.double_click_row(user.ui.imageTableView, user.model.row("DEMO_PT"))
    yield user.until_loaded("DEMO_PT")
    yield from screenshot(step, "5-pet")
    for image_id, entry in zip(user.ids(), user.browser.images.listing.entries, strict=True):
        size = user.browser.images.node(image_id).GetImageData().GetDimensions()
        step.check(size == tuple(entry.size), f"{image_id} has {size} voxels, not {entry.size}")


def use_menu_and_keys(step, user):
    view = user.ui.imageTableView
    user.open_menu(view, 0)
    menu = user.widget.panel.images.menu.menu
    yield user.until(lambda: menu.visible, "the context menu")
    yield from screenshot(step, "6-menu")
    menu.close()
    user.key(view, qt.Qt.Key_A, qt.Qt.ControlModifier)
    selected = view.selectionModel().selectedRows()
    step.check(len(selected) == 3, f"Ctrl+A selects {len(selected)} rows")
    user.key(view, qt.Qt.Key_F, qt.Qt.ControlModifier)
    yield step.pause(0.2)
    # Without a window manager, as under xvfb-run, no window is active and no widget has the focus.
    focused = slicer.util.mainWindow().focusWidget()
    is_filter = focused is not None and focused.name == "filterLineEdit"
    step.check(is_filter, f"Ctrl+F goes to {focused.name if focused is not None else 'nothing'}")
    step.check(qt.QApplication.activeModalWidget() is None, "Ctrl+F opens Slicer's own window")


def leave(step, user):
    slicer.mrmlScene.Clear()
    yield user.until(
        lambda: not any(map(user.browser.images.node, user.ids())), "no image to be loaded"
    )
    user.press(user.ui.connectButton)
    yield user.until(lambda: user.model.rowCount() == 0, "the empty list")
    yield from screenshot(step, "7-left")


def cancel(step, user):
    # So slow that the transfer is still under way when Cancel is pressed, after the screenshot.
    server = ServerProcess("large_images", 4)
    step.at_end(server.stop)
    yield from user.connect(server.port)
    user.select(*user.ids())
    user.press(user.ui.loadButton)
    yield user.until(lambda: user.browser.images.node("IMAGE_0"), "the first of ten", 60)
    yield from screenshot(step, "8-loading")
    user.press(user.ui.cancelButton)
    yield user.until(
        lambda: user.browser.images.downloads.transfer is None, "the end of the transfer"
    )
    yield from screenshot(step, "9-cancelled")
    loaded = [one for one in user.ids() if user.browser.images.node(one)]
    step.check(0 < len(loaded) < 10, f"{len(loaded)} images were loaded before the cancel")
    yield from user.load("IMAGE_9")
