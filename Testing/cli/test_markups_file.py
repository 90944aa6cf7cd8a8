"""Trajectories as markups JSON: written by us, opened by Slicer's own reader."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import slicer

from IGTLMetaBrowserLib.cli.markups_file import write_markups
from IGTLMetaBrowserLib.cli.parser import CommandError
from IGTLMetaBrowserLib.codec import TrajectoryItem, TrajectoryType
from IGTLMetaBrowserLib.scene.markups.trajectory_decoding import TrajectoryError

LINE = TrajectoryItem(
    name="Bïopsy",
    group="Plan A",
    rgba=(255, 128, 0, 64),
    entry=(-30.5, 40.25, 60.0),
    target=(-10.0, 5.0, 1.5),
    diameter=2.5,
    owner="IMAGE_0",
)
ENTRY = replace(LINE, name="Burr hole", type=TrajectoryType.ENTRY, diameter=0.0)
TARGET = replace(LINE, name="Focus", type=TrajectoryType.TARGET)


@pytest.fixture
def load(scene, tmp_path):
    """Writes trajectories and opens the file as Slicer does; returns the nodes."""
    logic = slicer.vtkSlicerMarkupsLogic()
    logic.SetMRMLScene(scene)

    def load(*items):
        path = tmp_path / "plan.mrk.json"
        write_markups(path, items)
        assert logic.LoadMarkups(str(path)) is not None
        nodes = scene.GetNodesByClass("vtkMRMLMarkupsNode")
        return [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]

    yield load
    logic.SetMRMLScene(None)


def points(node):
    return [
        (node.GetNthControlPointLabel(index), tuple(node.GetNthControlPointPosition(index)))
        for index in range(node.GetNumberOfControlPoints())
    ]


def test_slicer_opens_lines_and_points_where_they_were_planned(load):
    line, entry, target = load(LINE, ENTRY, TARGET)
    assert [node.GetClassName() for node in (line, entry, target)] == [
        "vtkMRMLMarkupsLineNode",
        "vtkMRMLMarkupsFiducialNode",
        "vtkMRMLMarkupsFiducialNode",
    ]
    assert points(line) == [("entry", (-30.5, 40.25, 60)), ("target", (-10, 5, 1.5))]
    assert points(entry) == [("Burr hole", (-30.5, 40.25, 60))]
    assert points(target) == [("Focus", (-10, 5, 1.5))]


def test_slicer_gives_them_their_names_and_looks(load):
    line, entry, _ = load(LINE, ENTRY, TARGET)
    assert [line.GetName(), entry.GetName()] == ["Bïopsy", "Burr hole"]
    assert line.GetLocked()
    display = line.GetDisplayNode()
    assert display.GetSelectedColor() == pytest.approx((1, 128 / 255, 0))
    assert display.GetOpacity() == pytest.approx(64 / 255)
    assert display.GetPropertiesLabelVisibility()
    assert entry.GetDisplayNode().GetPointLabelsVisibility()


def test_the_diameter_is_that_of_the_tube_which_slicer_draws(load):
    line, entry, _ = load(LINE, ENTRY, TARGET)
    display = line.GetDisplayNode()
    # vtkSlicerLineRepresentation3D draws a tube of this diameter where no other was set.
    assert display.GetCurveLineSizeMode() == display.UseLineThickness
    assert not display.GetUseGlyphScale()
    assert display.GetGlyphSize() * display.GetLineThickness() == 2.5
    assert entry.GetDisplayNode().GetUseGlyphScale()


def test_group_image_and_diameter_are_in_the_description(load):
    (line,) = load(LINE)
    description = "group Plan A, image IMAGE_0, diameter 2.5 mm"
    assert line.GetNthControlPointDescription(0) == description


def test_an_image_id_that_is_no_text_is_written_as_a_screen_shows_it(load):
    (line,) = load(replace(LINE, owner="\udcff\u202e"))
    assert "image \ufffd\ufffd, diameter" in line.GetNthControlPointDescription(0)


def test_slicers_storage_node_reads_the_first_one_into_a_node_that_is_there(scene, load, tmp_path):
    load(LINE)
    storage = scene.AddNewNodeByClass("vtkMRMLMarkupsJsonStorageNode")
    storage.SetFileName(str(tmp_path / "plan.mrk.json"))
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Mine")
    assert storage.ReadData(node)
    assert points(node) == [("entry", (-30.5, 40.25, 60)), ("target", (-10, 5, 1.5))]


def test_the_file_says_lps(tmp_path):
    path = tmp_path / "plan.mrk.json"
    write_markups(path, [LINE])
    (markup,) = json.loads(path.read_text(encoding="utf-8"))["markups"]
    assert markup["coordinateSystem"] == "LPS"
    assert markup["controlPoints"][0]["position"] == [30.5, -40.25, 60]


def test_no_trajectories_are_a_file_without_markups(tmp_path):
    path = tmp_path / "plan.mrk.json"
    write_markups(path, [])
    assert json.loads(path.read_text(encoding="utf-8"))["markups"] == []


def test_what_cannot_be_shown_is_refused_and_nothing_is_written(tmp_path):
    path = tmp_path / "plan.mrk.json"
    with pytest.raises(TrajectoryError, match="'Bïopsy' has the type 0"):
        write_markups(path, [LINE, replace(LINE, type=0)])
    assert not path.exists()


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    with pytest.raises(CommandError, match=r"plan\.mrk\.json' cannot be written: No such"):
        write_markups(tmp_path / "none" / "plan.mrk.json", [LINE])
