"""What an index's database holds: files, rows of the dictionary's fields, headers of images."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from .fields import FIELDS, PATHS
from .image_header import ImageHeader, unpack_header

SERIES = "series"
INSTANCE = "instance"
LEVELS = (SERIES, INSTANCE)

SUBSERIES_KEYS = ("patient_ID", "study", "series", "subseries")
"""The fields by which files belong together."""

Row = dict[str, str | int]
"""``FIELDS`` and their values: a number for ``instances``, else texts."""

_ROWS = f"""
    SELECT folder, name, series_sizes.instances, {", ".join(f"instances.{key}" for key in PATHS)}
    FROM instances
    JOIN files ON files.id = instances.file AND kind = 'dicom'
    JOIN (
        SELECT patient_ID, study, series, COUNT(*) AS instances
        FROM instances JOIN files ON files.id = instances.file AND kind = 'dicom'
        GROUP BY patient_ID, study, series
    ) AS series_sizes USING (patient_ID, study, series)
    ORDER BY {", ".join(f"instances.{key}" for key in SUBSERIES_KEYS)}, folder, name
"""


class File(NamedTuple):
    """A file of a folder: its path there, of which kind it is, and why it has no fields."""

    path: str
    kind: str
    reason: str


def read_files(database: sqlite3.Connection, kinds: tuple[str, ...]) -> Iterator[File]:
    """Yield the files of these kinds in the order of their paths."""
    marks = ",".join("?" * len(kinds))
    for folder, name, kind, reason in database.execute(
        f"SELECT folder, name, kind, reason FROM files WHERE kind IN ({marks})"
        " ORDER BY folder, name",
        kinds,
    ):
        yield File(_shown("", folder, name), kind, reason)


def read_images(database: sqlite3.Connection) -> Iterator[tuple[str, int, ImageHeader]]:
    """Yield the images as ``DicomIndex.images`` does."""
    shared: dict[int, dict[str, str]] = {}
    for folder, name, size, number, own in database.execute(
        "SELECT folder, name, size, header, own FROM images JOIN files ON files.id = images.file"
        " WHERE kind = 'dicom' ORDER BY folder, name"
    ):
        if number not in shared:
            statement = "SELECT header FROM headers WHERE id = ?"
            (text,) = database.execute(statement, (number,)).fetchone()
            shared[number] = json.loads(text)
        yield _shown("", folder, name), size, unpack_header(shared[number], own)


def read_rows(database: sqlite3.Connection, level: str, prefix: str) -> Iterator[Row]:
    """Yield the rows as ``DicomIndex.rows`` does."""
    rows = (_row(prefix, *values) for values in database.execute(_ROWS))
    if level == INSTANCE:
        yield from rows
    else:
        for _, group in groupby(rows, itemgetter(*SUBSERIES_KEYS)):
            yield next(group)


def _row(prefix: str, folder: bytes, name: bytes, instances: int, *values: str) -> Row:
    row: Row = dict(zip(PATHS, values, strict=True))
    row["instances"] = instances
    row["folder"] = _shown(prefix, folder)
    row["file_path"] = _shown(prefix, folder, name)
    return {field: row[field] for field in FIELDS}


def _shown(prefix: str, *parts: bytes) -> str:
    """Return a path with slashes; that of the folder itself is "."."""
    names = [prefix, *(os.fsdecode(part).replace(os.sep, "/") for part in parts)]
    return "/".join(name for name in names if name) or "."
