"""A folder of DICOM files, and which of them belong to which series."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

_TAGS = ["SeriesInstanceUID"]


class DicomFolder:
    """The series of the DICOM files below a folder, whatever the files are called.

    The files are looked through here and by ``scan``, which takes about a millisecond a file.
    ``unreadable`` has the paths of those that are DICOM and cannot be read, each with the reason.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.unreadable: list[tuple[str, str]] = []
        self._files: dict[str, list[str]] = {}
        self.scan()

    def scan(self) -> None:
        """Look for files again; then call the provider's ``files_changed``.

        Raises ``NotADirectoryError`` where there is no such folder.
        """
        if not self.folder.is_dir():
            raise NotADirectoryError(f"there is no folder {str(self.folder)!r}; check the path")
        self._files, self.unreadable = {}, []
        for path in _files_below(self.folder):
            if uid := self._series_of(path):
                self._files.setdefault(uid, []).append(path)

    def files_of_series(self, series_uid: str) -> Sequence[str]:
        """Return the paths of a series' files, in the order of their names; none for another."""
        return self._files.get(series_uid, ())

    def __len__(self) -> int:
        """Return how many series there are."""
        return len(self._files)

    def _series_of(self, path: str) -> str:
        """Return a file's SeriesInstanceUID, or an empty text where it has none or is no DICOM."""
        import pydicom
        from pydicom.errors import InvalidDicomError

        try:
            if not stat.S_ISREG(Path(path).stat().st_mode):
                return ""  # a pipe, which one could wait for without end
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_TAGS)
            return str(header.get("SeriesInstanceUID") or "")
        except InvalidDicomError:
            return ""
        except Exception as error:  # a broken file raises anything: struct.error, EOFError ...
            self.unreadable.append((path, str(error) or type(error).__name__))
            return ""


def _files_below(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        yield from (os.path.join(parent, name) for name in sorted(files))  # noqa: PTH118
