"""The connection is lost with images waiting, comes again, and the images are loaded."""

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up, screenshot


def run(step):
    user = User(step)
    server = ServerProcess("large_images")
    yield from user.open()
    four_up()
    width = user.ui.imageTableView.width
    yield from user.connect(server.port)
    user.select(*user.ids()[:3])
    user.press(user.ui.loadButton)
    yield user.until(lambda: user.browser.images.node("IMAGE_0"), "the first image", 60)
    server.stop()
    yield user.until(lambda: user.ui.retryButton.visible, "the loss to be seen")
    yield from screenshot(step, "1-lost")
    step.check(user.ui.imageTableView.width <= width, "the panel has grown")
    again = ServerProcess("large_images", port=server.port)
    step.at_end(again.stop)
    user.press(user.ui.retryButton)
    yield user.until_loaded("IMAGE_1", "IMAGE_2")
    yield user.until(
        lambda: user.browser.images.downloads.transfer is None, "the end of the transfers"
    )
    yield from screenshot(step, "2-again")
    step.check("lost" not in user.status, f"the old error is still said: {user.status}")
