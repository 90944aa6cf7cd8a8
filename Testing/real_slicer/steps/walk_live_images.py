"""Live images of a server that has no list, and nothing else to ask for; recording them."""

import slicer

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

LONGER_THAN_AN_ANSWER_MAY_TAKE = 20


def run(step):
    user = User(step)
    server = ServerProcess("live_images", 640, 480, 10)
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    user.type(user.ui.hostLineEdit, "127.0.0.1")
    user.type(user.ui.portSpinBox, str(server.port))
    user.press(user.ui.connectButton)
    yield user.until(lambda: user.browser.images.live.states, "live images")
    yield step.pause(2)
    yield from screenshot(step, "1-live", wait=False)
    yield from record(step, user)
    state = next(iter(user.browser.images.live.states.values()))
    frames = state.frames
    yield step.pause(LONGER_THAN_AN_ANSWER_MAY_TAKE)
    state = next(iter(user.browser.images.live.states.values()))
    step.check(state.frames > frames + 100, f"{state.frames - frames} frames came in 20 s")
    yield from screenshot(step, "2-after-the-query-was-not-answered", wait=False)


def record(step, user):
    user.select("Ultrasound")
    user.press(user.ui.recordButton)
    yield step.pause(3)
    yield from screenshot(step, "3-recording", wait=False)
    user.press(user.ui.recordButton)
    yield user.until_status("frames of 'Ultrasound' recorded")
    yield from screenshot(step, "4-recorded", wait=False)
    (sequence,) = slicer.util.getNodesByClass("vtkMRMLSequenceNode")
    frames = sequence.GetNumberOfDataNodes()
    step.check(frames > 10, f"{frames} frames were recorded in 3 s")
