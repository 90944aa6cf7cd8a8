"""Series from an archive on disk, under a limit of bytes, for several processes at once.

Each fetch has a folder of its own, whose name begins with the digest of what it holds: archive,
patient, study, series and number of instances. It counts when ``complete`` lies in it, which is
written last, and says what has to be there: a disk that was full, or who tidies up, may have taken
some of it. So no process sees the half of a series, and none waits for another: of two that
fetch the same, one folder is superfluous, and goes first when room is needed.

``complete`` has the checksum of each file as it came from the archive, and ``index.sum`` that of
the index: what a disk or another process has changed since becomes no image.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .... import codec
from ....held_file import hold, is_left
from ....net.source import SourceError
from ....system_errors import reason_of, with_advice
from ....whole_file import replaced_at_end
from ..archive import ArchiveError, Series

_logger = logging.getLogger(__name__)

_COMPLETE = "complete"
_FETCHING = "fetching"
_FILES = "files"
_DATABASE, _DATABASE_SUM = "index.sqlite", "index.sum"
# What fits into the processor's cache is summed twice as fast.
_READ_AT_ONCE = 256 << 10
# Of a fetch of which nobody can tell whether it was killed: it has written nothing for an hour.
_ABANDONED_NS = 3600 * 10**9
# Of a disk, or of what a user may have of it.
_FULL = (errno.ENOSPC, errno.EDQUOT)
# Only what was made here is removed: somebody may have other folders there.
_NAME = re.compile(r"[0-9a-f]{32}-.+")


class DiskFullError(ArchiveError):
    """The disk is full."""


Sums = Mapping[str, tuple[int, int]]
"""Of files by their names: the size in bytes, and the CRC-64."""


@dataclass(frozen=True)
class CachedSeries:
    """A series on disk: its files lie in ``files``, the index of these is ``database``."""

    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / _FILES

    @property
    def is_there(self) -> bool:
        """Whether no process has removed it."""
        return (self.folder / _COMPLETE).exists()

    @property
    def is_whole(self) -> bool:
        """Whether its files are those that were fetched, as far as names and sizes tell."""
        try:
            there = {file.name: file.stat().st_size for file in self.files.iterdir()}
            return there == {name: size for name, (size, _) in self._sums().items()}
        except (OSError, ValueError):
            return False

    def is_unchanged(self, is_over: Callable[[], bool] = lambda: False) -> bool:
        """Whether each byte of them is as it came. All are read: 157 MB take 50 ms.

        Raises ``SourceError`` as soon as ``is_over``: of a slow disk, it can take a minute.
        """
        try:
            sums, piece = self._sums(), _piece()
            for name, expected in sums.items():
                if is_over():
                    raise SourceError("the server ends")
                if _sum_of(self.files / name, piece) != expected:
                    return False
            return True
        except (OSError, ValueError):
            return False

    def finish(self, sums: Sums) -> None:
        """Write what has to be there. Raises ``OSError``."""
        lines = "".join(f"{crc:016x} {size} {name}\n" for name, (size, crc) in sums.items())
        with replaced_at_end(self.folder / _COMPLETE, is_synced=False) as part:
            part.write_text(f"{codec.crc64(lines.encode()):016x}\n{lines}")

    def _sums(self) -> Sums:
        """Return what has to be there. Raises ``OSError``, and ``ValueError`` if it is damaged."""
        own, _, lines = (self.folder / _COMPLETE).read_text().partition("\n")
        if int(own, 16) != codec.crc64(lines.encode()):
            raise ValueError("its checksums are damaged")
        fields = [line.split(" ", 2) for line in lines.splitlines()]
        return {name: (int(size), int(crc, 16)) for crc, size, name in fields}

    def database(self) -> Path:
        """Return where the index of the files is: there is none if it is not as it was left."""
        path = self.folder / _DATABASE
        try:
            if path.exists() and (self.folder / _DATABASE_SUM).read_text() != _text_of(path):
                path.unlink()
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
        return path

    def leave_database(self) -> None:
        """Note how the index is left, when it is written. Raises ``OSError``.

        Half of a checksum is none: the index is made anew then.
        """
        (self.folder / _DATABASE_SUM).write_text(_text_of(self.folder / _DATABASE))

    def use(self) -> None:
        """Have it count as used now, if it is there."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / _COMPLETE)


class SeriesCache:
    """The series in ``folder``, which nobody else may read; at most ``limit`` bytes.

    A series that is larger than the limit is kept until the next one comes. What is being fetched
    does not count yet; what a process left that was killed is removed. Raises ``ArchiveError`` if
    there can be no such folder.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self._limit = limit
        self._held: dict[Path, BinaryIO] = {}  # by the folders that this process fetches into
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._owner = _owner_of_new(folder)
            self._remove_abandoned()
        except OSError as error:
            reason = with_advice(error, "choose another with --archive-cache")
            raise ArchiveError(
                f"the folder {str(folder)!r} for fetched series cannot be made: {reason}"
            ) from error

    def find(self, archive: str, series: Series) -> CachedSeries | None:
        """Return a series that is there as the archive has it now, or None."""
        for folder in filter(self._is_own, self.folder.glob(f"{_digest(archive, series)}-*")):
            cached = CachedSeries(folder)
            if cached.is_whole:
                cached.use()
                return cached
            if cached.is_there:
                _logger.warning("a series on disk is damaged, and is fetched again")
                self.drop(cached)
        return None

    def begin(self, archive: str, series: Series) -> CachedSeries:
        """Return an empty folder for a series. Raises ``ArchiveError`` if the disk refuses."""
        try:
            name = tempfile.mkdtemp(prefix=f"{_digest(archive, series)}-", dir=self.folder)
            cached = CachedSeries(Path(name))
            if (held := hold(cached.folder / _FETCHING)) is not None:
                self._held[cached.folder] = held
            cached.files.mkdir()
        except OSError as error:
            raise self.error(error) from error
        return cached

    def error(self, error: OSError) -> ArchiveError:
        """Return what clients are told of an error of the disk: not where anything is."""
        _logger.error("the cache %s cannot be written: %s", self.folder, error)
        words = f"the server cannot keep the series on its disk: {reason_of(error)}"
        return DiskFullError(words) if error.errno in _FULL else ArchiveError(words)

    def make_room(self) -> bool:
        """Remove half of what is there, used longest ago: the disk has less than the limit allows.

        Return whether anything was there to be removed.
        """
        entries = sorted(self._entries())
        left = sum(size for _, size, _ in entries) // 2
        for _, size, folder in entries:
            if left >= 0:
                self.drop(CachedSeries(folder))
            left -= size
        if entries:
            _logger.warning("the disk is full: series that were used longest ago make room")
        return bool(entries)

    def finish(self, cached: CachedSeries, sums: Sums) -> None:
        """Have a series count as whole; remove those that are used least if there is no room."""
        cached.finish(sums)
        self._let_go(cached)
        entries = sorted(self._entries(), reverse=True)
        total = 0
        for used, size, folder in entries:
            total += size
            if total > self._limit and folder != cached.folder and used < entries[0][0]:
                self.drop(CachedSeries(folder))

    def drop(self, cached: CachedSeries) -> None:
        """Remove a series. Who has it open fetches it again, see ``OpenedSeries.is_lost``."""
        with contextlib.suppress(OSError):
            (cached.folder / _COMPLETE).unlink()  # first, so that nobody takes the half of it
        self._let_go(cached)
        shutil.rmtree(cached.folder, ignore_errors=True)

    def _let_go(self, cached: CachedSeries) -> None:
        if (held := self._held.pop(cached.folder, None)) is not None:
            held.close()
            with contextlib.suppress(OSError):
                (cached.folder / _FETCHING).unlink()

    def _remove_abandoned(self) -> None:
        """Remove what processes have left that were killed: of large series, gigabytes."""
        for folder in filter(self._is_own, self.folder.iterdir()):
            cached = CachedSeries(folder)
            if not cached.is_there and _is_abandoned(cached):
                self.drop(cached)

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """Yield when each series was used, in ns, its bytes, and its folder."""
        for folder in filter(self._is_own, self.folder.iterdir()):
            with contextlib.suppress(OSError):  # another process removes it just now
                cached = CachedSeries(folder)
                is_whole = cached.is_there
                if not is_whole and not _is_abandoned(cached):
                    continue  # being fetched by another thread or process
                now = time.time_ns()  # the clock may have been set back
                used = min((folder / _COMPLETE).stat().st_mtime_ns, now) if is_whole else 0
                files = [*(folder / _FILES).iterdir()]
                yield used, sum(file.stat().st_size for file in files), folder

    def _is_own(self, folder: Path) -> bool:
        """Whether this user has made a folder: others have no images for anybody.

        They may be able to write where it lies, as in /tmp.
        """
        try:
            status = folder.lstat()
        except OSError:  # another process has removed it just now
            return False
        is_users = status.st_uid == self._owner and stat.S_ISDIR(status.st_mode)
        return is_users and _NAME.fullmatch(folder.name) is not None


def _is_abandoned(cached: CachedSeries) -> bool:
    """Whether nobody fetches a series any more that is not whole."""
    fetching = cached.folder / _FETCHING
    if is_left(fetching):
        return True
    try:
        return not fetching.exists() and _is_old(cached.files)
    except OSError:  # another process removes it just now
        return False


def _is_old(files: Path) -> bool:
    return abs(time.time_ns() - files.stat().st_mtime_ns) >= _ABANDONED_NS


def _piece() -> memoryview:
    return memoryview(bytearray(_READ_AT_ONCE))


def _sum_of(path: Path, piece: memoryview) -> tuple[int, int]:
    """Return size and checksum of a file, read piece by piece. Raises ``OSError``."""
    size = crc = 0
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            size, crc = size + count, codec.crc64(piece[:count], crc)
    return size, crc


def _text_of(path: Path) -> str:
    return repr(_sum_of(path, _piece()))


def _owner_of_new(folder: Path) -> int:
    """Return whom the file system says that files belong to which are made here now.

    That may be another number than the user's: NFS has "nobody" for root, CIFS one for all.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_uid
    except OSError:  # the disk is full, for example
        return folder.stat().st_uid


def _digest(archive: str, series: Series) -> str:
    keywords = (
        "PatientID", "IssuerOfPatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID",
    )  # fmt: skip
    parts = [archive, *(series[keyword] for keyword in keywords), str(series.count)]
    return hashlib.sha256(os.fsencode("\0".join(parts))).hexdigest()[:32]
