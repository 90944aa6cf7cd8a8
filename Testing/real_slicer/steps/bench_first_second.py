"""A CT of 157 MB in parts and as a whole, on loopback and at 100 Mbit/s: click to first volume."""

import time

import numpy as np
import slicer

from real_slicer.heartbeat import Heartbeat
from real_slicer.servers import LARGE_SIZE, ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up

# Mbit/s, and ms one way: a round trip takes 20 ms.
LINKS = {"loopback": (0, 0), "100 Mbit/s, 20 ms": (100, 10)}
TIMES_DRAWN = 8
REQUIRED = {
    "loopback": "whole ≤ 1.3 × plain, stalls ≤ 50 ms",
    "100 Mbit/s, 20 ms": "first ≤ 0.6 s, whole ≤ 0.6 ×, stalls ≤ 50 ms",
}


def run(step):
    user, heartbeat = User(step), Heartbeat()
    step.at_end(heartbeat.close)
    yield from user.open()
    four_up()
    heartbeat.watch_views()
    drawn = yield from draw(step, heartbeat)
    step.figure("a volume of 157 MB in the views that changes twice a second", "", "", drawn)
    for name, (megabits, milliseconds) in LINKS.items():
        server = ServerProcess("large_ct", megabits, milliseconds)
        step.at_end(server.stop)
        yield from user.connect(server.port)
        yield user.until(lambda: user.browser.connection.client.offers_parts, "the offer of parts")
        yield step.pause(2)
        if not megabits:
            yield from load(step, user, heartbeat, are_in_parts=False)  # the server makes it ready
        plain = yield from load(step, user, heartbeat, are_in_parts=False)
        in_parts = yield from load(step, user, heartbeat, are_in_parts=True)
        step.figure(f"CT of 157 MB, {name}", REQUIRED[name], in_parts, f"as a whole: {plain}")
        user.press(user.ui.connectButton)
        server.stop()


def draw(step, heartbeat):
    """Let a volume of that size change in the views, by Slicer's own calls; return its stalls."""
    node = slicer.util.addVolumeFromArray(np.zeros(LARGE_SIZE[::-1], np.int16))
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    yield step.pause(2)
    heartbeat.start()
    for _ in range(TIMES_DRAWN):
        slicer.util.arrayFromVolumeModified(node)
        yield step.pause(0.5)
    heartbeat.stop()
    return heartbeat.drawing_text()


def load(step, user, heartbeat, are_in_parts):
    """Load the CT into an empty scene; return in words how long it took until what was seen."""
    from IGTLMetaBrowserLib.browser import events
    from IGTLMetaBrowserLib.browser.downloads import part_downloads

    slicer.mrmlScene.Clear()
    yield step.pause(2)
    fewest = part_downloads._FEWEST_BYTES
    part_downloads._FEWEST_BYTES = fewest if are_in_parts else 1 << 40
    moments, logic = [], user.widget.logic
    on_shown = lambda _event: moments.append(time.perf_counter())  # noqa: E731
    logic.addObserver((events.PreviewShown, events.ImageLoaded), on_shown)
    user.select("CT")
    yield step.pause(0.5)
    heartbeat.start()
    begin = time.perf_counter()
    user.press(user.ui.loadButton)
    yield user.until_loaded("CT", seconds=120)
    yield step.pause(0.5)
    heartbeat.stop()
    logic.removeObserver(on_shown)
    part_downloads._FEWEST_BYTES = fewest
    first, whole = moments[0] - begin, moments[-1] - begin
    return f"first {first:.2f} s, whole {whole:.2f} s, stalls {heartbeat.drawing_text()}"
