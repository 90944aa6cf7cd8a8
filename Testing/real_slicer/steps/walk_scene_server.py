"""Share the scene, choose what, fetch from it, send a plan to it and by it, see who has come."""

import socket

import qt
import slicer

from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot


def run(step):
    user = User(step)
    yield from user.open_demo()
    four_up()
    yield from user.load("DEMO_MR")
    user.unfold(user.ui.shareCollapsibleButton)
    nodes = user.ui.sharedNodesListWidget
    yield user.until(lambda: nodes.count == 1, "the volume among what can be shared")
    user.type(user.ui.servePortSpinBox, "18977")
    user.press(user.ui.serveButton)
    endpoint = user.widget.logic.sceneEndpoint
    yield user.until(lambda: endpoint.address is not None, "the scene to be served")
    yield from screenshot(step, "1-served")
    yield from fetch_and_send(step, user, endpoint.address)
    yield from choose(step, user, nodes)
    user.press(user.ui.serveButton)
    yield user.until(lambda: endpoint.address is None, "the scene to be served no longer")
    user.check(user.ui.remoteCheckBox)
    user.bring_into_view(user.ui.shareClientAuthorityPathLineEdit)
    yield from screenshot(step, "4-for-other-computers")


def choose(step, user, nodes):
    yield user.until(
        lambda: nodes.count == 3, "the fetched volume and the plan among what can be shared"
    )
    item = nodes.item(0)
    user.press(nodes.viewport(), nodes.visualItemRect(item).center() - qt.QPoint(40, 0))
    item.setCheckState(qt.Qt.Unchecked)
    yield step.pause(0.6)
    step.check(nodes.item(0).checkState() == qt.Qt.Unchecked, "the volume is checked again")
    yield from screenshot(step, "3-chosen")


def fetch_and_send(step, user, address):
    from IGTLMetaBrowser import IGTLMetaBrowserLogic
    from IGTLMetaBrowserLib import codec

    other = IGTLMetaBrowserLogic()
    step.at_end(other.close)
    other.connectToServer(*address)
    entries = other.listImages()
    step.check(len(entries) == 1, f"the scene offers {len(entries)} images")
    other.loadImage(entries[0].id)
    before = len(lines())
    plan = codec.TrajectoryItem("Sent plan", "Plan", entry=(0, 40, 90), target=(0, 0, 0))
    with socket.create_connection(address) as navigation:
        navigation.sendall(codec.pack(codec.TrajectoryMessage(items=[plan])))
    yield user.until(lambda: len(lines()) > before, "the plan in the scene")
    step.check(bool(slicer.util.getNodesByClass("vtkMRMLMarkupsLineNode")), "the plan is no line")
    yield from screenshot(step, "2-plan")
