"""Markups of Slicer's in a folder of plain volumes: trajectories and points."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.peers import TRAJECTORY, ServerInThread
from IGTLMetaBrowserLib.cli.markups_file import write_markups
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource


def test_lines_that_we_write_for_slicer_come_back(tmp_path: Path):
    write_markups(tmp_path / "plan.mrk.json", [TRAJECTORY])
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        (item,) = client.get_trajectories()
    assert item.name == TRAJECTORY.name
    assert item.rgba == TRAJECTORY.rgba
    assert item.entry == pytest.approx(TRAJECTORY.entry)
    assert item.target == pytest.approx(TRAJECTORY.target)
    assert item.diameter == TRAJECTORY.diameter


def test_points_that_slicer_saves(tmp_path: Path):
    slicer = pytest.importorskip("slicer")
    scene = slicer.vtkMRMLScene()
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Landmarks")
    for label, position in [("Nasion", (1.0, 90.0, -3.5)), ("Inion", (0.0, -85.0, 2.0))]:
        node.AddControlPoint(position, label)
    storage = slicer.vtkMRMLMarkupsJsonStorageNode()
    scene.AddNode(storage)
    storage.SetFileName(str(tmp_path / "landmarks.mrk.json"))
    assert storage.WriteData(node) == 1
    with ServerInThread(PlainVolumeSource(tmp_path)) as server, server.client() as client:
        items = client.wait(client.ask("POINT")).items
    found = {item.name: item.position for item in items}
    assert found == {"Nasion": (1.0, 90.0, -3.5), "Inion": (0.0, -85.0, 2.0)}
    assert {item.group for item in items} == {"landmarks"}  # Slicer writes no name


BAD_MARKUPS = {
    "nested": "[" * 100_000,
    "huge": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1e39, 0, 0]}]}]}',
    "long": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1%s, 0, 0]}]}]}'
    % ("0" * 400),
    "nan": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [NaN, 0, 0]}]}]}',
    "system": '{"markups": [{"type": "Fiducial", "coordinateSystem": "XYZ", "controlPoints": '
    '[{"position": [1, 2, 3]}]}]}',
    "units": '{"markups": [{"type": "Fiducial", "coordinateUnits": "um", "controlPoints": '
    '[{"position": [1, 2, 3]}]}]}',
    "size": '{"markups": [{"type": "Fiducial", "controlPoints": [{"position": [1, 2, 3]}], '
    '"display": {"useGlyphScale": false, "glyphSize": -2.5}}]}',
}


def test_markups_that_make_no_sense_are_refused_and_the_others_served(tmp_path: Path):
    write_markups(tmp_path / "plan.mrk.json", [TRAJECTORY])
    for name, text in BAD_MARKUPS.items():
        (tmp_path / f"{name}.mrk.json").write_text(text)
    source = PlainVolumeSource(tmp_path)
    assert [item.name for item in source.trajectories()] == [TRAJECTORY.name]
    assert not source.points()
    assert {name for name, _ in source.refused} == {f"{name}.mrk.json" for name in BAD_MARKUPS}
