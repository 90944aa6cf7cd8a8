"""The module's self-tests, by the Reload and Test button of the developer's section."""

from __future__ import annotations

import logging

import qt
import slicer

from real_slicer.user import MODULE, User
from real_slicer.views import screenshot

TIMEOUT_SECONDS = 300


class Log(logging.Handler):
    """What is logged while it is attached: which self-tests passed, and errors."""

    def __init__(self):
        logging.Handler.__init__(self)
        self.lines = []

    def emit(self, record):
        self.lines.append((record.levelno, record.getMessage()))


def run(step):
    # Slicer reads these when the module's widget is made, and when the button is pressed.
    settings = slicer.app.userSettings()
    settings.setValue("Developer/DeveloperMode", True)
    settings.setValue("Developer/SelfTestDisplayMessageDelay", 100)
    user = User(step)
    yield from user.open()
    user.unfold(user.widget.reloadCollapsibleButton)
    yield from screenshot(step, "before")
    log, is_over = Log(), []
    logging.getLogger().addHandler(log)
    step.at_end(lambda: logging.getLogger().removeHandler(log))
    step.at_end(watch_message_boxes(step))

    def press():
        user.press(user.widget.reloadTestMenuButton)
        is_over.append(True)

    # In a turn of its own: the self-tests have event loops in which this step goes on.
    qt.QTimer.singleShot(0, press)
    yield step.until(lambda: is_over, "the end of the self-tests", 240)
    for level, text in log.lines:
        step.check(level < logging.ERROR, text)
    passed = [text for _level, text in log.lines if text.endswith(" passed")]
    step.check(passed, "no self-test says that it passed")
    step.note(f"{len(passed)} self-tests passed")
    yield from screenshot(step, "after")
    step.check(slicer.util.selectedModule() == MODULE, "another module is open after the tests")


def watch_message_boxes(step):
    """Close message boxes, which show that a test fails; return how to end that."""

    def close():
        box = qt.QApplication.activeModalWidget()
        if box is not None and box.inherits("QMessageBox"):
            step.check(False, f"a message box says: {box.text}")
            box.reject()

    timer = qt.QTimer()
    timer.timeout.connect(close)
    timer.start(100)

    def end():
        timer.stop()
        timer.timeout.disconnect()

    return end
