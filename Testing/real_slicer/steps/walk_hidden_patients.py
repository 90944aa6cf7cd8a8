"""Patients are hidden, a scene view restored, the scene saved and added to itself; shown again."""

import pathlib
import zipfile

import slicer
import vtk

from real_slicer.servers import ServerProcess
from real_slicer.user import User, lines
from real_slicer.views import four_up, screenshot

NAME = "DEMO"  # as if the patient were called so whose images are DEMO_CT and DEMO_MR
KINDS = ["Volume", "Markups", "Segmentation"]


def run(step):
    user = User(step)
    server = ServerProcess("clinic")
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    yield from loaded(user, server)
    before = ids()
    step.check(NAME in str(before), "no node names the patient")
    image = user.browser.images.node("DEMO_CT")
    slicer.util.saveNode(image, str(step.output / f"{NAME}_CT.nrrd"))
    saved = image.GetStorageNode().GetFileName()
    views = slicer.modules.sceneviews.logic()
    views.CreateSceneView(picked(user), "Before surgery")
    user.browser.patients.register(NAME, "W-1021")
    user.check(user.ui.hidePatientsCheckBox)
    yield from screenshot(step, "1-hidden")
    step.check(NAME not in str(ids()), f"while hidden, nodes name the patient: {ids()}")
    views.RestoreSceneView(views.GetNumberOfSceneViews() - 1)
    yield step.pause(0.5)
    step.check(NAME not in str(ids()), f"a scene view has brought the name back: {ids()}")
    yield from user.get_trajectories(8)
    step.check(len(ids()) == len(before), "there are other nodes than before")
    yield from screenshot(step, "2-restored")
    yield from added_to_itself(step, user)
    user.check(user.ui.hidePatientsCheckBox, False)
    yield step.pause(0.5)
    now = {node: text for node, text in ids().items() if node in before}
    step.check(now == before, f"shown again, nodes say {now}, and not {before}")
    file = image.GetStorageNode().GetFileName()
    step.check(file == saved, f"shown again, the voxels are in {file}, and not in {saved}")
    pathlib.Path(saved).unlink()
    yield from screenshot(step, "4-shown-again")


def loaded(user, server):
    """Get the CT, and all that belongs to it."""
    yield from user.connect(server.port)
    yield from user.load("DEMO_CT")
    user.press(user.ui.labelMapsButton)
    yield user.until(lambda: "SKULL" in user.ids(), "the label map in the list")
    yield from user.load("SKULL")
    user.press(user.ui.pointsButton)
    yield user.until(lambda: lines(), "the points")
    yield from user.get_trajectories(8)


def picked(user):
    nodes = vtk.vtkCollection()
    for node in (user.browser.images.node("DEMO_CT"), user.browser.images.node("SKULL")):
        nodes.AddItem(node)
    return nodes


def added_to_itself(step, user):
    """Save the scene while patients are hidden, and add it; its nodes come a second time."""
    file = step.output / "walk.mrb"
    count = len(ids())
    step.check(slicer.util.saveScene(str(file)), "the scene could not be saved")
    with zipfile.ZipFile(file) as saved:
        texts = [saved.read(name) for name in saved.namelist() if name.endswith(".mrml")]
        names = [name.split("/", 1)[-1] for name in saved.namelist()]
    step.note(f"files in the scene: {names}")
    voxels = [name for name in names if f"{NAME}_CT" in name]
    step.check(not voxels, f"the name is that of a file in the scene: {voxels}")
    step.check(not any(NAME.encode() in text for text in texts), "the saved scene has the name")
    slicer.util.loadScene(str(file))
    file.unlink()
    yield user.until_status("a second time")
    yield from screenshot(step, "3-added-to-itself")
    step.check(len(ids()) == 2 * count, f"{len(ids())} nodes, and not twice {count}")
    yield from user.get_trajectories(16)
    step.check(len(user.browser.trajectories.nodes) == 7, "copies count as the server's lines")


def ids():
    """What nodes say of the images that they show or belong to, but for the patient's mark."""
    nodes = [node for kind in KINDS for node in slicer.util.getNodesByClass(f"vtkMRML{kind}Node")]
    return {
        node.GetID(): {
            name: node.GetAttribute(name)
            for name in node.GetAttributeNames()
            if name.split(".")[-1] in ("ImageId", "Key", "TrajectoryOwner", "LabelMapOwner")
        }
        for node in nodes
        if node.GetAttribute("IGTLMetaBrowser.Server")
    }
