"""A name server that does not answer: the window goes on meanwhile."""

import socket
import time

import qt

from real_slicer.heartbeat import Heartbeat, idle
from real_slicer.user import User

SILENT_SECONDS = 10


def silent_look_up(*arguments, **options):
    """What ``socket.getaddrinfo`` does with a silent name server: it returns after its time-out."""
    if options.get("flags", 0) & socket.AI_NUMERICHOST:
        return look_up(*arguments, **options)
    time.sleep(SILENT_SECONDS)
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


look_up = socket.getaddrinfo


def run(step):
    user, heartbeat = User(step), Heartbeat()
    step.at_end(heartbeat.close)
    yield from user.open()
    nothing = yield from idle(step, heartbeat, 3)
    button = yield from press_any_button(user, heartbeat)
    socket.getaddrinfo = silent_look_up
    step.at_end(lambda: setattr(socket, "getaddrinfo", look_up))
    user.type(user.ui.hostLineEdit, "no-such-server.example")
    begin = time.monotonic()
    heartbeat.start()
    yield from user.click(user.ui.connectButton)
    yield user.until(lambda: not user.browser.connection.has_server, "the failure", 30)
    seconds = time.monotonic() - begin
    step.figure(
        f"a name server silent for {SILENT_SECONDS} s, given up after {seconds:.0f} s",
        "50 ms",
        heartbeat.stop().text(),
        f"{1000 * SILENT_SECONDS} ms (socket.getaddrinfo)",
    )
    step.note(f"nothing is done: {nothing}; a button that does nothing is pressed: {button}")
    step.note(f"the status says: {user.status}")


def press_any_button(user, heartbeat):
    """Press a button of Slicer's own kind that nobody listens to."""
    button = qt.QPushButton("Nothing", user.ui.serverCollapsibleButton.parentWidget())
    button.show()
    heartbeat.start()
    yield from user.click(button)
    heartbeat.stop()
    button.deleteLater()
    return heartbeat.text()
