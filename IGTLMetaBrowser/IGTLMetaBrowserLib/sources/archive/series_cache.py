"""Series from an archive on disk, under a limit of bytes, for several processes at once.

Each fetch has a folder of its own, whose name begins with the digest of what it holds: archive,
patient, study, series and number of instances. It counts when ``complete`` lies in it, which is
written last, and says what has to be there: a disk that was full, or who tidies up, may have taken
some of it. So no process sees the half of a series, and none waits for another: of two that
fetch the same, one folder is superfluous, and goes first when room is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...whole_file import replaced_at_end
from .archive import ArchiveError, Series

_logger = logging.getLogger(__name__)

_COMPLETE = "complete"
_FILES = "files"
# A fetch that has written nothing for an hour has been killed.
_ABANDONED_NS = 3600 * 10**9
# Only what was made here is removed: somebody may have other folders there.
_NAME = re.compile(r"[0-9a-f]{32}-.+")


@dataclass(frozen=True)
class CachedSeries:
    """A series on disk: its files lie in ``files``, the index of these is ``database``."""

    folder: Path

    @property
    def files(self) -> Path:
        return self.folder / _FILES

    @property
    def database(self) -> Path:
        return self.folder / "index.sqlite"

    @property
    def is_there(self) -> bool:
        """Whether no process has removed it."""
        return (self.folder / _COMPLETE).exists()

    @property
    def is_whole(self) -> bool:
        """Whether its files are those that were fetched, as far as names and sizes tell."""
        try:
            return (self.folder / _COMPLETE).read_text() == self.content()
        except (OSError, ValueError):
            return False

    def content(self) -> str:
        """Return what is another if a file is missing or has another size. Raises ``OSError``."""
        sizes = sorted((file.name, file.stat().st_size) for file in self.files.iterdir())
        return hashlib.sha256(repr(sizes).encode()).hexdigest()

    def use(self) -> None:
        """Have it count as used now, if it is there."""
        with contextlib.suppress(OSError):
            os.utime(self.folder / _COMPLETE)


class SeriesCache:
    """The series in ``folder``, which nobody else may read; at most ``limit`` bytes.

    A series that is larger than the limit is kept until the next one comes. What is being fetched
    does not count yet. Raises ``ArchiveError`` if there can be no such folder.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ArchiveError(
                f"the folder {str(folder)!r} for fetched series cannot be made: {error.strerror}; "
                "choose another with --archive-cache"
            ) from error

    def find(self, archive: str, series: Series) -> CachedSeries | None:
        """Return a series that is there as the archive has it now, or None."""
        for folder in self._folder.glob(f"{_digest(archive, series)}-*"):
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
            name = tempfile.mkdtemp(prefix=f"{_digest(archive, series)}-", dir=self._folder)
            cached = CachedSeries(Path(name))
            cached.files.mkdir()
        except OSError as error:
            raise self.error(error) from error
        return cached

    def error(self, error: OSError) -> ArchiveError:
        """Return what clients are told of an error of the disk: not where anything is."""
        _logger.error("the cache %s cannot be written: %s", self._folder, error)
        reason = error.strerror or type(error).__name__
        return ArchiveError(f"the server cannot keep the series on its disk: {reason}")

    def finish(self, cached: CachedSeries) -> None:
        """Have a series count as whole; remove those that are used least if there is no room."""
        with replaced_at_end(cached.folder / _COMPLETE, is_synced=False) as part:
            part.write_text(cached.content())
        entries = sorted(self._entries(), reverse=True)
        total = 0
        for used, size, folder in entries:
            total += size
            if total > self._limit and folder != cached.folder and used < entries[0][0]:
                shutil.rmtree(folder, ignore_errors=True)

    def drop(self, cached: CachedSeries) -> None:
        """Remove a series."""
        with contextlib.suppress(OSError):
            (cached.folder / _COMPLETE).unlink()  # first, so that nobody takes the half of it
        shutil.rmtree(cached.folder, ignore_errors=True)

    def _entries(self) -> Iterator[tuple[int, int, Path]]:
        """Yield when each series was used, in ns, its bytes, and its folder."""
        for folder in filter(_is_own, self._folder.iterdir()):
            with contextlib.suppress(OSError):  # another process removes it just now
                mark = folder / _COMPLETE
                used = (mark if mark.exists() else folder / _FILES).stat().st_mtime_ns
                if not mark.exists() and time.time_ns() - used < _ABANDONED_NS:
                    continue  # being fetched by another thread or process
                files = [*(folder / _FILES).iterdir()]
                yield used, sum(file.stat().st_size for file in files), folder


def _is_own(folder: Path) -> bool:
    return _NAME.fullmatch(folder.name) is not None


def _digest(archive: str, series: Series) -> str:
    keywords = ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID")
    parts = [archive, *(series[keyword] for keyword in keywords), str(series.count)]
    return hashlib.sha256(os.fsencode("\0".join(parts))).hexdigest()[:32]
