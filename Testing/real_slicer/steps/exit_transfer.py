"""Slicer ends with 0 while a large image is on its way."""

from real_slicer.servers import ServerProcess
from real_slicer.user import User


def run(step):
    user = User(step)
    server = ServerProcess("large_images")
    step.at_end(server.stop)
    yield from user.open()
    yield from user.connect(server.port)
    user.select(*user.ids())
    user.press(user.ui.loadButton)
    yield step.until(lambda: user.browser.images.node("IMAGE_0"), "the first image", 60)
    yield step.until(
        lambda: user.browser.images.downloads.transfer is not None, "the next transfer"
    )
    yield step.pause(0.05)
