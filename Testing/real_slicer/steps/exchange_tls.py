"""This Slicer and another one, the stand-in, exchange images and plans with TLS, both ways."""

import socket
import tempfile
from pathlib import Path

import slicer

from helpers.other_slicer import OtherSlicer
from helpers.scene_contents import contents, draw_line
from real_slicer.runner import TOP
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

PYTHON = TOP / ".venv/bin/python"  # the stand-in needs what `dev.py` has installed there
PUSHED = {
    "name": "Electrode",
    "points": [(-30.0, 20.0, 90.0), (10.0, 5.0, 12.5)],
    "diameter": 2.5,
    "rgba": (10, 200, 30, 255),
    "group": "Left side",
}


def run(step):
    if not PYTHON.exists():
        step.note("skipped: the stand-in is not set up here; python3 Testing/dev.py demo does that")
        return
    user = User(step)
    folder = tempfile.TemporaryDirectory()
    step.at_end(folder.cleanup)
    other = OtherSlicer(PYTHON, Path(folder.name))
    step.at_end(other.stop)
    yield from user.open_demo()
    four_up()
    yield from user.load("DEMO_MR")
    yield from user.get_trajectories(7)
    yield user.until(lambda: other.answer, "the other Slicer", 60)
    yield from give(step, user, other, Path(folder.name))
    yield from get(step, user, other, Path(folder.name))


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def asked(user, other, command, **arguments):
    """Have the other do something, and wait until it has."""
    other.ask(command, **arguments)
    yield user.until(lambda: other.answer is not None, f"the other's answer to {command}", 60)
    return other.answer


def give(step, user, other, folder):
    """The other gets what this one shares, and sends a line."""
    ui, port = user.ui, free_port()
    user.type(ui.servePortSpinBox, str(port))
    ui.shareCertificatePathLineEdit.currentPath = str(folder / "own.pem")
    ui.shareClientAuthorityPathLineEdit.currentPath = str(folder / "authority.pem")
    user.press(ui.serveButton)
    user.press(ui.connectButton)  # the demo's server is needed no more
    fetched = yield from asked(user, other, "fetch", port=port)
    own = contents()
    step.check(len(own["volumes"]) == 1, f"this Slicer has {len(own['volumes'])} volumes")
    step.check(fetched["volumes"] == own["volumes"], "the other has other voxels")
    step.check(shared_texts(fetched) == shared_texts(own), "the other has other lines")
    owner = next(iter(fetched["lines"].values()))["owner"]
    line = {**PUSHED, "owner": owner}
    back = yield from asked(user, other, "push", line=line)
    shown = contents()["lines"].get("Electrode")
    step.check(shown is not None, "the line that the other has sent is not in the scene")
    for key in ("group", "diameter", "rgba", "owner"):
        expected = [*line[key]] if key == "rgba" else line[key]
        step.check(shown[key] == expected, f"{key} of the line is {shown[key]}, not {expected}")
        step.check(back[key] == expected, f"{key} comes back as {back[key]}, not {expected}")
    user.bring_into_view(ui.clientsTableView)
    yield from screenshot(step, "1-shared")
    picture = step.output / f"{step.name}-2-the-other.png"
    yield from asked(user, other, "screenshot", file=str(picture))
    user.press(ui.serveButton)


def get(step, user, other, folder):
    """This one gets what the other shares, by its panel, and sends a line."""
    ui, port = user.ui, free_port()
    slicer.mrmlScene.Clear(0)
    offered = yield from asked(user, other, "share", port=port)
    user.type(ui.hostLineEdit, "127.0.0.1")
    user.type(ui.portSpinBox, str(port))
    user.check(ui.tlsCheckBox)
    ui.tlsAuthorityPathLineEdit.currentPath = str(folder / "authority.pem")
    ui.tlsCertificatePathLineEdit.currentPath = str(folder / "own.pem")
    user.press(ui.connectButton)
    yield user.until(lambda: len(user.ids()) == 1, "the other's list")
    yield from user.load(*user.ids())
    yield from user.get_trajectories(1)
    step.check(contents() == offered, "this Slicer has other voxels or lines than the other")
    node = draw_line(**PUSHED)
    user.browser.trajectories.send([node])
    there = yield from asked(user, other, "contents", line="Electrode")
    own = contents()["lines"]["Electrode"]
    step.check(there["lines"]["Electrode"] == own, "the line is another one there")
    yield from screenshot(step, "3-fetched")
    picture = step.output / f"{step.name}-4-the-other.png"
    yield from asked(user, other, "screenshot", file=str(picture))


def shared_texts(scene):
    """The lines without their owners, whose ids are the server's and the scene's."""
    return {name: line | {"owner": ""} for name, line in scene["lines"].items()}
