"""Reload the module 20 times, while it is connected, and use it."""

from real_slicer.user import User
from real_slicer.views import screenshot


def run(step):
    user = User(step)
    yield from user.open_demo()
    for _ in range(20):
        user.widget.onReload()
        yield step.pause(0.02)
    user.press(user.ui.demoButton)
    yield user.until_listed()
    yield from user.load("DEMO_MR")
    yield from screenshot(step, "used-again")
