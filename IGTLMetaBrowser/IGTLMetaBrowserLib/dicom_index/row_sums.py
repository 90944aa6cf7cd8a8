"""Checksums of what an index has of each file: what a disk has changed is not taken for true.

It would be another image, one in another place or without some of its slices, or another's.

They are computed here and not by SQLite: it would hold the lock of the database while it waits for
Python's, to call a function of it, and another thread that has Python's may wait for the first.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from ..file_version import FileVersion
from .fields import PATHS

DAMAGED = "what is in it is malformed"

_TEXTS = ["sop_class", *(f"instances.{field}" for field in PATHS), "headers.header", "images.own"]
_VALUES = [f"files.{key}" for key in ("id", "folder", "name", *FileVersion._fields)] + _TEXTS
# By one bit, a disk makes bytes of a text: they would be the same here, but for the type.
_TYPE = f"min({', '.join(f'typeof({text})' for text in _TEXTS)})"
_PARTS = [_TYPE, *_VALUES]
SAID = f"""(
    SELECT CAST(printf('{"%s|" * len(_PARTS)}', {", ".join(_PARTS)}) AS BLOB)
    FROM instances
    LEFT JOIN images ON images.file = instances.file
    LEFT JOIN headers ON headers.id = images.header
    WHERE instances.file = files.id
)"""
"""The SQL for what a row of ``files`` says, with what other tables have of the file."""

_IS_WHOLE = """
    SELECT (SELECT COUNT(*) FROM instances NOT INDEXED)
        = (SELECT COUNT(*) FROM files WHERE kind = 'dicom')
"""


def sum_of(database: sqlite3.Connection, number: int) -> int | None:
    """Return the checksum of a file by its number; None if it has no fields."""
    (said,) = database.execute(f"SELECT {SAID} FROM files WHERE id = ?", (number,)).fetchone()
    return None if said is None else zlib.crc32(said)


def check_whole(database: sqlite3.Connection) -> None:
    """Raise ``sqlite3.DatabaseError`` if rows are not where they are looked for, or lost."""
    for statement, right in (("PRAGMA integrity_check(1)", "ok"), (_IS_WHOLE, True)):
        if database.execute(statement).fetchone() != (right,):
            raise sqlite3.DatabaseError(DAMAGED)


def checked(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[Any]]:
    """Yield the rows without what is first in them: what the file's row says, and its checksum.

    Raises ``sqlite3.DatabaseError`` at one of which the checksum is not right.
    """
    for said, total, *values in rows:
        if said is None or zlib.crc32(said) != total:
            raise sqlite3.DatabaseError(DAMAGED)
        yield values
