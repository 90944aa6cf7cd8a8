"""What the dictionary's fields of a folder's files were when its list was made."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...dicom_index.fields import FIELDS, REFERENCED_SERIES
from ...dicom_index.index import DicomIndex
from ...dicom_index.rows import SERIES_KEYS, Row
from ...file_version import FileVersion
from .files import IndexedFile


class FileFields:
    """The fields of some files as ``index`` has them now; nothing of it changes later.

    Who asks for an image that is listed need not wait for the index then, which a thread has for
    as long as a scan of the folder takes. Each file's are kept as a text of some 300 bytes, which
    is not read again of files that are as they were ``before``. What other files decide, is.
    """

    def __init__(
        self, index: DicomIndex, files: Iterable[IndexedFile], before: FileFields | None = None
    ) -> None:
        known = {} if before is None else before._texts
        self._texts: dict[str, tuple[FileVersion, str]] = {}
        new: dict[str, FileVersion] = {}
        for name, version in files:
            if name in known and known[name][0] == version:
                self._texts[name] = known[name]
            else:
                new[name] = version
        for (name, version), row in zip(new.items(), index.rows_of(new), strict=True):
            self._texts[name] = version, json.dumps([row[field] for field in FIELDS])
        self._sizes = index.series_sizes()
        self._referenced = index.referenced_series()

    def of(self, name: str) -> Row:
        """Return all fields of a file, by its path in the folder."""
        _, text = self._texts[name]
        row: Row = dict(zip(FIELDS, json.loads(text), strict=True))
        row["instances"] = self._sizes[tuple(str(row[key]) for key in SERIES_KEYS)]
        for field in REFERENCED_SERIES:
            row[field] = self._referenced.get(str(row[field.removesuffix("_series")]), "")
        return row
