"""What a clinician must be able to rely on in the pictures; that drawing them breaks nothing."""

from __future__ import annotations

import colorsys
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import slicer
import vtk
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from slicerhost import views_offscreen
from slicerhost.views import SliceAndThreeDViews
from slicerhost.views_slice import OffScreenSliceView

BRAIN, BONE, MARKER = 300, 600, 1000

# RAS mm. The brain's center and radii; a bright marker in the patient's left; a nose; a cap.
HEAD_CENTER, HEAD_RADII = (3, -7, 11), (62, 78, 74)
LEFT_MARKER, NOSE, CAP = (-38, 0, 16), (3, 78, 5), (3, -7, 88)

YELLOW, GREEN, PINK = (1, 0.8, 0), (0, 1, 0.3), (1, 0.2, 0.8)

# The directions in RAS of a volume's axes i, j and k.
AXIAL_SERIES = ((-1, 0, 0), (0, -1, 0), (0, 0, 1))
SAGITTAL_SERIES = ((0, -1, 0), (0, 0, -1), (-1, 0, 0))
TILTED_SERIES = ((-0.940, -0.342, 0), (0.280, -0.770, -0.574), (0.196, -0.539, 0.819))


def add_head(
    scene: slicer.vtkMRMLScene,
    directions: tuple[tuple[float, ...], ...] = AXIAL_SERIES,
    size: tuple[int, int, int] = (128, 128, 96),
    spacing: tuple[float, float, float] = (1.6, 1.6, 2.2),
) -> slicer.vtkMRMLScalarVolumeNode:
    """A head whose sides can be told apart, as a volume of ``size`` (i, j, k) around its center."""
    ijk_to_ras = np.eye(4)
    ijk_to_ras[:3, :3] = np.transpose(directions) * spacing
    ijk_to_ras[:3, 3] = HEAD_CENTER - ijk_to_ras[:3, :3] @ ((np.array(size) - 1) / 2)

    image = vtk.vtkImageData()
    image.SetDimensions(*size)
    voxels = head_voxels(tuple(map(tuple, ijk_to_ras)), size)
    image.GetPointData().SetScalars(numpy_to_vtk(voxels, deep=True))
    volume_node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Head")
    volume_node.SetAndObserveImageData(image)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(ijk_to_ras.ravel())
    volume_node.SetIJKToRASMatrix(matrix)
    volume_node.CreateDefaultDisplayNodes()
    volume_node.GetDisplayNode().AutoWindowLevelOff()
    volume_node.GetDisplayNode().SetWindowLevel(1000, 500)
    return volume_node


@cache
def head_voxels(matrix: tuple[tuple[float, ...], ...], size: tuple[int, int, int]) -> np.ndarray:
    """The head's values in a grid, whose IJK to RAS matrix this is, as a row."""
    ijk_to_ras = np.array(matrix)
    indices = np.indices(size[::-1])[::-1].reshape(3, -1)
    ras = ijk_to_ras[:3, :3] @ indices + ijk_to_ras[:3, 3:]

    voxels = np.zeros(ras.shape[1], np.int16)
    skull_radii = np.add(HEAD_RADII, 6)
    for center, radii, value in (
        (HEAD_CENTER, skull_radii, BONE),
        (HEAD_CENTER, HEAD_RADII, BRAIN),
        (NOSE, (8, 14, 10), BONE),
        (CAP, (12, 12, 6), MARKER),
        (LEFT_MARKER, (10, 10, 10), MARKER),
    ):
        distance = ((ras - np.c_[list(center)]) / np.c_[list(radii)]) ** 2
        voxels[distance.sum(axis=0) <= 1] = value
    voxels.flags.writeable = False
    return voxels


def add_line(
    scene: slicer.vtkMRMLScene,
    entry: tuple[float, float, float],
    target: tuple[float, float, float],
    color: tuple[float, float, float],
    diameter: float = 4,
) -> slicer.vtkMRMLMarkupsLineNode:
    line_node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Line")
    line_node.CreateDefaultDisplayNodes()
    line_node.AddControlPoint(vtk.vtkVector3d(*entry))
    line_node.AddControlPoint(vtk.vtkVector3d(*target))
    display_node = line_node.GetDisplayNode()
    display_node.SetSelectedColor(*color)
    display_node.SetCurveLineSizeMode(display_node.UseLineDiameter)
    display_node.SetLineDiameter(diameter)
    display_node.SetPropertiesLabelVisibility(False)
    return line_node


def along(line_node: slicer.vtkMRMLMarkupsLineNode, fraction: float) -> np.ndarray:
    """The point in RAS mm at this fraction of the way from the line's entry to its target."""
    entry, target = (np.array(line_node.GetNthControlPointPosition(index)) for index in range(2))
    return entry + fraction * (target - entry)


def hue(color: Sequence[float]) -> float:
    """0 is red, 1/3 green, 2/3 blue. Light and shade, black and gray leave it as it is."""
    return colorsys.rgb_to_hsv(*color)[0]


def center_of_bright(picture: np.ndarray) -> np.ndarray:
    """(row, column) of the middle of what is as bright as the marker; edges have white letters."""
    inside = picture[40:-40, 40:-40].min(axis=2) > 240
    return np.argwhere(inside).mean(axis=0) + 40


@pytest.fixture
def scene() -> slicer.vtkMRMLScene:
    return slicer.vtkMRMLScene()


@pytest.fixture
def views(
    scene: slicer.vtkMRMLScene, capfd: pytest.CaptureFixture[str]
) -> Iterator[SliceAndThreeDViews]:
    views = SliceAndThreeDViews(scene, size=(400, 400))
    yield views
    views.close()
    assert capfd.readouterr().err == "", "VTK or MRML logged an error"


def test_the_scene_holds_the_view_nodes_of_slicer(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    nodes = [view.view_node for view in views.slice_views]
    assert [node.GetID() for node in nodes] == [
        "vtkMRMLSliceNodeRed",
        "vtkMRMLSliceNodeYellow",
        "vtkMRMLSliceNodeGreen",
    ]
    assert [node.GetSingletonTag() for node in nodes] == ["Red", "Yellow", "Green"]
    assert [node.GetOrientation() for node in nodes] == ["Axial", "Sagittal", "Coronal"]
    composite_nodes = [view.slice_logic.GetSliceCompositeNode() for view in views.slice_views]
    assert [node.GetLayoutName() for node in composite_nodes] == ["Red", "Yellow", "Green"]
    assert scene.GetNodeByID("vtkMRMLViewNode1") is views.three_d.view_node
    assert scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
    assert scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")


@pytest.mark.parametrize("directions", [AXIAL_SERIES, SAGITTAL_SERIES, TILTED_SERIES])
def test_slices_are_upright_and_seen_as_radiologists_do(
    scene: slicer.vtkMRMLScene,
    views: SliceAndThreeDViews,
    directions: tuple[tuple[float, ...], ...],
) -> None:
    views.show_volume(add_head(scene, directions, size=(128, 128, 128), spacing=(1.6, 1.7, 1.8)))

    views.jump_slices_to(LEFT_MARKER)
    row, column = center_of_bright(views.axial.picture())
    assert column > 240, "the patient's left is on the picture's right"
    assert (row, column) == pytest.approx(views.axial.pixel_of(LEFT_MARKER), abs=3)

    views.jump_slices_to(CAP)
    assert center_of_bright(views.coronal.picture())[0] < 160, "the cap is on top"
    assert center_of_bright(views.sagittal.picture())[0] < 160, "the cap is on top"

    views.jump_slices_to(NOSE)
    tip = np.add(NOSE, (0, 10, 0))
    for view, expected in ((views.axial, "above"), (views.sagittal, "left")):
        row, column = view.pixel_of(tip)
        assert view.picture()[row, column].tolist() == pytest.approx([153] * 3, abs=3)
        assert (row if expected == "above" else column) < 160, f"the nose is {expected}"


def test_letters_name_the_patients_directions(views: SliceAndThreeDViews) -> None:
    left, right = np.s_[180:220, :25], np.s_[180:220, 375:]
    top, bottom = np.s_[:25, 180:220], np.s_[375:, 180:220]

    def shape_of_letter(view: OffScreenSliceView, edge: tuple[slice, slice]) -> bytes:
        inked = np.argwhere(view.picture()[edge].max(axis=2) > 128)
        assert len(inked), "a letter is drawn"
        return (inked - inked.min(axis=0)).tobytes()

    places = {
        "R": [(views.axial, left), (views.coronal, left)],
        "L": [(views.axial, right), (views.coronal, right)],
        "A": [(views.axial, top), (views.sagittal, left)],
        "P": [(views.axial, bottom), (views.sagittal, right)],
        "S": [(views.coronal, top), (views.sagittal, top)],
        "I": [(views.coronal, bottom), (views.sagittal, bottom)],
    }
    distinct = {letter: {shape_of_letter(*place) for place in places[letter]} for letter in places}
    assert all(len(same) == 1 for same in distinct.values()), "one letter looks alike everywhere"
    assert len(set().union(*distinct.values())) == 6, "different letters look different"


def test_window_and_level_of_the_display_node_tell_the_gray_values(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    volume_node = add_head(scene)
    views.show_volume(volume_node)
    row, column = views.coronal.pixel_of(HEAD_CENTER)
    gray = 255 * BRAIN / 1000
    assert views.coronal.picture()[row, column].tolist() == pytest.approx([gray] * 3, abs=2)

    volume_node.GetDisplayNode().SetWindowLevel(400, BRAIN)
    assert views.coronal.picture()[row, column].tolist() == pytest.approx([127.5] * 3, abs=2)


def test_a_line_is_seen_where_the_slice_cuts_it(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    line_node = add_line(scene, entry=(40, 50, 80), target=(10, -10, 11), color=YELLOW)
    cut = along(line_node, 0.4)
    for view in views.slice_views:
        views.jump_slices_to(cut)
        row, column = view.pixel_of(cut)
        assert hue(view.picture()[row, column]) == pytest.approx(hue(YELLOW), abs=0.05)
        views.jump_slices_to((-60, -80, -60))
        assert np.ptp(view.picture()[row, column]) == 0, "gray, far from the line"


def test_slices_are_seen_in_3d_with_the_window_and_level_of_the_volume(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    volume_node = add_head(scene)
    views.show_volume(volume_node)
    in_axial_slice = (-40, 40, views.axial.slice_logic.GetSliceOffset())
    row, column = views.three_d.pixel_of(in_axial_slice)
    dark = views.three_d.picture()[row, column]
    volume_node.GetDisplayNode().SetWindowLevel(10, 0)  # everything white
    bright = views.three_d.picture()[row, column]
    assert np.subtract(bright, dark, dtype=int).min() > 100, "translucent, but there"


def test_lines_are_seen_in_3d_also_behind_a_slice(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    in_front = add_line(scene, entry=(-45, 40, 70), target=(-12, -5, 15), color=GREEN)
    behind_sagittal = add_line(scene, entry=(50, 50, 70), target=(20, 5, 20), color=YELLOW)
    behind_coronal = add_line(scene, entry=(-40, -60, 60), target=(-20, -30, 20), color=PINK)
    picture = views.three_d.picture()
    for line_node, color in (
        (in_front, GREEN),
        (behind_sagittal, YELLOW),
        (behind_coronal, PINK),
    ):
        for fraction in (0.25, 0.5, 0.75):
            row, column = views.three_d.pixel_of(along(line_node, fraction))
            seen = picture[row, column]
            assert hue(seen) == pytest.approx(hue(color), abs=0.08), fraction


def test_a_line_in_3d_is_as_thick_as_its_diameter(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    line_node = add_line(scene, entry=(-45, 60, 70), target=(-45, 60, 0), color=GREEN, diameter=3)
    line_node.GetDisplayNode().SetGlyphScale(0.1)

    middle = along(line_node, 0.5)
    row, column = views.three_d.pixel_of(middle)
    camera = views.three_d.renderer.GetActiveCamera()
    rightwards = np.cross(camera.GetViewUp(), camera.GetViewPlaneNormal())
    pixels_per_mm = (views.three_d.pixel_of(middle + 100 * rightwards)[1] - column) / 100

    for diameter in (3, 9):
        line_node.GetDisplayNode().SetLineDiameter(diameter)
        colors = views.three_d.picture()[row]
        width = sum(max(color) > 60 and abs(hue(color) - hue(GREEN)) < 0.03 for color in colors)
        assert width == pytest.approx(diameter * pixels_per_mm, abs=1.5)


def test_a_point_is_seen_in_its_slices_and_in_3d(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    point_node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Target")
    point_node.CreateDefaultDisplayNodes()
    point_node.GetDisplayNode().SetSelectedColor(*GREEN)
    position = (-30, 40, 40)
    point_node.AddControlPoint(vtk.vtkVector3d(*position))
    views.jump_slices_to(position)
    for view in (*views.slice_views, views.three_d):
        row, column = view.pixel_of(position)
        assert hue(view.picture()[row, column]) == pytest.approx(hue(GREEN), abs=0.05)


def test_in_3d_the_patient_faces_the_viewer_upright(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    pixel_of = views.three_d.pixel_of
    assert pixel_of(CAP)[0] < pixel_of(HEAD_CENTER)[0], "superior is up"
    assert pixel_of(LEFT_MARKER)[1] > pixel_of(HEAD_CENTER)[1], "the patient's left is on the right"
    towards_viewer = views.three_d.renderer.GetActiveCamera().GetViewPlaneNormal()
    assert towards_viewer[1] > 0.7, "seen from the front"
    height, width, _ = views.three_d.picture().shape
    for corner in np.ndindex(2, 2, 2):
        row, column = pixel_of(HEAD_CENTER + HEAD_RADII * (1 - 2 * np.array(corner)))
        assert 0 <= row < height
        assert 0 <= column < width


def test_the_png_shows_the_views_as_slicers_four_up_layout(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews, tmp_path: Path
) -> None:
    views.show_volume(add_head(scene))
    views.save_png(tmp_path / "views.png")
    reader = vtk.vtkPNGReader()
    reader.SetFileName(str(tmp_path / "views.png"))
    reader.Update()
    width, height, _ = reader.GetOutput().GetDimensions()
    upwards = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars())
    picture = upwards.reshape(height, width, 3)[::-1]
    bar = height // 2 - 400
    assert width == 800
    assert np.array_equal(picture[bar : 400 + bar, :400], views.axial.picture())
    assert np.array_equal(picture[bar : 400 + bar, 400:], views.three_d.picture())
    assert np.array_equal(picture[-400:, :400], views.coronal.picture())
    assert np.array_equal(picture[-400:, 400:], views.sagittal.picture())


def test_an_emptied_scene_can_be_filled_again(
    scene: slicer.vtkMRMLScene, views: SliceAndThreeDViews
) -> None:
    views.show_volume(add_head(scene))
    before = views.axial.picture()
    scene.Clear(False)
    assert not np.array_equal(views.axial.picture(), before)
    views.show_volume(add_head(scene))
    assert np.array_equal(views.axial.picture(), before)


def test_a_closed_view_says_that_it_is_closed(scene: slicer.vtkMRMLScene) -> None:
    views = SliceAndThreeDViews(scene, size=(100, 100))
    views.close()
    with pytest.raises(
        RuntimeError, match="vtkMRMLSliceNodeRed cannot be drawn: its view was closed"
    ):
        views.picture()


def test_without_egl_and_osmesa_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        views_offscreen, "_WINDOW_CLASSES", (("libNotThere.so", vtk.vtkRenderWindow),)
    )
    with pytest.raises(
        views_offscreen.OffScreenError, match="apt-get install libegl1 libgl1-mesa-dri"
    ):
        views_offscreen.off_screen_render_window()


PROCESSES = """
import json, os, signal, sys, tempfile
import slicer, test_views
from slicerhost.views import SliceAndThreeDViews

def draw():
    scene = slicer.vtkMRMLScene()
    views = SliceAndThreeDViews(scene, size=(100, 100))
    head = test_views.add_head(scene, size=(32, 32, 32), spacing=(6, 6, 7))
    views.show_volume(head)
    test_views.add_line(scene, (40, 50, 80), (10, -10, 11), (1, 0, 0))
    assert views.picture().any()
    return scene, views

for line in sys.stdin:
    errors = tempfile.TemporaryFile()
    child = os.fork()
    if not child:
        os.dup2(errors.fileno(), 2)
        signal.alarm(120)
        exec(json.loads(line))
        break
    _, status = os.waitpid(child, 0)
    errors.seek(0)
    print(json.dumps([os.waitstatus_to_exitcode(status), errors.read().decode()]), flush=True)
"""


@pytest.fixture(scope="module")
def run_script() -> Iterator[Callable[[str], list]]:
    """Runs a script in a process that ends as Python does; returns its exit code and stderr.

    They are forks of one that has imported Slicer and VTK: that took longer than the scripts.
    """
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(folders),
        "QT_QPA_PLATFORM": "offscreen",
    }
    environment.pop("DISPLAY", None)
    with subprocess.Popen(
        [sys.executable, "-c", PROCESSES],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:

        def run(script: str) -> list:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(script) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield run


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("scene, views = draw()", id="nothing closed"),
        pytest.param(
            "scene, views = draw(); del scene; views.picture(); del views", id="scene first"
        ),
        pytest.param(
            "scene, views = draw(); del views; scene.Clear(1); del scene", id="views first"
        ),
        pytest.param(
            "scene, views = draw(); views.close(); draw()\n"
            "views = SliceAndThreeDViews(scene, application_logic=views.application_logic)\n"
            "views.picture()",
            id="closed and opened again",
        ),
        pytest.param(
            "one, two = draw(), draw(); one[1].close(); two[1].picture(); three = draw()\n"
            "two[1].close(); three[1].picture()",
            id="several scenes",
        ),
        pytest.param(
            "from PySide6.QtWidgets import QApplication, QLabel\n"
            "application = QApplication([]); label = QLabel('Qt'); label.show()\n"
            "application.processEvents(); scene, views = draw(); label.grab(); views.picture()",
            id="beside Qt",
        ),
        pytest.param(
            "import slicerhost; slicerhost.start()\n"
            "views = SliceAndThreeDViews(\n"
            "    slicer.mrmlScene, (100, 100), slicer.app.applicationLogic())\n"
            "head = test_views.add_head(slicer.mrmlScene, size=(32, 32, 32), spacing=(6, 6, 7))\n"
            "slicer.util.setSliceViewerLayers(background=head, fit=True)\n"
            "assert views.axial.picture()[views.axial.pixel_of(test_views.HEAD_CENTER)].min() > 50",
            id="in the stand-in",
        ),
    ],
)
def test_the_process_ends_in_silence(script: str, run_script: Callable[[str], list]) -> None:
    """No crash and nothing on stderr, in whatever order scene and views go."""
    assert run_script(script) == [0, ""]
