"""A large image over a slow link: coarse, partly refined, whole; cancelled and kept; a region."""

import numpy as np
import slicer
import vtk

from real_slicer.servers import ServerProcess
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

PREVIEW = "IGTLMetaBrowser.Preview"
# Slow enough that each state can be seen.
MEGABITS = 30
MILLISECONDS = 10
WIDTH = 320
SLICES = 160


def run(step):
    user = User(step)
    server = ServerProcess("large_ct", MEGABITS, MILLISECONDS, WIDTH, SLICES)
    step.at_end(server.stop)
    yield from user.open()
    four_up()
    yield from user.connect(server.port)
    yield user.until(lambda: user.browser.connection.client.offers_parts, "the offer of parts")
    yield from coarse_to_whole(step, user)
    yield from cancelled_and_kept(step, user)
    yield from region(step, user)


def coarse_to_whole(step, user):
    """Load the CT; look at what is shown on the way."""
    images = user.browser.images
    user.select("CT")
    user.press(user.ui.loadButton)
    yield user.until(lambda: images.in_scene.volumes.preview("CT") is not None, "the coarse image")
    preview = images.in_scene.volumes.preview("CT")
    step.check(preview.GetHideFromEditors(), "the preview can be chosen in selectors")
    shown = lambda: composite().GetBackgroundVolumeID()  # noqa: E731
    yield user.until(lambda: shown() == preview.GetID(), "the preview in the views")
    yield user.until(lambda: user.widget.panel.events.isUpToDate, "the views to be drawn")
    yield from screenshot(step, "1-coarse", wait=False)
    yield user.until(lambda: percent(preview) >= 30, "a third of the image", 60)
    step.note(f"the corner says: {annotation()!r}")
    step.check("%" in annotation(), "the views do not say how much of the preview is real")
    yield from screenshot(step, "2-refined", wait=False)
    step.check(is_selectable(preview) == 0, "the preview is in a node selector")
    yield user.until_loaded("CT")
    node = images.node("CT")
    step.check(shown() == node.GetID(), "the image is not in the place of its preview")
    step.check(is_selectable(node) == 1, "the image is not in node selectors")
    step.check(annotation() == "", "the views still speak of a preview")
    yield from screenshot(step, "3-whole")


def cancelled_and_kept(step, user):
    """Cancel the second image, keeping its preview; then load the rest."""
    images = user.browser.images
    user.check(user.ui.keepPreviewsCheckBox)
    user.select("CT_2")
    user.press(user.ui.loadButton)
    preview = lambda: images.in_scene.volumes.preview("CT_2")  # noqa: E731
    yield user.until(lambda: preview() is not None and percent(preview()) > 10, "a preview", 60)
    user.press(user.ui.cancelButton)
    yield step.pause(0.5)
    step.check(preview() is not None, "the preview was not kept")
    step.check("preview stays" in user.status, f"the status is {user.status!r}")
    yield from screenshot(step, "4-kept")
    before = percent(preview())
    user.select("CT_2")
    user.press(user.ui.loadButton)
    yield user.until(lambda: percent(preview()) > before, "more of it", 60)
    yield user.until_loaded("CT_2")
    step.check(preview() is None, "the preview is still there")
    one, other = (slicer.util.arrayFromVolume(images.node(one)) for one in ("CT", "CT_2"))
    step.check(np.array_equal(one, other), "the image that was cancelled meanwhile is another one")


def region(step, user):
    """Load the part of the CT that lies in a ROI."""
    roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", "Ear")
    roi.SetCenter(-60, 0, 0)
    roi.SetSize(60, 50, 40)
    user.open_menu(user.ui.imageTableView, user.model.row("CT"))
    yield step.pause(0.5)
    menu = user.widget.panel.images.menu
    menu.region.menu.popup(menu.menu.mapToGlobal(menu.menu.rect.topRight()))
    yield step.pause(0.3)
    yield from screenshot(step, "5-menu")
    menu.region.menu.actions()[0].trigger()
    menu.region.menu.hide()
    menu.menu.hide()
    find = lambda: slicer.mrmlScene.GetFirstNodeByName("CT head (region)")  # noqa: E731
    yield user.until(find, "the region")
    part, whole = find(), user.browser.images.node("CT")
    step.check(part.GetAttribute("IGTLMetaBrowser.ImageId") is None, "the region is the image")
    bounds, of_roi = np.zeros(6), np.zeros(6)
    part.GetRASBounds(bounds)
    roi.GetRASBounds(of_roi)
    step.check(np.abs(bounds - of_roi).max() < 1.5, f"it is at {bounds}, the ROI at {of_roi}")
    step.check(same_voxel(part, whole), "the region has other voxels than the image there")
    yield user.until(lambda: user.widget.panel.events.isUpToDate, "the region in the views")
    yield from screenshot(step, "6-region")


def same_voxel(part, whole):
    """Whether the first voxel of a region is that of the whole image at its place."""
    to_ijk = vtk.vtkMatrix4x4()
    whole.GetRASToIJKMatrix(to_ijk)
    ijk = np.array(to_ijk.MultiplyPoint((*part.GetOrigin(), 1.0))[:3])
    i, j, k = np.rint(ijk).astype(int)
    is_on_grid = np.abs(ijk - np.rint(ijk)).max() < 0.01
    voxels, own = slicer.util.arrayFromVolume(whole), slicer.util.arrayFromVolume(part)
    nk, nj, ni = own.shape
    return is_on_grid and np.array_equal(voxels[k : k + nk, j : j + nj, i : i + ni], own)


def percent(preview):
    """How much of a preview is real; 0 if it is coarse, or there is none."""
    text = (preview.GetAttribute(PREVIEW) or "") if preview is not None else ""
    return int(text.split()[0]) if text.endswith("%") else 0


def composite():
    return slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()


def annotation():
    """What stands at the upper edge of a slice view."""
    view = slicer.app.layoutManager().sliceWidget("Red").sliceView()
    return view.cornerAnnotation().GetText(7) or ""


def is_selectable(node):
    """How many of the nodes in a selector are this one."""
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    return sum(selector.nodeFromIndex(n) is node for n in range(selector.nodeCount()))
