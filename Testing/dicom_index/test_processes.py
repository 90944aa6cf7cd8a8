"""The index of a folder that several processes read: all of it, whatever ends one of them."""

from __future__ import annotations

import errno
import multiprocessing.util
import os
import shutil
import signal
import sqlite3
from pathlib import Path

import pydicom.data
import pytest

from helpers.index_file import rows_of, updated
from IGTLMetaBrowserLib.dicom_index import index as index_module
from IGTLMetaBrowserLib.dicom_index import row_sums
from IGTLMetaBrowserLib.dicom_index.database import DicomIndexError
from IGTLMetaBrowserLib.dicom_index.export import database_path, write_index
from IGTLMetaBrowserLib.dicom_index.headers.header_reader import DICOM, UNREAD
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.rows import INSTANCE

TEST_FILES = Path(pydicom.data.__file__).parent / "test_files"


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """1,000 files, all the same CT slice."""
    folder = tmp_path / "many"
    folder.mkdir()
    shutil.copy(TEST_FILES / "CT_small.dcm", folder / "0")
    for number in range(1, 1000):
        os.link(folder / "0", folder / str(number))
    return folder


def test_they_find_what_one_finds(many: Path, folder: Path):
    folder.rename(many / "study")
    found = []
    for jobs in (1, 2):
        with DicomIndex(many) as index:
            assert index.update(jobs) == 1008
            found.append([*index.rows()])
    assert found[0] == found[1]
    assert len(found[0]) == 1008
    assert multiprocessing.active_children() == []


def test_where_none_can_be_started_this_one_reads(many: Path, monkeypatch):
    """As in a container that limits their number."""

    def refuse(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", refuse)
    with DicomIndex(many) as index:
        assert index.update(2) == 1000
        assert index.count(UNREAD) == 0


def test_progress_is_told(many: Path):
    told: list[tuple[int, int]] = []
    with DicomIndex(many) as index:
        index.update(2, lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] == (1000, 1000)


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_was_read_before_an_interrupt_stays(many: Path, output: Path, jobs: int):
    def interrupt(done: int, total: int) -> None:
        if done >= 300:
            raise KeyboardInterrupt

    with DicomIndex(many, database_path(output)) as index:
        with pytest.raises(KeyboardInterrupt):
            index.update(jobs, interrupt)
        read = index.count(DICOM)
        assert 300 <= read < 1000
        write_index(index, output, INSTANCE)
        assert len(rows_of(output)) == read
    assert multiprocessing.active_children() == []
    assert updated(many, output, INSTANCE) == 1000 - read
    assert len(rows_of(output)) == 1000


def test_what_was_being_stored_at_an_interrupt_is_read_again(
    many: Path, output: Path, monkeypatch: pytest.MonkeyPatch
):
    """A half of it would be taken for the damage of a disk."""

    def interrupt(database: sqlite3.Connection, number: int) -> int | None:
        if number > 300:
            raise KeyboardInterrupt
        return row_sums.sum_of(database, number)

    monkeypatch.setattr(index_module, "sum_of", interrupt)
    with DicomIndex(many, database_path(output)) as index:
        with pytest.raises(KeyboardInterrupt):
            index.update()
        monkeypatch.undo()
        read = index.count(DICOM)
        assert 0 < read <= 300
        write_index(index, output, INSTANCE)
        assert len(rows_of(output)) == read
    assert updated(many, output, INSTANCE) == 1000 - read


def test_one_that_the_system_ends_has_no_consequences(many: Path):
    killed: list[int] = []

    def end_one(done: int, total: int) -> None:
        if not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    with DicomIndex(many) as index:
        assert index.update(2, end_one) == 1000
    assert killed


def test_if_it_ends_each_that_is_noticed(many: Path):
    def end_one(done: int, total: int) -> None:
        if children := multiprocessing.active_children():
            os.kill(children[0].pid, signal.SIGKILL)
            children[0].join()

    with DicomIndex(many) as index:
        with pytest.raises(DicomIndexError, match=r"files have not been read yet.*Run it again"):
            index.update(2, end_one)
        unread = index.count(UNREAD)
        assert index.update() == unread > 0
        assert index.count(DICOM) == 1000


def test_a_dask_cluster_finds_what_one_process_finds(many: Path):
    """A real scheduler, and two workers, on this machine."""
    import distributed  # takes half a second, which only this test wants

    found = []
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        for executor in (None, client.get_executor()):
            with DicomIndex(many) as index:
                assert index.update(2, executor=executor) == 1000
                found.append([*index.rows()])
    assert found[0] == found[1]
