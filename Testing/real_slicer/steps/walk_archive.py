"""An archive (PACS) through the gateway of the module: searched, loaded, down, and left."""

from real_slicer import archive
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

OTHERS = 1005
"""More than one list has."""


def run(step):
    server = archive.start(step, OTHERS)
    if server is None:
        return
    user = User(step)
    yield from user.open()
    four_up()
    yield from connect(step, user, archive.url(server))
    yield from search(step, user)
    yield from load(step, user)
    yield from leave(step, user)
    yield from fail(step, user)


def connect(step, user, url):
    panel = user.widget.panel
    user.press(user.ui.archiveButton)
    asked = panel.archive.dialog
    yield user.until(lambda: asked.dialog.visible, "the dialog")
    user.type(asked.addressBox.lineEdit(), url)
    yield from screenshot(step, "1-asked")
    user.press(asked.connectButton)
    yield user.until_status("Starting the gateway")
    yield from screenshot(step, "2-starting", wait=False)
    yield user.until_status("there are more", 60)
    step.check(len(user.ids()) == 1000, f"{len(user.ids())} series are listed")
    yield from screenshot(step, "3-there-are-more")


def search(step, user):
    ui = user.ui
    user.press(ui.searchButton)
    user.type(ui.searchPatientLineEdit, "sheplogan")
    yield user.until_status("has found 3 images")
    yield from screenshot(step, "4-found")
    user.type(ui.searchModalityLineEdit, "ct")
    user.type(ui.searchFromLineEdit, "2000")
    yield user.until_status("has found one image")
    step.check(
        user.browser.images.list_requests.search.modality == "ct",
        "the modality is not searched for",
    )
    yield from screenshot(step, "5-found-by-all-fields")


def load(step, user):
    (image_id,) = user.ids()
    yield from user.load(image_id)
    yield user.until_status("is loaded")
    size = user.browser.images.node(image_id).GetImageData().GetDimensions()
    step.check(min(size) > 10, f"the CT has {size} voxels")
    yield from screenshot(step, "6-loaded")
    user.press(user.ui.clearSearchButton)
    yield user.until_status("there are more")
    step.check(user.browser.images.node(image_id) is not None, "the CT is gone with the search")
    yield from screenshot(step, "7-search-cleared")


def leave(step, user):
    gateway = user.widget.logic.archiveGateway
    process = gateway._process
    user.press(user.ui.connectButton)
    step.check(not gateway.isRunning, "the gateway runs on")
    yield user.until(lambda: process.exit_code is not None, "the end of the gateway")
    user.press(user.ui.searchButton)


def fail(step, user):
    user.press(user.ui.archiveButton)
    asked = user.widget.panel.archive.dialog
    user.type(asked.addressBox.lineEdit(), "http://localhost:9/dicom-web")
    user.press(asked.connectButton)
    yield user.until_status("has ended", 60)
    step.check("cannot search" in user.status, f"the status is {user.status}")
    yield from screenshot(step, "8-archive-is-down")
