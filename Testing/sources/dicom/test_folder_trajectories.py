"""Trajectories of a folder: those given, or those of its file, which can be damaged or change."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.folder_source import REGULAR
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.dicom.fields import image_id
from IGTLMetaBrowserLib.sources.dicom.folder import DicomFolderSource
from IGTLMetaBrowserLib.sources.trajectory_file import write_trajectories

TRAJECTORY = codec.TrajectoryItem(name="Biopsy", owner="1.2.3.4", target=(1.0, 2.0, 3.0))


def test_a_series_uid_as_owner_becomes_the_id_of_the_series(tmp_path, write_series):
    write_series(tmp_path, REGULAR)
    source = DicomFolderSource(tmp_path, trajectories=[TRAJECTORY])
    (trajectory,) = source.trajectories()
    assert trajectory.owner == source.images()[0].id == image_id("1.2.3.4")
    assert trajectory.target == (1.0, 2.0, 3.0)


def test_the_uid_of_a_series_that_is_two_volumes_becomes_the_id_of_the_first(
    tmp_path, write_series
):
    above = [(x, y, z + 100) for x, y, z in REGULAR]
    write_series(tmp_path, [*REGULAR, *above])
    source = DicomFolderSource(tmp_path, trajectories=[TRAJECTORY])
    (trajectory,) = source.trajectories()
    assert [trajectory.owner] == [item.id for item in source.images()][:1] != [image_id("1.2.3.4")]
    assert len(source.images()) == 2


def test_an_id_as_owner_stays(tmp_path):
    owned = codec.TrajectoryItem(name="Biopsy", owner="IMAGE_0")
    assert DicomFolderSource(tmp_path, trajectories=[owned]).trajectories() == [owned]


@pytest.mark.parametrize("text", ["[{", '[{"name": "a"}]', "{}"])
def test_a_damaged_file_keeps_no_image_from_being_served(tmp_path, write_series, text):
    write_series(tmp_path, REGULAR)
    (tmp_path / "trajectories.json").write_text(text)
    source = DicomFolderSource(tmp_path)
    assert len(source.images()) == 1
    assert source.trajectories() == []
    ((name, reason),) = source.refused
    assert name == "trajectories.json"
    assert "trajectories.json'" in reason


def test_a_file_that_is_written_again_is_read_again(tmp_path, write_series, monkeypatch):
    """Nobody shall be shown the plan of before."""
    write_series(tmp_path, REGULAR)
    write_trajectories(tmp_path / "trajectories.json", [TRAJECTORY])
    source = DicomFolderSource(tmp_path)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
    moved = replace(TRAJECTORY, target=(4.0, 5.0, 6.0))
    for items in ([TRAJECTORY], [moved, TRAJECTORY], []):
        write_trajectories(tmp_path / "trajectories.json", items)
        source.images()
        found = [item.target for item in source.trajectories()]
        assert found == [item.target for item in items]


def test_there_are_none_without_a_file(tmp_path):
    assert DicomFolderSource(tmp_path).trajectories() == []
