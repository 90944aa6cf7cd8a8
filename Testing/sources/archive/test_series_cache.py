"""Series on disk: whole ones only, of the right patient, under a limit, for several processes."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from IGTLMetaBrowserLib.codec import crc64
from IGTLMetaBrowserLib.net.source import SourceError
from IGTLMetaBrowserLib.sources.archive.archive import ArchiveError, Series
from IGTLMetaBrowserLib.sources.archive.series.cache import CachedSeries, SeriesCache

ARCHIVE = "http://archive"
IMPORT_ROOT = Path(__file__).resolve().parents[3] / "IGTLMetaBrowser"

# Another server that keeps the same series at the same time.
OTHER = """
import sys
from pathlib import Path
from IGTLMetaBrowserLib.codec import crc64
from IGTLMetaBrowserLib.sources.archive.archive import Series
from IGTLMetaBrowserLib.sources.archive.series.cache import SeriesCache

cache, series = SeriesCache(Path(sys.argv[1]), 1 << 20), Series({"SeriesInstanceUID": "1.1"})
cached = cache.begin("http://archive", series)
(cached.files / "1.dcm").write_bytes(b"x")
print("begun", flush=True)
sys.stdin.readline()
cache.finish(cached, {"1.dcm": (1, crc64(b"x"))})
"""


def series(uid: str = "1.1", **attributes: str) -> Series:
    return Series({"SeriesInstanceUID": uid, **attributes})


@pytest.fixture
def cache(tmp_path: Path) -> SeriesCache:
    """A cache of 1000 bytes."""
    return SeriesCache(tmp_path / "cache", 1000)


def keep(cache: SeriesCache, kept: Series, size: int = 400, used_at: int = 0) -> CachedSeries:
    """Keep a series of so many bytes; ``used_at`` is when it was used last, in seconds."""
    cached = cache.begin(ARCHIVE, kept)
    (cached.files / "1.dcm").write_bytes(bytes(size))
    cache.finish(cached, {"1.dcm": (size, crc64(bytes(size)))})
    if used_at:
        os.utime(cached.folder / "complete", (used_at, used_at))
    return cached


def test_a_series_is_found_when_it_is_whole(cache):
    cached = cache.begin(ARCHIVE, series())
    assert cache.find(ARCHIVE, series()) is None
    cache.finish(cached, {})
    assert cache.find(ARCHIVE, series()) == cached


@pytest.mark.parametrize(
    "other",
    [
        series("1.2"),
        series(PatientID="2"),
        series(PatientName="Roe"),
        series(NumberOfSeriesRelatedInstances="2"),
    ],
    ids=["series", "patient ID", "patient's name", "instances"],
)
def test_what_is_another_is_not_found(cache, other):
    keep(cache, series(PatientID="1", PatientName="Doe", NumberOfSeriesRelatedInstances="1"))
    assert cache.find(ARCHIVE, other) is None


def test_of_another_archive_it_is_not_found(cache):
    keep(cache, series())
    assert cache.find("http://other", series()) is None


def test_what_was_not_used_for_longest_makes_room(cache):
    keep(cache, series("1.1"), used_at=1000)
    keep(cache, series("1.2"), used_at=2000)
    cache.find(ARCHIVE, series("1.1"))  # which counts as used now
    keep(cache, series("1.3"))
    found = [uid for uid in ("1.1", "1.2", "1.3") if cache.find(ARCHIVE, series(uid))]
    assert found == ["1.1", "1.3"]


def test_one_that_is_too_large_is_kept_until_the_next(cache):
    keep(cache, series("1.1"), size=5000, used_at=1000)
    assert cache.find(ARCHIVE, series("1.1")) is not None
    os.utime(next(cache.folder.glob("*/complete")), (1000, 1000))
    keep(cache, series("1.2"))
    assert cache.find(ARCHIVE, series("1.1")) is None


@contextlib.contextmanager
def another_process(cache: SeriesCache) -> Iterator[subprocess.Popen[str]]:
    """Another server that has begun to fetch a series, and finishes when it is told to."""
    script = [sys.executable, "-c", OTHER, str(cache.folder)]
    environment = {**os.environ, "PYTHONPATH": str(IMPORT_ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(script, env=environment, stdin=pipe, stdout=pipe, text=True) as other:
        try:
            assert other.stdout.readline() == "begun\n"
            yield other
        finally:
            other.kill()


def test_what_a_killed_process_was_fetching_is_removed_by_the_next_that_starts(cache):
    """It can be gigabytes: not only when there is no room any more."""
    running = cache.begin(ARCHIVE, series("1.2"))
    with another_process(cache):
        pass
    (killed,) = {*cache.folder.iterdir()} - {running.folder}
    SeriesCache(cache.folder, 1000)
    assert not killed.exists()
    assert running.files.exists()
    assert cache.find(ARCHIVE, series()) is None


def test_what_a_killed_process_was_fetching_makes_room_first(cache):
    whole = keep(cache, series("1.2"), used_at=1000)
    with another_process(cache):
        pass
    keep(cache, series("1.3"), size=600)  # with that of the other it would be a byte too much
    assert sorted(cache.folder.iterdir()) == sorted(
        [whole.folder, cache.find(ARCHIVE, series("1.3")).folder]
    )


def test_what_is_being_fetched_is_left_alone_however_long_it_takes(cache):
    with another_process(cache) as other:
        (fetching,) = cache.folder.iterdir()
        os.utime(fetching / "files", (1000, 1000))
        SeriesCache(cache.folder, 1000)
        keep(cache, series("1.3"), size=2000)
        cache.make_room()
        other.communicate("\n")
        assert other.returncode == 0
    assert SeriesCache(cache.folder, 1000).find(ARCHIVE, series()).folder == fetching


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network file system without its lock service."""
    fcntl = pytest.importorskip("fcntl", reason="Windows has no such locks")

    def refuse(_number: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.usefixtures("no_locks")
def test_without_locks_what_was_not_written_for_an_hour_was_abandoned(cache):
    running, killed = cache.begin(ARCHIVE, series("1.1")), cache.begin(ARCHIVE, series("1.2"))
    os.utime(killed.files, (1000, 1000))
    SeriesCache(cache.folder, 1000)
    assert [*cache.folder.iterdir()] == [running.folder]
    assert [*running.folder.iterdir()] == [running.files]
    cache.finish(running, {})
    assert cache.find(ARCHIVE, series("1.1")) == running


@pytest.mark.parametrize("make_room", [SeriesCache.make_room, lambda cache: keep(cache, series())])
def test_a_series_that_makes_room_counts_as_gone_before_its_files_are(
    cache, make_room, monkeypatch, caplog
):
    """Else who reads them meanwhile is told of an error, and finds the half of it damaged."""
    removed = keep(cache, series("1.2"), size=2000, used_at=1000)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # none of them is gone yet
    make_room(cache)
    assert removed.files.exists()
    assert not removed.is_there
    assert cache.find(ARCHIVE, series("1.2")) is None
    assert "damaged" not in caplog.text


@pytest.mark.usefixtures("no_locks")
def test_what_was_abandoned_goes_also_if_the_clock_was_set_back(cache):
    killed = cache.begin(ARCHIVE, series("1.2"))
    (killed.files / "1.dcm").write_bytes(bytes(5000))
    next_year = time.time() + 365 * 86400
    os.utime(killed.files, (next_year, next_year))
    keep(cache, series("1.3"))
    keep(cache, series("1.4"), 2000)
    assert not killed.folder.exists()


def test_folders_of_others_are_left_alone(cache, tmp_path):
    files = tmp_path / "cache" / "study-of-somebody" / "files"
    files.mkdir(parents=True)
    (files / "1.dcm").write_bytes(bytes(2000))
    os.utime(files, (1, 1))
    keep(cache, series("1.1"))
    keep(cache, series("1.2"), 900)
    assert (files / "1.dcm").exists()


def test_nobody_else_may_read_it(cache, tmp_path):
    cached = keep(cache, series())
    for folder in (tmp_path / "cache", cached.folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("is_link", [True, False], ids=["a link", "a folder"])
def test_what_another_user_has_put_there_is_no_series(cache, is_link):
    """With names and checksums as they have to be."""
    cached = keep(cache, series())
    if is_link:
        cached.folder.rename(cached.folder.parent / "elsewhere")
        cached.folder.symlink_to("elsewhere")
    elif os.geteuid() == 0:
        os.chown(cached.folder, 12345, -1)
    else:
        pytest.skip("only root can give a folder away")
    assert cache.find(ARCHIVE, series()) is None
    keep(cache, series("1.2"), 2000)
    assert cached.folder.exists()  # nor is it removed


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such numbers")
def test_a_share_whose_files_all_belong_to_one_number_keeps_series(tmp_path, monkeypatch):
    """As CIFS has it, and NFS for root: another one than that of this process."""
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    cache = SeriesCache(tmp_path / "cache", 1000)
    old = keep(cache, series("1.1"), used_at=1)
    assert cache.find(ARCHIVE, series("1.1")) is not None
    os.utime(old.folder / "complete", (1, 1))
    keep(cache, series("1.2"), 900)
    assert not old.folder.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match=r"cannot be made: .*; choose another"):
        SeriesCache(tmp_path / "file" / "cache", 1)


def test_another_process_keeps_the_same_series_meanwhile(tmp_path):
    cache = SeriesCache(tmp_path / "cache", 1 << 20)
    with another_process(cache) as process:
        assert cache.find(ARCHIVE, series()) is None  # the half of it is seen by nobody
        own = keep(cache, series())
        assert cache.find(ARCHIVE, series()) == own
        process.communicate("\n")
    assert process.returncode == 0
    cache.drop(own)
    assert cache.find(ARCHIVE, series()) is not None  # that of the other


def test_a_disk_that_refuses_is_named_in_the_log_and_not_to_clients(cache, tmp_path, caplog):
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").touch()
    with pytest.raises(ArchiveError, match="on its disk: Not a dir") as caught:
        cache.begin(ARCHIVE, series())
    assert str(tmp_path) not in str(caught.value)
    assert str(tmp_path) in caplog.text


def test_each_byte_of_a_series_is_as_it_came(cache):
    cached = keep(cache, series(), size=5000)
    assert cached.is_unchanged()
    file = cached.files / "1.dcm"
    for place in (0, 4999):
        content = bytearray(5000)
        content[place] ^= 1
        file.write_bytes(content)
        assert cached.is_whole
        assert not cached.is_unchanged()
    file.unlink()
    assert not cached.is_unchanged()


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_damaged_list_of_checksums_is_noticed(cache, place):
    cached = keep(cache, series())
    mark = cached.folder / "complete"
    content = bytearray(mark.read_bytes())
    content[place] ^= 1
    mark.write_bytes(content)
    assert cache.find(ARCHIVE, series()) is None
    assert not cached.folder.exists()


def test_an_index_that_is_not_as_it_was_left_is_made_anew(cache):
    cached = keep(cache, series())
    assert not cached.database().exists()
    cached.database().write_bytes(b"an index")
    cached.leave_database()
    assert cached.database().read_bytes() == b"an index"
    cached.database().write_bytes(b"am index")
    assert not cached.database().exists()
    cached.database().write_bytes(b"of which nothing is known")
    (cached.folder / "index.sum").unlink()
    assert not cached.database().exists()


def test_a_server_that_ends_does_not_wait_until_all_files_are_compared(cache):
    cached = keep(cache, series())
    with pytest.raises(SourceError, match="the server ends"):
        cached.is_unchanged(lambda: True)
