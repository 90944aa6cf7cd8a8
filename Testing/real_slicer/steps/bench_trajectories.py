"""100 and 1,000 trajectories: arriving, moving ten times a second, hidden.

Of 1,000 the module has the first 200 in the scene, unless the user asks for more: Slicer itself
takes 30 ms to make a line. A plain script makes and moves as many as there are in the scene.
"""

import time

import numpy as np
import slicer

from real_slicer.heartbeat import Heartbeat, idle
from real_slicer.servers import ServerProcess
from real_slicer.user import User, lines
from real_slicer.views import four_up

SECONDS = 6
RATE = 10
IN_SCENE = 200  # scene.trajectory_set.SHOWN_AT_FIRST
CONTROL = 0x04000000  # Qt.ControlModifier


def run(step):
    user, heartbeat = User(step), Heartbeat()
    step.at_end(heartbeat.close)
    yield from user.open()
    four_up()
    for count in (100, 1000):
        yield from measure(step, user, heartbeat, count)


def measure(step, user, heartbeat, count):
    """Trajectories of a server, and as many lines that a plain script moves."""
    plain, in_scene = {}, min(count, IN_SCENE)
    yield from plain_lines(step, heartbeat, in_scene, plain)
    server = ServerProcess("trajectories", count, RATE)
    step.at_end(server.stop)
    yield from user.connect(server.port)
    user.unfold(user.ui.trajectoriesCollapsibleButton)
    heartbeat.start()
    user.press(user.ui.trajectoriesButton)
    yield user.until(lambda: len(lines()) == in_scene, f"{in_scene} lines", 60)
    arriving = heartbeat.stop().text()
    yield step.pause(2)
    heartbeat.start()
    yield step.pause(SECONDS)
    moving = heartbeat.stop().text()
    user.key(user.ui.trajectoryTableView, ord("A"), CONTROL)
    user.press(user.ui.hideTrajectoriesButton)
    yield step.until(lambda: not any(one.GetDisplayVisibility() for one in lines()), "none", 60)
    yield step.pause(1)
    hidden = yield from idle(step, heartbeat, SECONDS)
    user.ui.trajectoriesCollapsibleButton.collapsed = True
    folded = yield from idle(step, heartbeat, SECONDS)
    user.press(user.ui.connectButton)
    server.stop()
    yield step.pause(1)
    nothing = yield from idle(step, heartbeat, SECONDS)
    text = yield from changing_text(step, heartbeat)
    name = f"{count:,} trajectories, {in_scene} in the scene,"
    step.figure(f"{name} arriving", "", arriving, plain["made"])
    limit = f"1.2 × {plain['longest']:.0f} = {1.2 * plain['longest']:.0f} ms"
    step.figure(f"{name} moving at {RATE} Hz", limit, moving, plain["moved"])
    hidden_name = f"{name} hidden, at {RATE} Hz"
    # The table has the length of each, and for any change in it Slicer draws its whole window anew.
    step.figure(hidden_name, f"a text that changes as often: {text}", hidden, plain["hidden"])
    step.figure(f"{hidden_name}, section folded", f"nothing: {nothing}", folded, plain["hidden"])
    slicer.mrmlScene.Clear()
    yield step.pause(1)


def changing_text(step, heartbeat):
    """What Slicer itself takes for a text that changes as often as the table of hidden lines."""
    heartbeat.start()
    for number in range(SECONDS // 2):
        slicer.util.showStatusMessage(f"Line {number}")
        yield step.pause(2)
    return heartbeat.stop().text()


def plain_lines(step, heartbeat, count, plain):
    """What Slicer itself takes for the same: lines that are made, moved and hidden, in one turn."""
    heartbeat.start()
    with slicer.util.RenderBlocker():
        nodes = [plain_line(number) for number in range(count)]
    yield step.pause(1)
    plain["made"] = heartbeat.stop().text()
    heartbeat.start()
    yield from move_for_some_time(step, nodes)
    plain["moved"], plain["longest"] = heartbeat.stop().text(), heartbeat.longest
    with slicer.util.RenderBlocker():
        for node in nodes:
            node.GetDisplayNode().SetVisibility(False)
    yield step.pause(1)
    heartbeat.start()
    yield from move_for_some_time(step, nodes)
    plain["hidden"] = heartbeat.stop().text()
    slicer.mrmlScene.Clear()
    yield step.pause(1)


def plain_line(number):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", f"Line {number}")
    node.AddControlPointWorld(number % 40 * 4.0 - 80, number // 40 * 4.0 - 50, 90.0)
    node.AddControlPointWorld(0.0, number % 30 - 15.0, 0.0)
    display = node.GetDisplayNode()
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(False)
    display.SetCurveLineSizeMode(display.UseLineDiameter)
    display.SetLineDiameter(1.3)
    return node


def move_for_some_time(step, nodes):
    """Move the lines as often a second as the server does, or as often as that is possible."""
    end, turn = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        turn += 1
        move(nodes, turn)
        yield step.pause(1 / RATE)


def move(nodes, turn):
    """Move one end of each line by 1 mm."""
    with slicer.util.RenderBlocker():
        for number, node in enumerate(nodes):
            with slicer.util.NodeModify(node):
                place = np.array([turn % 10, number % 30 - 15.0, 0.0])
                node.SetNthControlPointPositionWorld(1, *place)
