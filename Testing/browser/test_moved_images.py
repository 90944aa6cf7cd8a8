"""An image that the user has moved for good: a transform was hardened, as after a registration."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkImagingCore import vtkExtractVOI

from helpers.hospital import Hospital, step_until, step_until_event
from helpers.one_patient import owned_nodes
from helpers.part_peers import large_image, parts_of, pixels_of
from helpers.peers import TRAJECTORY, ScriptedServer, ServerInThread
from helpers.saved_scene import save_and_load
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.browser.browser import Browser
from IGTLMetaBrowserLib.browser.events import LabelMapsListed, PointsShown
from IGTLMetaBrowserLib.scene.errors import SceneError
from IGTLMetaBrowserLib.scene.images.moved_images import MOVED_ATTRIBUTE, movement
from IGTLMetaBrowserLib.scene.images.outgoing_volumes import ijk_to_world
from IGTLMetaBrowserLib.scene.label_maps.outgoing_labels import image_labels

PLAN = replace(TRAJECTORY, owner="CT", entry=(1.0, 2.0, 3.0), target=(0.0, 0.0, 0.0))
# A quarter of a turn around S, and 100 mm to the right.
MOVEMENT = np.array([[0, -1, 0, 100], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
MOVED_ENTRY = (98.0, 1.0, 3.0)


class Source(Hospital):
    """A hospital of which the CT has a plan, a point and a label map."""

    def __init__(self) -> None:
        super().__init__()
        self.trajectories_ = [PLAN]
        labels = np.ones((2, 3, 4), np.uint8)
        matrix = self.images_["CT"].ijk_to_ras()
        self.images_["LABELS"] = codec.ImageMessage.from_ijk_to_ras(labels, matrix)

    def points(self) -> list[codec.PointItem]:
        return [codec.PointItem("Nasion", position=(1, 2, 3), owner="CT")]

    def label_maps(self) -> list[codec.LabelMetaItem]:
        return [codec.LabelMetaItem("Tumor", "LABELS", 1, size=(4, 3, 2), owner="CT")]


@pytest.fixture
def hospital() -> Source:
    return Source()


def transform_of(scene: Any) -> Any:
    matrix = vtkMatrix4x4()
    matrix.DeepCopy(MOVEMENT.ravel().tolist())
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    transform.SetMatrixTransformToParent(matrix)
    return transform


def harden(node: Any) -> None:
    node.SetAndObserveTransformNodeID(transform_of(node.GetScene()).GetID())
    node.HardenTransform()


def load_points_and_labels(browser: Browser, events: list) -> tuple[Any, Any]:
    browser.overlays.request_points()
    (points,) = step_until_event(browser, events, PointsShown).nodes
    browser.overlays.request_label_maps()
    step_until_event(browser, events, LabelMapsListed)
    return points, browser.load_image("LABELS")


def bounds_of(node: Any) -> list[float]:
    bounds = [0.0] * 6
    node.GetRASBounds(bounds)
    return bounds


def entry_of(line: Any) -> tuple[float, ...]:
    return tuple(np.round(line.GetNthControlPointPositionWorld(0), 3))


def test_its_trajectories_move_with_it_and_go_back_as_they_came(browser: Browser, hospital) -> None:
    volume = browser.load_image("CT")
    (line,) = browser.load_trajectories()
    harden(volume)
    assert (entry_of(line), line.GetTransformNodeID()) == (MOVED_ENTRY, None)
    hospital.trajectories_ = [PLAN, replace(PLAN, name="Later")]
    lines = browser.load_trajectories()
    assert [entry_of(one) for one in lines] == [MOVED_ENTRY, MOVED_ENTRY]
    sent = browser.trajectories._nodes.sent_items(browser.connection.address, lines)
    assert np.allclose([one.entry for one in sent], PLAN.entry)


@pytest.mark.parametrize("is_removed", [False, True])
def test_they_are_where_it_comes_again(browser: Browser, scene: Any, is_removed: bool) -> None:
    volume = browser.load_image("CT")
    (line,) = browser.load_trajectories()
    harden(volume)
    if is_removed:
        scene.RemoveNode(volume)
    browser.load_image("CT")
    assert entry_of(line) == PLAN.entry


@pytest.mark.parametrize("is_edited", [True, False])
def test_who_loads_it_again_is_told_that_it_is_not_there_any_more(
    browser: Browser, is_edited: bool
) -> None:
    volume = browser.load_image("CT")
    ends = {harden: "is again as the server has it", crop: "stays as it is, and is yours"}
    for edit, end in ends.items():
        if is_edited:
            edit(volume)
        browser.load_image("CT")
        assert (end in "".join(browser.images.states.of("CT").notes)) is is_edited
    browser.load_image("CT")
    assert browser.images.states.of("CT").notes == ()


def test_in_a_scene_that_was_saved_its_trajectories_stay_there(
    browser: Browser, scene: Any, server: ServerInThread
) -> None:
    harden(browser.load_image("CT"))
    (line,) = browser.load_trajectories()
    later = Browser(scene)
    later.connect(server.host, server.port)
    assert entry_of(line) == MOVED_ENTRY
    assert later.load_trajectories() == [line]
    assert entry_of(line) == MOVED_ENTRY
    later.close()


@pytest.mark.parametrize("is_line_first", [True, False])
def test_they_go_back_with_it_where_the_transform_was_hardened_in_both(
    browser: Browser, scene: Any, is_line_first: bool
) -> None:
    """As Slicer's Transforms module does, one after the other."""
    volume = browser.load_image("CT")
    (line,) = browser.load_trajectories()
    volume.SetAndObserveTransformNodeID(transform_of(scene).GetID())
    for node in (line, volume) if is_line_first else (volume, line):
        node.HardenTransform()
    assert entry_of(line) == MOVED_ENTRY
    assert browser.load_trajectories() == [line]
    assert entry_of(line) == MOVED_ENTRY
    browser.load_image("CT")
    assert entry_of(line) == PLAN.entry


@pytest.mark.parametrize("is_adopted", [False, True])
def test_what_is_under_a_transform_of_its_own_is_not_moved(
    browser: Browser, scene: Any, server: ServerInThread, is_adopted: bool
) -> None:
    """Nor does it say so: taken out of it, it would go back from where it never was."""
    volume = browser.load_image("CT")
    (line,) = browser.load_trajectories()
    line.SetAndObserveTransformNodeID(transform_of(scene).GetID())
    harden(volume)
    with closing(Browser(scene)) as later:
        if is_adopted:
            browser.close()
            later.connect(server.host, server.port)
            browser = later
            assert browser.load_trajectories() == [line]
        assert entry_of(line) == MOVED_ENTRY
        assert line.GetAttribute(MOVED_ATTRIBUTE) is None
        line.SetAndObserveTransformNodeID(None)
        browser.load_image("CT")
        assert entry_of(line) == PLAN.entry


@pytest.mark.parametrize("is_saved", [False, True])
def test_without_it_they_are_sent_as_they_came_or_not_at_all(
    browser: Browser, scene: Any, server: ServerInThread, tmp_path: Path, is_saved: bool
) -> None:
    volume = browser.load_image("CT")
    browser.load_trajectories()
    harden(volume)
    scene.RemoveNode(volume)
    with closing(Browser(save_and_load(scene, tmp_path) if is_saved else scene)) as later:
        later.connect(server.host, server.port)
        (line,) = later.load_trajectories()
        assert entry_of(line) == MOVED_ENTRY
        (sent,) = later.trajectories._nodes.sent_items(later.connection.address, [line])
        assert np.allclose(sent.entry, PLAN.entry)
        line.SetAndObserveTransformNodeID(transform_of(later.scene).GetID())
        with pytest.raises(SceneError, match="is under a transform, and whether its image is"):
            later.trajectories.send([line])


@pytest.mark.parametrize("is_removed", [False, True])
def test_in_a_scene_that_was_saved_without_it_they_are_known_as_they_came(
    browser: Browser, scene: Any, server: ServerInThread, tmp_path: Path, is_removed: bool
) -> None:
    """Else one that is removed and shown again would not lie where the image does."""
    volume = browser.load_image("CT")
    browser.load_trajectories()
    harden(volume)
    scene.RemoveNode(volume)
    with closing(Browser(save_and_load(scene, tmp_path))) as later:
        (line, *_) = owned_nodes(later.scene)
        later.connect(server.host, server.port)
        (one,) = later.trajectories.markups.trajectories
        assert np.allclose(one.item.entry, PLAN.entry)
        if is_removed:
            later.scene.RemoveNode(line)
            later.load_image("CT")
        else:
            later.trajectories.hide([one])
        later.trajectories.show([one])
        step_until(later, lambda: later.trajectories.markups.is_shown(one), "the trajectory")
        expected = PLAN.entry if is_removed else MOVED_ENTRY
        assert entry_of(later.trajectories.node(one)) == expected


@pytest.mark.parametrize("is_asked_again", [True, False])
def test_in_a_scene_that_was_saved_without_it_all_is_where_it_comes_again(
    browser: Browser, scene: Any, events: list, server: ServerInThread, tmp_path: Path,
    is_asked_again: bool,
) -> None:  # fmt: skip
    volume = browser.load_image("CT")
    browser.load_trajectories()
    load_points_and_labels(browser, events)
    browser.overlays.label_maps.show_segmentation("LABELS")
    harden(volume)
    scene.RemoveNode(volume)
    with closing(Browser(save_and_load(scene, tmp_path))) as later:
        line, points, labels, segmentation = owned_nodes(later.scene)
        later.connect(server.host, server.port)
        later.list_images()
        if is_asked_again:
            later.load_trajectories()
            later.overlays.request_label_maps()
            later.load_image("LABELS")
        assert (entry_of(line), entry_of(points)) == (MOVED_ENTRY, MOVED_ENTRY)
        image = later.load_image("CT")
        assert (entry_of(line), entry_of(points)) == (PLAN.entry, PLAN.entry)
        assert np.allclose(ijk_to_world(labels), ijk_to_world(image), atol=1e-4)
        assert segmentation.GetAttribute(MOVED_ATTRIBUTE) is None
        harden(image)
        assert (entry_of(line), entry_of(points)) == (MOVED_ENTRY, MOVED_ENTRY)


def test_a_segmentation_that_is_made_without_the_image_is_where_it_comes_again(
    browser: Browser, scene: Any, events: list, server: ServerInThread, tmp_path: Path
) -> None:
    volume = browser.load_image("CT")
    load_points_and_labels(browser, events)
    harden(volume)
    scene.RemoveNode(volume)
    with closing(Browser(save_and_load(scene, tmp_path))) as later:
        later.connect(server.host, server.port)
        later.list_images()
        segmentation = later.overlays.label_maps.show_segmentation("LABELS")
        moved = bounds_of(segmentation)
        later.load_image("CT")
        assert not np.allclose(bounds_of(segmentation), moved)
        assert segmentation.GetAttribute(MOVED_ATTRIBUTE) is None


@pytest.mark.parametrize("text", ["0 " * 16, "nan " * 16, "1 2 3", "?"])
def test_what_says_how_it_was_moved_makes_no_sense(
    browser: Browser, scene: Any, server: ServerInThread, tmp_path: Path, text: str
) -> None:
    """Somebody has edited the scene file: it is as if nothing was said."""
    browser.load_image("CT")
    (line,) = browser.load_trajectories()
    line.SetAttribute(MOVED_ATTRIBUTE, text)
    with closing(Browser(save_and_load(scene, tmp_path))) as later:
        later.connect(server.host, server.port)
        harden(later.load_image("CT"))
        (line,) = later.load_trajectories()
        assert entry_of(line) == MOVED_ENTRY


def test_points_and_labels_are_moved_too(browser: Browser, events: list) -> None:
    volume = browser.load_image("CT")
    harden(volume)
    points, labels = load_points_and_labels(browser, events)
    assert entry_of(points) == MOVED_ENTRY
    assert np.allclose(ijk_to_world(labels), ijk_to_world(volume), atol=1e-4)
    stored = image_labels(labels, volume).ijk_to_ras
    assert np.allclose(MOVEMENT @ stored, ijk_to_world(volume), atol=1e-4)


def test_one_that_is_calibrated_cropped_or_streamed_was_not_moved(
    browser: Browser, hospital: Source
) -> None:
    calibrated = browser.load_image("MR")
    browser.metadata.calibrate("MR", (0.7, 0.8, 0.9))
    cropped = browser.load_image("CT")
    crop(cropped)
    streamed = browser.load_image("PHOTO")
    image = hospital.images_["PHOTO"]
    moving = replace(image, device_name="PHOTO", matrix=image.matrix + 1)
    browser._in_scene.show_live_voxels(moving)
    assert [movement(one) for one in (calibrated, cropped, streamed)] == [None] * 3


def test_what_is_in_one_that_was_bent_or_resampled_cannot_be_sent(browser: Browser) -> None:
    volume = browser.load_image("CT")
    (line,) = browser.load_trajectories()
    address, nodes = browser.connection.address, browser.trajectories._nodes
    crop(volume)
    (sent,) = nodes.sent_items(address, [line])
    assert sent.entry == PLAN.entry
    volume.SetSpacing(0.7, 0.8, 0.9)
    with pytest.raises(SceneError, match=r"resampled, or bent .* load the image again"):
        nodes.sent_items(address, [line])


def test_a_region_is_found_and_shown_where_the_image_is(unconnected: Browser, scene: Any) -> None:
    image = replace(large_image(), device_name="CT")
    with ScriptedServer(parts_of(image)) as server:
        unconnected.connect("127.0.0.1", server.port)
        unconnected.wait_until_connected()
        volume = unconnected._in_scene.show("CT", image)[0]
        harden(volume)
        volume.SetAndObserveTransformNodeID(transform_of(scene).GetID())
        node = unconnected.load_region("CT", roi_at(scene, volume))
    first = np.linalg.inv(ijk_to_world(volume)) @ ijk_to_world(node)
    assert np.allclose(first[:3, :3], np.eye(3), atol=1e-4)
    i, j, k = np.round(first[:3, 3]).astype(int)
    assert np.allclose(first[:3, 3], (i, j, k), atol=1e-2)
    pixels = pixels_of(node)
    box = image.pixels[k:, j:, i:][: pixels.shape[0], : pixels.shape[1], : pixels.shape[2]]
    assert np.array_equal(pixels, box)
    assert i <= 100 < 129 < i + pixels.shape[2]
    volume.SetAndObserveTransformNodeID(None)
    assert node.GetTransformNodeID() is None


def crop(volume: Any) -> None:
    """Leave the voxels from the second along i on, as Crop Volume does in place."""
    origin = ijk_to_world(volume) @ (1, 0, 0, 1)
    data = volume.GetImageData()
    extract = vtkExtractVOI()
    extract.SetInputData(data)
    extract.SetVOI(1, *data.GetExtent()[1:])
    extract.Update()
    cropped = extract.GetOutput()
    cropped.SetExtent(0, data.GetExtent()[1] - 1, *data.GetExtent()[2:])
    volume.SetAndObserveImageData(cropped)
    volume.SetOrigin(*origin[:3])


def roi_at(scene: Any, volume: Any) -> Any:
    """Return a ROI around some voxels of a volume, 100 to 129 along i, where they are seen."""
    to_world = ijk_to_world(volume)
    corners = np.array([to_world @ (*one, 1) for one in ((99.6, 39.6, 49.6), (129.4, 59.4, 59.4))])
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
    roi.SetXYZ(*corners[:, :3].mean(axis=0))
    roi.SetSize(*np.abs(corners[1] - corners[0])[:3])
    return roi
