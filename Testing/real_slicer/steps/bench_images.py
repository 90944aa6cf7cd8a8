"""Ten images of 157 MB, half of them big-endian, not shown and shown in the views."""

import numpy as np
import slicer

from real_slicer.heartbeat import Heartbeat
from real_slicer.servers import LARGE_IMAGES, LARGE_SIZE, ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up

TIMEOUT_SECONDS = 600


def run(step):
    user, heartbeat = User(step), Heartbeat()
    step.at_end(heartbeat.close)
    server = ServerProcess("large_images")
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    yield from load(step, user, server, heartbeat, shown=False)
    hidden = heartbeat.text()
    yield from add_volumes(step, heartbeat)
    step.figure("10 images of 157 MB, not shown", "50 / 16 ms", hidden, heartbeat.text())
    yield from load(step, user, server, heartbeat, shown=True)
    entering, own_entering = heartbeat.longest_marked("loaded")
    step.note(f"shown, all turns: {heartbeat.text()}")
    yield from draw(step, user, heartbeat)
    drawn, own_drawn = heartbeat.longest_marked("drawn")
    step.figure(
        "10 images of 157 MB, shown: the longest turn with one that enters the views",
        f"1.2 × {drawn:.0f} = {1.2 * drawn:.0f} ms",
        f"{entering:.0f} ms (own {own_entering:.0f})",
        f"{drawn:.0f} ms (own {own_drawn:.0f})",
    )


def load(step, user, server, heartbeat, shown):
    """Load all images of the server by the panel."""
    from IGTLMetaBrowserLib.browser import events

    slicer.mrmlScene.Clear()
    user.check(user.ui.showInViewsCheckBox, shown)
    if user.browser.images.listing.listed_at is None:
        yield from user.connect(server.port)
    logic = user.widget.logic
    on_loaded = lambda _event: heartbeat.mark("loaded")  # noqa: E731
    logic.addObserver(events.ImageLoaded, on_loaded)
    user.select(*user.ids())
    yield step.pause(1)
    heartbeat.start()
    user.press(user.ui.loadButton)
    yield user.until_loaded(*user.ids(), seconds=120)
    yield step.pause(0.5)
    heartbeat.stop()
    logic.removeObserver(on_loaded)


def draw(step, user, heartbeat):
    """Show each of the loaded images in the views, by Slicer's own calls."""
    nodes = [user.browser.images.node(one) for one in user.ids()]
    heartbeat.start()
    for node in nodes:
        heartbeat.mark("drawn")
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        yield step.pause(0.3)
    heartbeat.stop()


def add_volumes(step, heartbeat):
    """Add as many volumes from memory, by Slicer's own calls."""
    slicer.mrmlScene.Clear()
    pixels = np.zeros(LARGE_SIZE[::-1], np.uint16)
    yield step.pause(1)
    heartbeat.start()
    for _ in range(LARGE_IMAGES):
        node = slicer.util.addVolumeFromArray(pixels)
        yield step.pause(0.1)
    heartbeat.stop()
    # What is drawn first of all has Slicer compile its shaders and read its fonts, once for all.
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    yield step.pause(1)
