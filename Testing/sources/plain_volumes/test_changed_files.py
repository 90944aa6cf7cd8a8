"""Plain volumes that come, change and go while they are served."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from helpers.ready_sources import ready
from helpers.replaced_files import replace_with_time
from helpers.volume_files import META_HEADER, VOXELS, write_with_itk
from IGTLMetaBrowserLib.net.source import NotReadyError, SourceError
from IGTLMetaBrowserLib.sources import folder_scans
from IGTLMetaBrowserLib.sources.plain_volumes.folder import PlainVolumeSource
from IGTLMetaBrowserLib.sources.plain_volumes.folder_files import FolderFiles, Offers
from IGTLMetaBrowserLib.sources.plain_volumes.itk_process import PROCESS

PATIENCE = 60.0


@pytest.fixture(autouse=True)
def _every_list_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", -1)
    monkeypatch.setattr(folder_scans, "_SECONDS_FOR_A_SCAN", PATIENCE)  # the machine may be busy


def ids(source: PlainVolumeSource) -> list[str]:
    return [item.id for item in ready(source.images)]


def change_mode(path: Path) -> None:
    path.chmod(0o640)


def link(path: Path) -> None:
    """As ``cp -al`` does for a backup each night."""
    os.link(path, path.with_suffix(".backup"))


@pytest.mark.parametrize("touch", [change_mode, link])
@pytest.mark.parametrize("name", ["CT.nrrd", "CT.nii.gz", "CT.mhd"])
def test_a_file_whose_bytes_are_the_same_is_sent(tmp_path: Path, name: str, touch):
    """No list has to be refreshed for that: what it says is true."""
    write_with_itk(tmp_path / name)
    source = PlainVolumeSource(tmp_path, is_served=True)
    before = source.image_version("CT")
    touch(tmp_path / name.replace(".mhd", ".raw"))
    assert source.image_version("CT") != before
    np.testing.assert_array_equal(ready(source.image, "CT").pixels, VOXELS)
    assert ids(source) == ["CT"]
    np.testing.assert_array_equal(ready(source.image, "CT").pixels, VOXELS)
    source.close()


def rewrite(path: Path) -> None:
    write_with_itk(path, VOXELS + 1)


def replace(path: Path) -> None:
    other = path.with_name(f"other{path.suffix}")
    write_with_itk(other, VOXELS + 1)
    replace_with_time(path, other)


def rewrite_with_time(path: Path) -> None:
    """As by an export that gives its files a time: file, size and time are the same."""
    status = path.stat()
    write_with_itk(path, VOXELS + 1)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize("change", [rewrite, replace, rewrite_with_time])
@pytest.mark.parametrize("ending", ["nrrd", "nii", "mha"])
def test_a_file_with_other_voxels_is_sent_when_the_list_is_refreshed(
    tmp_path: Path, ending: str, change
):
    path = tmp_path / f"CT.{ending}"
    write_with_itk(path)
    source = PlainVolumeSource(tmp_path)
    change(path)
    with pytest.raises(SourceError, match="has changed since it was listed; refresh the list"):
        source.image("CT")
    assert ids(source) == ["CT"]
    np.testing.assert_array_equal(source.image("CT").pixels, VOXELS + 1)


def test_a_file_that_was_found_changed_and_is_removed_then_is_not_listed(tmp_path: Path):
    write_with_itk(tmp_path / "CT.nrrd")
    source = PlainVolumeSource(tmp_path)
    rewrite_with_time(tmp_path / "CT.nrrd")
    with pytest.raises(SourceError, match="has changed since it was listed; refresh the list"):
        source.image("CT")
    (tmp_path / "CT.nrrd").unlink()
    assert ids(source) == []


def test_who_is_told_to_refresh_the_list_gets_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Though the folder has been looked at just before."""
    write_with_itk(tmp_path / "CT.nrrd")
    source = PlainVolumeSource(tmp_path)
    monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", PATIENCE)
    write_with_itk(tmp_path / "CT.nrrd", VOXELS[:2])
    assert source.images()[0].size == (2, 3, 4)
    with pytest.raises(SourceError, match="refresh the list"):
        source.image("CT")
    assert source.images()[0].size == (2, 3, 2)


def test_files_that_come_and_go_are_seen_in_the_next_list(tmp_path: Path):
    write_with_itk(tmp_path / "b.nrrd")
    source = PlainVolumeSource(tmp_path, is_served=True)
    write_with_itk(tmp_path / "a.nrrd", VOXELS + 1)
    assert ids(source) == ["a", "b"]
    np.testing.assert_array_equal(ready(source.image, "a").pixels, VOXELS + 1)
    (tmp_path / "b.nrrd").unlink()
    with pytest.raises(SourceError, match="has changed since it was listed; refresh the list"):
        ready(source.image, "b")
    assert ids(source) == ["a"]
    with pytest.raises(SourceError, match="no image with the ID 'b'; refresh the list"):
        source.image("b")
    source.close()


def test_markups_that_are_saved_are_seen_in_the_next_list(tmp_path: Path):
    source = PlainVolumeSource(tmp_path)
    assert source.points() == []
    point = '{"label": "tip", "position": [1, 2, 3]}'
    (tmp_path / "a.mrk.json").write_text(
        f'{{"markups": [{{"type": "Fiducial", "controlPoints": [{point}]}}]}}'
    )
    assert [item.name for item in source.points()] == ["tip"]


def test_what_is_the_same_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_with_itk(tmp_path / "a.nrrd")
    (tmp_path / "b.nrrd").write_bytes(b"NRRD0004\ntype: nonsense\n\n")
    source = PlainVolumeSource(tmp_path)
    listing = source.images()
    asked = []
    read = PROCESS.read_header
    monkeypatch.setattr(
        PROCESS, "read_header", lambda *options: asked.append(options[0].name) or read(*options)
    )
    assert source.images() is listing  # so that it is packed once
    link(tmp_path / "a.nrrd")
    assert source.images() == listing
    write_with_itk(tmp_path / "c.nrrd")
    assert ids(source) == ["a", "c"]
    assert asked == ["c.nrrd"]


def test_an_id_that_a_file_had_is_never_that_of_another(tmp_path: Path):
    """Who has the list of before asks for the image that it names."""
    write_with_itk(tmp_path / "CT.nrrd")
    source = PlainVolumeSource(tmp_path)
    assert ids(source) == ["CT"]
    (tmp_path / "CT.nrrd").unlink()
    write_with_itk(tmp_path / "CT.nii.gz", VOXELS + 1)
    (other,) = ids(source)
    assert other != "CT"
    np.testing.assert_array_equal(source.image(other).pixels, VOXELS + 1)


def test_a_volume_is_offered_as_soon_as_its_voxels_are_there(tmp_path: Path):
    header = META_HEADER + "ElementDataFile = CT.raw\n"
    (tmp_path / "CT.mhd").write_text(header)
    source = PlainVolumeSource(tmp_path)
    assert [name for name, _ in source.refused] == ["CT.mhd"]
    (tmp_path / "CT.raw").write_bytes(bytes(range(24)))
    assert ids(source) == ["CT"]
    assert source.refused == []
    assert [*source.image("CT").pixels.ravel()] == [*range(24)]


def test_a_packed_nifti_file_is_refused_when_another_comes_beside_it(tmp_path: Path):
    """Its own version is the same, but ITK would read the other's voxels."""
    write_with_itk(tmp_path / "CT.nii.gz")
    source = PlainVolumeSource(tmp_path)
    write_with_itk(tmp_path / "CT.nii", VOXELS + 1)
    (item,) = source.images()
    assert [name for name, _ in source.refused] == ["CT.nii.gz"]
    np.testing.assert_array_equal(source.image(item.id).pixels, VOXELS + 1)


def test_voxels_behind_a_link_that_leads_elsewhere_are_sent_after_a_refresh(tmp_path: Path):
    for number in (0, 1):
        (tmp_path / f"{number}.raw").write_bytes(bytes([number]) * 24)
    (tmp_path / "CT.raw").symlink_to("0.raw")
    (tmp_path / "CT.mhd").write_text(META_HEADER + "ElementDataFile = CT.raw\n")
    source = PlainVolumeSource(tmp_path)
    (tmp_path / "CT.raw").unlink()
    (tmp_path / "CT.raw").symlink_to("1.raw")
    with pytest.raises(SourceError, match="has changed since it was listed"):
        source.image("CT")
    assert ids(source) == ["CT"]
    assert [*source.image("CT").pixels.ravel()] == [1] * 24


def test_the_list_stays_while_the_folder_is_away(tmp_path: Path):
    """As a share whose server is started again."""
    folder = tmp_path / "share"
    folder.mkdir()
    write_with_itk(folder / "CT.nrrd")
    source = PlainVolumeSource(folder)
    folder.rename(tmp_path / "away")
    assert ids(source) == ["CT"]
    (tmp_path / "away").rename(folder)
    assert ids(source) == ["CT"]
    np.testing.assert_array_equal(source.image("CT").pixels, VOXELS)


@pytest.fixture
def a_scan(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[PlainVolumeSource], Event]]:
    """Begins to look at a folder; it goes on when the event is set that is returned."""
    may_go_on, look = Event(), FolderFiles.look

    def look_later(files: FolderFiles) -> Offers:
        assert may_go_on.wait(PATIENCE)
        return look(files)

    def begin(source: PlainVolumeSource) -> Event:
        monkeypatch.setattr(FolderFiles, "look", look_later)
        with pytest.raises(NotReadyError):
            source.images()
        return may_go_on

    yield begin
    may_go_on.set()


def test_a_known_image_does_not_wait_until_the_folder_has_been_looked_at(tmp_path: Path, a_scan):
    """Of many files that were brought, it takes longer than clients wait for an answer."""
    write_with_itk(tmp_path / "CT.nrrd")
    with closing(PlainVolumeSource(tmp_path, is_served=True)) as source:
        may_go_on = a_scan(source)
        np.testing.assert_array_equal(ready(source.image, "CT").pixels, VOXELS)
        may_go_on.set()


def test_a_file_that_was_found_changed_during_a_scan_is_as_it_is_in_the_next_list(
    tmp_path: Path, a_scan
):
    write_with_itk(tmp_path / "CT.nrrd")
    with closing(PlainVolumeSource(tmp_path, is_served=True)) as source:
        may_go_on = a_scan(source)
        write_with_itk(tmp_path / "CT.nrrd", VOXELS[:2])
        with pytest.raises(SourceError, match="refresh the list"):
            ready(source.image, "CT")
        may_go_on.set()
        assert [item.size for item in ready(source.images)] == [(2, 3, 2)]
        np.testing.assert_array_equal(ready(source.image, "CT").pixels, VOXELS[:2])


def test_what_a_scan_finds_that_had_begun_before_a_file_was_found_changed_is_not_believed(
    tmp_path: Path, a_scan, monkeypatch: pytest.MonkeyPatch
):
    """It may have looked at the file before."""
    write_with_itk(tmp_path / "CT.nrrd")
    with closing(PlainVolumeSource(tmp_path, is_served=True)) as source:
        may_go_on = a_scan(source)
        monkeypatch.setattr(folder_scans, "_SECONDS_BETWEEN_SCANS", PATIENCE)
        (tmp_path / "CT.nrrd").unlink()
        with pytest.raises(SourceError, match="refresh the list"):
            ready(source.image, "CT")
        may_go_on.set()
        ready(source.images)
        write_with_itk(tmp_path / "MR.nrrd")
        assert ids(source) == ["MR"]
