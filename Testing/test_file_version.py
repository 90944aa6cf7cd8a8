"""A file is told from another of the same size and time, and an index can hold its version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers.replaced_files import replace_with_time
from IGTLMetaBrowserLib.file_version import FileVersion, version_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "CT").write_bytes(b"Jane")
    return tmp_path / "CT"


def test_another_file_of_the_same_size_and_time_is_another(path: Path):
    version = version_of(path.stat())
    assert version_of(path.stat()).may_be(version)
    other = path.with_name("other")
    other.write_bytes(b"Rick")
    replace_with_time(path, other)
    assert not version_of(path.stat()).may_be(version)


def test_of_a_file_that_was_read_before_it_was_written_only_the_size_is_known(path: Path):
    assert version_of(path.stat()).may_be(FileVersion(4))
    assert FileVersion(4).may_be(version_of(path.stat()))
    assert not version_of(path.stat()).may_be(FileVersion(5))


@pytest.mark.parametrize("number", [2**64 - 1, -(10**30), 10**30])
def test_all_numbers_are_of_63_bits(number: int):
    """SQLite has no larger ones; file systems have, and anybody can set a time of any year."""

    class Status:
        st_size, st_mtime_ns, st_ino, st_ctime_ns = 4, number, number, number

    assert all(0 <= part < 2**63 for part in version_of(Status))


def test_a_time_before_1970_is_one(path: Path):
    version = version_of(path.stat())
    os.utime(path, (-1, -1))
    assert version_of(path.stat()).mtime_ns not in (0, version.mtime_ns)
