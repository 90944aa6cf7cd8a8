"""A network at fault and a stream, again and again: nothing has grown at the end.

``SOAK_MINUTES=5`` in the environment is the long form; 0.5 if not given.
"""

import os

import qt
import slicer

from hostile.conversation import IMAGES, TIMEOUTS, is_done
from hostile.soak import Growth
from real_slicer.servers import ServerProcess
from real_slicer.user import User

TIMEOUT_SECONDS = 3600  # the long form's; each of its waits has a shorter one
_SECONDS_OF_A_WAIT = 120
# Slicer without the module: of 130 scenes with three volumes and two lines that were closed 4.6 MiB
# in use, and 10 MiB of the process.
_MEBIBYTES_A_ROUND = 0.08


def run(step):
    user = User(step)
    faulty, stream = ServerProcess("faulty"), ServerProcess("soak_stream")
    step.at_end(faulty.stop)
    step.at_end(stream.stop)
    yield from user.open()
    # Qt keeps up to 10 MiB of pixmaps, which Slicer's own widgets fill in the first 60 rounds.
    qt.QPixmapCache.setCacheLimit(0)
    seconds = 60 * float(os.environ.get("SOAK_MINUTES", "0.5"))
    growth = Growth(seconds, slicer.mrmlScene, _MEBIBYTES_A_ROUND)
    while not growth.is_over:
        yield from _one_round(user, faulty.port, stream.port)
        growth.on_round()
    for words in growth.found():
        step.check(False, f"grown: {words}")
    step.note(f"{growth.rounds} rounds")


def _one_round(user, port, stream_port):
    browser = user.browser

    def is_over():
        return not browser.connection.has_server or is_done(browser)

    browser.connect("127.0.0.1", port, reconnect_delays=(0.005,), **TIMEOUTS)
    for ask in (
        browser.images.request_list,
        lambda: browser.request_images(IMAGES),
        browser.trajectories.request,
    ):
        if browser.connection.has_server:
            ask()
        yield user.until(is_over, "the end of a round", _SECONDS_OF_A_WAIT)
    browser.disconnect()
    browser.connect("127.0.0.1", stream_port)
    yield user.until(
        lambda: browser.images.live.states, "an image of the stream", _SECONDS_OF_A_WAIT
    )
    browser.disconnect()
    slicer.mrmlScene.Clear(0)
