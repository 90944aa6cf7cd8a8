"""A series as it comes from an archive: its files are written, and checked to be its own."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from ..dicom_index.index import DicomIndex
from .archive import ArchiveError, Series

if TYPE_CHECKING:
    from concurrent.futures import Future

# A disk that is slower than the archive shall not fill the memory.
_MOST_WAITING_FILES = 8


class FileWriter:
    """Writes the files of a series into a folder, numbered as they come, beside the download."""

    def __init__(self, folder: Path) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._folder = folder
        self._count = 0
        self._executor = ThreadPoolExecutor(1, "writer")
        self._waiting: deque[Future[int]] = deque()

    def write(self, content: bytes) -> None:
        """Write the next file; raises ``OSError``, perhaps of one before."""
        self._count += 1
        path = self._folder / f"{self._count:06}.dcm"
        self._waiting.append(self._executor.submit(path.write_bytes, content))
        if len(self._waiting) > _MOST_WAITING_FILES:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait for the last file; raises ``OSError``."""
        self._executor.shutdown()
        for future in self._waiting:
            future.result()


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
                f"({min(others) or 'none'} for {value or 'none'}); nothing of it is used"
            )
    distinct = {str(row["instance_uid"]) for row in rows}
    if series.count is not None and len(distinct) < series.count:
        raise ArchiveError(
            f"{archive} has sent {len(distinct)} of the {series.count} instances of the series; "
            "nothing of it is used. Fetch it again, or list again if they are deleted"
        )
