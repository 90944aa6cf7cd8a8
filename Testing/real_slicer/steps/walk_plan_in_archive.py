"""A plan drawn in Slicer, stored in an archive (PACS), and got from there again."""

import qt
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
    archive.connect(user, server)
    yield user.until_status("offers 3 images", 60)
    ct = next(entry.id for entry in user.browser.images.entries if entry.modality == "CT")
    yield from user.load(ct)
    yield from store(step, user)
    yield from get_back(step, user)


def store(step, user):
    line = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Left STN")
    line.AddControlPointWorld(30, 40, 50)
    line.AddControlPointWorld(10, -5, 2)
    menu = user.widget.panel.trajectories.sendMenu
    menu.fill()
    (action,) = (one for one in menu.menu.actions() if one.enabled)
    step.check("Store all new lines (1)" in action.text, f"the menu offers {action.text}")
    # The question has an event loop of its own, which must not be one of the step.
    qt.QTimer.singleShot(0, action.trigger)
    yield user.until(lambda: qt.QApplication.activeModalWidget() is not None, "the question")
    yield from screenshot(step, "1-question")
    button = qt.QApplication.activeModalWidget().button(qt.QMessageBox.Ok)
    qt.QTimer.singleShot(0, button.click)
    yield user.until_status("Storing the plan", 10)
    yield user.until_status("Trajectories: 1 stored", 60)
    yield from screenshot(step, "2-stored")


def get_back(step, user):
    yield from user.get_trajectories(2)
    yield user.until_status("One trajectory is shown")
    yield from screenshot(step, "3-got-back")
