"""Live images of 640 × 480 at 30 and at 60 Hz: how many are drawn, and what they keep waiting."""

import numpy as np
import qt
import slicer

from real_slicer.heartbeat import Heartbeat
from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up

SIZE = (640, 480)
SECONDS = 10


def run(step):
    user, heartbeat, drawn = User(step), Heartbeat(), Drawn()
    step.at_end(heartbeat.close)
    step.at_end(drawn.close)
    yield from user.open()
    four_up()
    for rate, required in ((30, "25 a second"), (60, "")):
        yield from plain_images(step, heartbeat, drawn, rate)
        plain = f"{drawn.rate():.0f} a second, {heartbeat.text()}"
        server = ServerProcess("live_images", *SIZE, rate)
        step.at_end(server.stop)
        user.type(user.ui.hostLineEdit, "127.0.0.1")
        user.type(user.ui.portSpinBox, str(server.port))
        user.press(user.ui.connectButton)
        yield user.until(lambda: user.browser.images.live.states, "live images")
        yield step.pause(2)
        drawn.start()
        heartbeat.start()
        yield step.pause(SECONDS)
        heartbeat.stop()
        measured = f"{drawn.rate():.0f} a second, {heartbeat.text()}"
        step.figure(f"live 640×480 at {rate} Hz, drawn", required, measured, plain)
        user.press(user.ui.connectButton)
        server.stop()
        slicer.mrmlScene.Clear()
        yield step.pause(1)


class Drawn:
    """Counts the images that are drawn in the axial slice view: each once."""

    def __init__(self):
        self._widget = slicer.app.layoutManager().sliceWidget("Red")
        self._window = self._widget.sliceView().renderWindow()
        self._tag = self._window.AddObserver("EndEvent", self._on_drawn)
        self._count = self._last = 0

    def start(self):
        self._count = 0

    def rate(self):
        """How often it was drawn a second, in the seconds that were measured."""
        return self._count / SECONDS

    def close(self):
        self._window.RemoveObserver(self._tag)

    def _on_drawn(self, _caller, _event):
        layer = self._widget.sliceLogic().GetBackgroundLayer()
        volume = layer.GetVolumeNode()
        now = 0 if volume is None else volume.GetImageData().GetMTime()
        self._count += now != self._last
        self._last = now


def plain_images(step, heartbeat, drawn, rate):
    """A script that gives one volume new voxels so often a second."""
    across = np.arange(SIZE[0])[None, :] + np.arange(SIZE[1])[:, None]
    pixels = [((across + 8 * n) % 256).astype(np.uint8)[None] for n in range(32)]
    node = slicer.util.addVolumeFromArray(pixels[0])
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    yield step.pause(1)
    numbers = iter(range(1 << 30))
    timer = qt.QTimer()
    timer.setTimerType(qt.Qt.PreciseTimer)
    timer.timeout.connect(
        lambda: slicer.util.updateVolumeFromArray(node, pixels[next(numbers) % 32])
    )
    timer.start(1000 // rate)
    drawn.start()
    heartbeat.start()
    yield step.pause(SECONDS)
    heartbeat.stop()
    timer.stop()
    timer.timeout.disconnect()
    slicer.mrmlScene.Clear()
