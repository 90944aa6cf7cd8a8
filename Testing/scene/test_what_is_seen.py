"""What a server sends, as it is seen in slice and 3D views of Slicer; the pictures are kept.

Each test leaves its four views as a picture in pytest's folder (``--basetemp`` chooses it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from vtkmodules.vtkCommonMath import vtkMatrix4x4

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.cli.markups_file import write_markups
from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.images.volumes import show_image
from IGTLMetaBrowserLib.scene.label_maps.colors import color_volume, stop_using_color_table
from IGTLMetaBrowserLib.scene.label_maps.label_map_set import LabelMapSet
from IGTLMetaBrowserLib.scene.markups.points import PointSet
from IGTLMetaBrowserLib.scene.markups.trajectory_set import TrajectorySet
from slicerhost.views import SliceAndThreeDViews
from slicerhost.views_offscreen import OffScreenError, off_screen_render_window

RED, GREEN, BLUE = (255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)
TARGET = (20.0, -10.0, 5.0)
LINE = TrajectoryItem(
    name="Plan", group="A", rgba=RED, entry=(70.0, 40.0, 60.0), target=TARGET, diameter=8.0
)
# From front to back within an axial slice, so that its width is that of its tube there.
IN_SLICE = replace(LINE, entry=(20.0, 60.0, 5.0), target=(20.0, -70.0, 5.0))
MIDDLE = (20.0, -5.0, 5.0)
SIZE = 100  # voxels of 2 mm along each axis, around the origin
GRAY = 100
AFFINE = np.array([[-2, 0, 0, 99], [0, -2, 0, 99], [0, 0, 2, -99], [0, 0, 0, 1.0]])


@pytest.fixture
def volume(scene):
    """A gray cube of 20 cm, shown without window and level: black is 0, white is 255."""
    pixels = np.full((SIZE, SIZE, SIZE), GRAY, np.uint8)
    node = show_image(scene, codec.ImageMessage.from_ijk_to_ras(pixels, AFFINE), "Cube")
    node.GetDisplayNode().SetWindowLevel(255, 127.5)
    return node


@pytest.fixture
def views(scene, volume, tmp_path: Path) -> Iterator[SliceAndThreeDViews]:
    try:
        off_screen_render_window()
    except OffScreenError as error:
        pytest.skip(str(error))
    # The scene's own application logic has no views.
    views = SliceAndThreeDViews(scene, (400, 400))
    views.show_volume(volume)
    yield views
    views.save_png(tmp_path / "views.png")
    views.close()


def receive(scene, *items, images=None):
    trajectories = TrajectorySet(scene, (images or {}).get)
    trajectories.receive(items)
    trajectories.finish()
    return trajectories.nodes


def color_at(view, ras) -> tuple[int, ...]:
    return tuple(view.picture()[view.pixel_of(ras)].tolist())


def is_like(color, rgba) -> bool:
    """Whether a color that was drawn is that of ``rgba``, light and shade apart."""
    return all((drawn > 120) == (wanted > 120) for drawn, wanted in zip(color, rgba, strict=False))


def width_in_mm(view, ras, rgba) -> float:
    """How wide what is drawn in a color is, along the picture's row through a point."""
    row, _ = view.pixel_of(ras)
    drawn = sum(is_like(color, rgba) for color in view.picture()[row].tolist())
    millimeters, _ = view.view_node.GetFieldOfView()[:2]
    return drawn * millimeters / view.picture().shape[1]


@pytest.mark.parametrize("type_", TrajectoryType)
def test_what_is_planned_is_seen_in_its_color_and_nothing_else(scene, views, type_):
    receive(scene, replace(LINE, type=type_))
    seen = set()
    for name, place in {"entry": LINE.entry, "target": LINE.target}.items():
        views.jump_slices_to(place)
        if is_like(color_at(views.axial, place), RED):
            seen.add(name)
    assert seen == {1: {"entry"}, 2: {"target"}, 3: {"entry", "target"}}[type_]


def test_a_line_is_seen_where_the_slice_cuts_it(scene, views):
    receive(scene, LINE)
    middle = (np.array(LINE.entry) + LINE.target) / 2
    views.jump_slices_to(middle)
    for view in views.slice_views:
        assert is_like(color_at(view, middle), RED)


def test_a_line_that_moved_while_it_was_hidden_is_seen_where_it_is_now(scene, views):
    trajectories = TrajectorySet(scene)
    for item in (LINE, IN_SLICE):
        trajectories.receive([item])
        trajectories.finish()
        trajectories.hide(trajectories.trajectories)
    views.jump_slices_to(MIDDLE)
    assert not is_like(color_at(views.axial, MIDDLE), RED)
    (node,) = trajectories.nodes
    node.SetDisplayVisibility(True)
    assert is_like(color_at(views.axial, MIDDLE), RED)
    assert width_in_mm(views.axial, MIDDLE, RED) == pytest.approx(8, abs=1.5)


@pytest.mark.parametrize("diameter", [4.0, 8.0, 16.0])
def test_a_tube_is_as_wide_as_its_diameter(scene, views, diameter):
    receive(scene, replace(IN_SLICE, diameter=diameter))
    views.jump_slices_to(MIDDLE)
    assert width_in_mm(views.axial, MIDDLE, RED) == pytest.approx(diameter, abs=1.5)


def test_a_file_for_slicer_shows_the_same_tube(scene, views, tmp_path):
    write_markups(tmp_path / "plan.mrk.json", [IN_SLICE])
    logic = views.application_logic.GetModuleLogic("Markups")
    assert logic.LoadMarkups(str(tmp_path / "plan.mrk.json")) is not None
    views.jump_slices_to(MIDDLE)
    assert width_in_mm(views.axial, MIDDLE, RED) == pytest.approx(8, abs=1.5)


def test_trajectories_are_seen_where_the_transform_of_their_image_puts_them(scene, views, volume):
    matrix = vtkMatrix4x4()
    matrix.SetElement(2, 3, 30)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "Up")
    transform.SetMatrixTransformToParent(matrix)
    target = replace(LINE, type=TrajectoryType.TARGET, owner="CUBE")
    receive(scene, target, images={"CUBE": volume})
    volume.SetAndObserveTransformNodeID(transform.GetID())
    views.jump_slices_to(TARGET)
    assert not is_like(color_at(views.axial, TARGET), RED)
    above = (TARGET[0], TARGET[1], TARGET[2] + 30)
    views.jump_slices_to(above)
    assert is_like(color_at(views.axial, above), RED)


def test_points_are_seen_where_they_are(scene, views):
    points = PointSet(scene)
    points.receive([codec.PointItem("Nasion", "Landmarks", GREEN, TARGET, 6.0)])
    points.finish()
    views.jump_slices_to(TARGET)
    for view in views.slice_views:
        assert is_like(color_at(view, TARGET), GREEN)


def test_labels_lie_over_the_image_in_the_colors_that_lbmeta_gives(scene, views, volume):
    pixels = np.zeros((SIZE, SIZE, SIZE), np.uint8)
    pixels[:, :, :30], pixels[:, :, 70:] = 1, 2  # i runs from right to left
    label_maps = LabelMapSet(scene, {"CUBE": volume}.get)
    label_maps.receive(
        [
            codec.LabelMetaItem("Right", "SIDES", 1, BLUE, (SIZE,) * 3, "CUBE"),
            codec.LabelMetaItem("Left", "SIDES", 2, RED, (SIZE,) * 3, "CUBE"),
        ]
    )
    node = label_maps.show("SIDES", codec.ImageMessage.from_ijk_to_ras(pixels, AFFINE))
    for view in views.slice_views:
        composite = view.slice_logic.GetSliceCompositeNode()
        composite.SetLabelVolumeID(node.GetID())
        composite.SetLabelOpacity(1)
    views.jump_slices_to((0, 0, 0))
    assert color_at(views.axial, (80, 0, 0)) == BLUE[:3]
    assert color_at(views.axial, (-80, 0, 0)) == RED[:3]
    assert color_at(views.axial, (0, 0, 0)) == pytest.approx((GRAY,) * 3, abs=1)


@pytest.mark.parametrize("entries", [256, 65536])
def test_an_image_is_seen_in_the_colors_of_its_table_until_they_are_not_wanted(
    scene, views, volume, entries
):
    colors = np.zeros((entries, 3), np.uint8)
    colors[GRAY] = (10, 200, 30)
    color_volume(scene, volume, codec.ColorTableMessage(colors))
    views.jump_slices_to((0, 0, 0))
    for view in views.slice_views:
        assert color_at(view, (0, 0, 0)) == (10, 200, 30)
    stop_using_color_table(volume)
    for view in views.slice_views:
        assert color_at(view, (0, 0, 0)) == pytest.approx((GRAY,) * 3, abs=1)
