"""A server compares images with their files in turns, and no more often than once a second."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.file_version import FileVersion, version_of
from IGTLMetaBrowserLib.net.source import NotReadyError
from IGTLMetaBrowserLib.sources.dicom import file_versions
from IGTLMetaBrowserLib.sources.dicom.file_versions import FileVersions, Versions


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name for name in "abc"]
    for number, path in enumerate(paths, start=1):
        write_at(path, number)
    return paths


def write_at(path: Path, nanoseconds: int) -> None:
    path.touch()
    os.utime(path, ns=(nanoseconds, nanoseconds))


def times(versions: Versions) -> list[int]:
    return [version.mtime_ns for version in versions]


def test_without_turns_a_change_is_seen_at_once(files: list[Path]) -> None:
    versions = FileVersions(seconds_a_turn=None)
    assert times(versions.of("CT", files)) == [1, 2, 3]
    write_at(files[1], 5)
    files[2].unlink()
    assert times(versions.of("CT", files)) == [1, 5, 0]


def test_slow_files_are_looked_at_in_turns(files: list[Path]) -> None:
    versions = FileVersions(seconds_a_turn=0.0)
    for _ in range(2):
        with pytest.raises(NotReadyError):
            versions.of("CT", files)
    assert times(versions.of("CT", files)) == [1, 2, 3]


def test_of_many_images_that_are_looked_at_at_a_time_each_is_looked_at_some_time(
    files: list[Path],
) -> None:
    """As with a slow share. If one more took the place of one, so would the next, for ever."""
    versions, missing = FileVersions(seconds_a_turn=0.0), [*range(100)]
    for _ in range(20):
        for image in [*missing]:
            with contextlib.suppress(NotReadyError):
                versions.of(image, files)
                missing.remove(image)
    assert not missing


def test_however_slow_the_share_is_what_was_looked_at_is_not_looked_at_again(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file takes a twentieth of a second: a round of all takes longer than who left is kept."""
    now, looked = [0.0], []

    def version_at(path: Path) -> FileVersion:
        now[0] += 0.05
        looked.append(path)
        return version_of(path.stat())

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(file_versions, "version_at", version_at)
    versions, missing = FileVersions(seconds_a_turn=0.02), [*range(70)]
    for _ in range(20):
        for image in [*missing]:
            with contextlib.suppress(NotReadyError):
                versions.of(image, files)
                missing.remove(image)
        now[0] += 0.02
    assert not missing
    assert len(looked) == 70 * len(files)


def test_in_a_server_a_change_is_seen_when_the_second_is_over(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = FileVersions(seconds_a_turn=10.0)
    assert times(versions.of("CT", files)) == [1, 2, 3]
    write_at(files[0], 9)
    monkeypatch.setattr(file_versions, "_SECONDS_BELIEVED", 3600.0)
    assert times(versions.of("CT", files)) == [1, 2, 3]
    assert times(versions.of("another image", files)) == [9, 2, 3]
    monkeypatch.setattr(file_versions, "_SECONDS_BELIEVED", 0.0)
    assert times(versions.of("CT", files)) == [9, 2, 3]


def test_few_images_are_remembered(files: list[Path]) -> None:
    versions = FileVersions(seconds_a_turn=10.0)
    for number in range(1000):
        versions.of(number, files)
    assert len(versions._found) <= 64
