"""Trajectories in JSON files: the form that ``igtlmeta trajectories --json`` prints."""

from __future__ import annotations

import json

import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.demo import demo_trajectories
from IGTLMetaBrowserLib.sources.plain_volumes.markups_folder import read_markups
from IGTLMetaBrowserLib.sources.trajectory_file import (
    read_trajectories,
    trajectory_to_json,
    write_trajectories,
)


def test_a_trajectory_as_json():
    item = codec.TrajectoryItem(
        name="Biopsy",
        group="Plan A",
        type=codec.TrajectoryType.TARGET,
        rgba=(255, 0, 0, 128),
        target=(1.0, -2.5, 3.0),
        diameter=2.0,
        owner="IMAGE_0",
    )
    assert trajectory_to_json(item) == {
        "name": "Biopsy",
        "group": "Plan A",
        "type": "target",
        "rgba": [255, 0, 0, 128],
        "entry": None,
        "target": [1.0, -2.5, 3.0],
        "diameter": 2.0,
        "owner": "IMAGE_0",
    }


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "trajectories.json"
    write_trajectories(path, demo_trajectories())
    assert read_trajectories(path) == demo_trajectories()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "cannot be read"),
        ("{}", "must hold a list"),
        ('[{"type": "line", "name": "a"}]', "Trajectory 1 .* type is 'line', not one of entry"),
        ('[{"name": "a"}]', "'type' is missing"),
        ('[{"name": "a", "type": "target"}]', "'target' is missing"),
        (
            '[{"name": "a", "type": "target", "target": [1, 2]}]',
            r"target is \[1, 2\], not 3 numbers",
        ),
        ('[{"name": "a", "type": "target", "target": [1, 2, "3"]}]', "'3'], not 3 numbers"),
        ('[{"name": "a", "type": "target", "target": [1, 2, true]}]', "True], not 3 numbers"),
        ('[{"name": "a", "type": "target", "target": null}]', "target is None, not 3 numbers"),
        (
            '[{"name": "a", "type": "target", "target": [1, 2, 3], "target": [-1, -2, 3]}]',
            "an object has 'target' twice",
        ),
        ('[{"name": null, "type": "target", "target": [1, 2, 3]}]', "name is None, no text"),
        ('["a"]', "Trajectory 1 .* it is no object with name, type and points"),
        ('[{"name": "a", "type": "target", "target": [1, 2, NaN]}]', "not from -1e"),
        ('[{"name": "a", "type": "target", "target": [1, 2, 1%s]}]' % ("0" * 400), "too large"),
        (
            '[{"name": "a", "type": "target", "target": [1, 2, 3], "rgba": [1, 2, 3, 256]}]',
            "not from 0 to 255",
        ),
        (
            '[{"name": "a", "type": "target", "target": [1, 2, 3], "diameter": -0.5}]',
            r"diameter is \[-0.5\], not from 0 to 1e",
        ),
        ('[{"name": "%s", "type": "target", "target": [1, 2, 3]}]' % ("a" * 65), "64 bytes"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, problem):
    path = tmp_path / "trajectories.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=problem):
        read_trajectories(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_files_as_windows_writes_them(tmp_path, encoding):
    """What a command prints, PowerShell writes in UTF-16: igtlmeta trajectories --json > FILE."""
    path = tmp_path / "trajectories.json"
    write_trajectories(path, demo_trajectories())
    path.write_bytes(path.read_text("utf-8").replace("\n", "\r\n").encode(encoding))
    assert read_trajectories(path) == demo_trajectories()


def test_a_file_larger_than_the_limit_is_refused_and_not_read(tmp_path):
    path = tmp_path / "trajectories.json"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: 1 TiB that needs no place on the disk
    for read in (read_trajectories, read_markups):
        with pytest.raises(SourceError, match="cannot be read: it has more than the limit of 64 M"):
            read(path)


def test_only_points_name_and_type_are_needed(tmp_path):
    path = tmp_path / "trajectories.json"
    path.write_text(json.dumps([{"name": "a", "type": "entry", "entry": [1, 2, 3]}]))
    (item,) = read_trajectories(path)
    assert (item.type, item.entry, item.diameter) == (codec.TrajectoryType.ENTRY, (1, 2, 3), 0)
