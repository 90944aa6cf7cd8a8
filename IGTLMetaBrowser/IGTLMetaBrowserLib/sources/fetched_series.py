"""A series as it comes from an archive: its files are written, and checked to be its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import codec
from ..dicom_index.header_reader import FileContent, read_content
from ..dicom_index.index import DicomIndex
from .archive import ArchiveError, Series
from .dicom_folder import DicomFolderSource
from .dicom_pixels import stored_dtype
from .plan_document import Plan
from .series_cache import CachedSeries

if TYPE_CHECKING:
    from concurrent.futures import Future

# A disk that is slower than the archive shall not fill the memory: of larger series, so many files
# wait for it. Smaller ones are shown before it has them.
_MOST_WAITING_FILES = 8
_MOST_IN_MEMORY = 512 << 20


@dataclass(frozen=True, eq=False)
class OpenedSeries:
    """A series that is fetched: where its files are, what makes images of them, and the entries.

    ``written``, of files that are still in memory, says whether the disk has taken them.
    """

    cached: CachedSeries
    source: DicomFolderSource
    items: tuple[codec.ImageMetaItem, ...]
    plans: tuple[Plan, ...] = ()
    written: Future[bool] | None = None

    @property
    def is_lost(self) -> bool:
        """Whether its files were on disk, and another process has made room of them."""
        is_written = self.written is None or (self.written.done() and self.written.result())
        return is_written and not self.cached.is_there

    @property
    def is_refused(self) -> bool:
        """Whether the disk has not taken its files, so that they are in memory only."""
        return self.written is not None and self.written.done() and not self.written.result()

    def close(self) -> None:
        """Wait until its files are written, and let go of them."""
        if self.written is not None:
            self.written.result()
        self.source.close()


class FetchedFiles:
    """Takes the files of a series as they come: reads their headers, writes them into a folder.

    They are numbered as they come, and written by a thread of their own. ``contents`` are their
    bytes by their names until all are written; empty if these are too many to be kept in memory.
    """

    def __init__(self, folder: Path) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._folder = folder
        self._headers: list[tuple[str, int, FileContent]] = []
        self._size = 0
        self._executor = ThreadPoolExecutor(1, "writer")
        self._waiting: deque[Future[int]] = deque()
        self.contents: dict[str, bytes | memoryview] = {}

    def add(self, content: bytes | memoryview) -> None:
        """Take the next file; raises ``OSError``, perhaps of one before."""
        name = f"{len(self._headers) + 1:06}.dcm"
        self._size += len(content)
        is_small = self._size <= _MOST_IN_MEMORY
        if is_small:
            self.contents[name] = content
        else:
            self.contents.clear()
        self._waiting.append(self._executor.submit((self._folder / name).write_bytes, content))
        self._headers.append((name, len(content), read_content(content)))
        while not is_small and len(self._waiting) > _MOST_WAITING_FILES:
            self._waiting.popleft().result()

    def index(self) -> DicomIndex:
        """Return an index of the files, in memory. Raises ``DicomIndexError``."""
        index = DicomIndex(self._folder)
        index.add(self._headers)
        return index

    def wait(self) -> None:
        """Wait for the last file; raises ``OSError``. Nothing can be added any more."""
        self._executor.shutdown()
        self.contents.clear()
        self.check_written()

    def when_written(self, action: Callable[[], bool]) -> Future[bool]:
        """Have ``action`` called when all is written, or was tried to, by the thread that writes.

        Nothing can be added any more.
        """
        done = self._executor.submit(action)
        self._executor.shutdown(wait=False)
        return done

    def check_written(self) -> None:
        """Raise ``OSError`` if a file could not be written."""
        for future in self._waiting:
            future.result()


def can_be_read_from_memory(index: DicomIndex) -> bool:
    """Whether all files are images whose pixels are not compressed: all else is read from disk."""
    headers = [image.header for image in index.images()]
    return len(headers) == index.count("dicom") and not any(
        stored_dtype(header) is None or header.get("SegmentationType") for header in headers
    )


def check_fetched(series: Series, index: DicomIndex, archive: str) -> None:
    """Raise ``ArchiveError`` unless an index has the whole series, and nothing else.

    A wrong image is worse than none: whose files they are is read from the files.
    """
    rows = [*index.rows()]
    total = sum(index.count(kind) for kind in ("dicom", "unreadable", "other"))
    if not rows or len(rows) < total:
        raise ArchiveError(f"{archive} has sent what is no DICOM, or is cut off; fetch it again")
    expected = {
        "study": series["StudyInstanceUID"],
        "series": series.uid,
        "patient_ID": series["PatientID"],
    }
    for field, value in expected.items():
        others = {str(row[field]) for row in rows} - {value}
        if others:
            raise ArchiveError(
                f"{archive} has sent another {field.replace('_', ' ')} than was asked for "
                f"({min(others)!r} for {value!r}); nothing of it is used"
            )
    distinct = {str(row["instance_uid"]) for row in rows}
    if series.count is not None and len(distinct) < series.count:
        raise ArchiveError(
            f"{archive} has sent {len(distinct)} of the {series.count} instances of the series; "
            "nothing of it is used. Fetch it again, or list again if they are deleted"
        )
