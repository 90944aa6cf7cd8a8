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
    tumor = ball(image, 20)
    shapes = {"Tumor": (tumor, (1, 0.2, 0.2)), "Margin": (ball(image, 40) - tumor, (0.2, 0.4, 1))}
    for name, (voxels, color) in shapes.items():
        segment_id = node.GetSegmentation().AddEmptySegment(name, name, color)
        slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, node, segment_id, image)
    node.CreateClosedSurfaceRepresentation()
    yield from screenshot(step, "2-drawn")
    question = yield from archive.store(step, user, "Store Ablation", "3-question")
    step.check("as a new segmentation of CT head" in question, f"it asks {question}")
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
    user.press(user.ui.labelMapsButton)
    yield user.until_status("offers one label map", 60)
    (label_map,) = user.browser.overlays.label_maps
    names = {one.name for one in label_map.structures}
    step.check(names == {"Margin", "Tumor"}, f"the structures are {names}")
    yield from user.load(label_map.id)
    user.browser.overlays.show_segmentation(label_map.id)
    yield from screenshot(step, "4-got-back")


def replace(step, user):
    overlays = user.browser.overlays
    (label_map,) = overlays.label_maps
    node = overlays.show_segmentation(label_map.id)
    node.SetName("Ablation, changed")
    segmentation = node.GetSegmentation()
    segmentation.RemoveSegment(segmentation.GetSegmentIdBySegmentName("Margin"))
    text = "Store Ablation, changed"
    question = yield from archive.store(step, user, text, "5-question-of-replacing")
    step.check("in place of the segmentation of CT head" in question, f"it asks {question}")
    yield user.until_status("Structures: 1 stored", 60)
    user.press(user.ui.labelMapsButton)
    yield user.until_status("offers one label map", 60)
    (now,) = overlays.label_maps
    step.check(now.id != label_map.id, "what was replaced is still offered")
    step.check(now.name == "Tumor", f"the label map is {now.name}")
    yield from screenshot(step, "6-replaced")
