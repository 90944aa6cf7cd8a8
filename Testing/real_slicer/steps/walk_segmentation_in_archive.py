"""A segmentation drawn in Slicer, stored in an archive (PACS) by DIMSE, got back, stored again."""

import numpy as np
import slicer

from real_slicer import archive
from real_slicer.user import User
from real_slicer.views import four_up, screenshot

TIMEOUT_SECONDS = 280


def run(step):
    server = archive.start(step, kind="orthanc_by_dimse")
    if server is None:
        return
    user = User(step)
    yield from user.open()
    four_up()
    archive.connect(user, archive.peer(server))
    yield user.until_status("offers 3 images", 60)
    user.press(user.ui.searchButton)
    user.type(user.ui.searchModalityLineEdit, "ct")
    yield user.until_status("has found one image")
    yield from screenshot(step, "1-found-by-dimse")
    (ct,) = user.ids()
    yield from user.load(ct)
    image = user.browser.images.node(ct)
    yield from store(step, user, image)
    yield from get_back(step, user)
    yield from replace(step, user)


def store(step, user, image):
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Ablation")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(image)
    shapes = {"Tumor": (ball(image, 20), (1, 0.2, 0.2)), "Margin": (ball(image, 40), (0.2, 0.4, 1))}
    for name, (voxels, color) in shapes.items():
        segment_id = node.GetSegmentation().AddEmptySegment(name, name, color)
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment_id, image)
    node.GetSegmentation().AddEmptySegment("Nothing", "Nothing")
    node.CreateClosedSurfaceRepresentation()
    yield from screenshot(step, "2-drawn")
    question = yield from archive.store(step, user, "Store Ablation", "3-question")
    step.check("as a new segmentation of 'CT head'" in question, f"it asks {question}")
    step.check("no voxels in the image: 'Nothing'." in question, f"it asks {question}")
    yield user.until_status("Structures: 2 stored", 60)
    slicer.mrmlScene.RemoveNode(node)


def ball(image, radius):
    """Return the voxels of a ball in the middle of an image, in voxels of its rows."""
    columns, rows, slices = image.GetImageData().GetDimensions()
    k, j, i = np.ogrid[:slices, :rows, :columns]
    spacing = image.GetSpacing()
    depth = (k - slices // 2) * spacing[2] / spacing[0]
    return ((i - columns // 2) ** 2 + (j - rows // 2) ** 2 + depth**2 <= radius**2).astype("uint8")


def get_back(step, user):
    """The tumor lies within its margin: they are two label maps."""
    user.press(user.ui.labelMapsButton)
    yield user.until_status("offers 2 label maps", 60)
    found = {one.name: one.id for one in user.browser.overlays.label_maps.listed}
    step.check(found.keys() == {"Margin", "Tumor"}, f"the structures are {[*found]}")
    for name in ("Margin", "Tumor"):
        yield from user.load(found[name])
        user.browser.overlays.label_maps.show_segmentation(found[name])
    yield from screenshot(step, "4-got-back")


def replace(step, user):
    """One is changed, then the other one, before the list is fetched again."""
    overlays = user.browser.overlays
    found = {one.name: one.id for one in overlays.label_maps.listed}
    image = user.browser.images.node(user.browser.overlays.label_maps.listed[0].owner)
    radii = {"Tumor": 12, "Margin": 30}
    for number, (name, radius) in enumerate(radii.items(), start=5):
        node = overlays.label_maps.show_segmentation(found[name])
        node.SetName(f"{name}, changed")
        segment_id = node.GetSegmentation().GetNthSegmentID(0)
        voxels = ball(image, radius)
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment_id, image)
        question = yield from archive.store(
            step, user, f"Store {name}, changed", f"{number}-question-of-replacing"
        )
        step.check(f"Store '{name}, changed' in ORTHANC" in question, f"it asks {question}")
        step.check("in place of the segment that it came from" in question, f"it asks {question}")
        step.check("of 'CT head' stay as they are" in question, f"it asks {question}")
        yield user.until_status("Structures: 1 stored", 60)
    user.press(user.ui.labelMapsButton)
    yield user.until_status("offers 2 label maps", 60)
    now = {one.name: one.id for one in overlays.label_maps.listed}
    step.check(now.keys() == found.keys(), f"the structures are {[*now]}")
    step.check(not {*now.values()} & {*found.values()}, "what was replaced is still offered")
    for name, radius in radii.items():
        yield from user.load(now[name])
        voxels = slicer.util.arrayFromVolume(user.browser.images.node(now[name]))
        expected = ball(image, radius).sum()
        step.check((voxels > 0).sum() == expected, f"{(voxels > 0).sum()} voxels, not {expected}")
    yield from screenshot(step, "7-replaced")
