"""What the dictionary's fields of a folder's files were when its list was made."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...dicom_index.fields import FIELDS
from ...dicom_index.index import DicomIndex
from ...dicom_index.rows import Row


class FileFields:
    """The fields of some files as ``index`` has them now; nothing of it changes later.

    Who asks for an image that is listed need not wait for the index then, which a thread has for
    as long as a scan of the folder takes. Each file's are kept as a text of some 300 bytes.
    """

    def __init__(self, index: DicomIndex, names: Iterable[str]) -> None:
        names = [*dict.fromkeys(names)]
        rows = index.rows_of(names)
        self._texts = {
            name: json.dumps([row[field] for field in FIELDS])
            for name, row in zip(names, rows, strict=True)
        }

    def of(self, name: str) -> Row:
        """Return all fields of a file, by its path in the folder."""
        return dict(zip(FIELDS, json.loads(self._texts[name]), strict=True))
