"""Slicer ends with 0 after 20 reloads of the module."""

from real_slicer.user import User


def run(step):
    user = User(step)
    yield from user.open_demo()
    for _ in range(20):
        user.widget.onReload()
        yield step.pause(0.05)
    step.check(user.ui.connectButton.visible, "the panel is not seen after the reloads")
