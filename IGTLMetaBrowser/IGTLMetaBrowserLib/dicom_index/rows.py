"""What an index's database holds: files, rows of the dictionary's fields, headers of images."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ..file_version import FileVersion
from .database import VERSION
from .fields import FIELDS, PATHS, REFERENCED_SERIES
from .headers.image_header import ImageHeader, unpack_header
from .row_sums import SAID, check_whole, checked

SERIES = "series"
INSTANCE = "instance"
LEVELS = (SERIES, INSTANCE)

SERIES_KEYS = ("patient_ID", "study", "series", "modality")
"""The fields by which the files of a series are counted."""
SUBSERIES_KEYS = ("patient_ID", "study", "series", "subseries")
"""The fields by which files are found in JSON."""
GROUP_KEYS = ("patient_ID", "study", "series", "modality", "subseries")
"""The fields by which files belong together. Some planning systems give a structure set the
SeriesInstanceUID of its CT."""

_READ_AT_ONCE = 500

Row = dict[str, str | int]
"""``FIELDS`` and their values: a number for ``instances``, else texts."""


def _series_named_by(uid: str) -> str:
    """Return the SQL for the series that a reference names: by itself, or by a file in it."""
    found = (
        f"(SELECT series FROM instances AS other WHERE other.{column} = {uid} LIMIT 1)"
        for column in ("series", "instance_uid")
    )
    return f"CASE {uid} WHEN '' THEN '' ELSE COALESCE({', '.join(found)}, '') END"


_REFERENCES = [field.removesuffix("_series") for field in REFERENCED_SERIES]
_FIELDS = [
    *(f"instances.{key}" for key in PATHS),
    *(_series_named_by(f"instances.{field}") for field in _REFERENCES),
]
_SIZES = f"""
    SELECT {", ".join(SERIES_KEYS)}, COUNT(*) AS instances
    FROM instances JOIN files ON files.id = instances.file AND kind = 'dicom'
    GROUP BY {", ".join(SERIES_KEYS)}
"""
_REFERENCED = f"""
    SELECT uid, {_series_named_by("uid")}
    FROM ({" UNION ".join(f"SELECT {field} AS uid FROM instances" for field in _REFERENCES)})
"""
_ROWS = f"""
    SELECT {SAID}, sum, folder, name, series_sizes.instances, {", ".join(_FIELDS)}
    FROM instances
    JOIN files ON files.id = instances.file AND kind = 'dicom'
    JOIN ({_SIZES}) AS series_sizes USING ({", ".join(SERIES_KEYS)})
    ORDER BY {", ".join(f"instances.{key}" for key in GROUP_KEYS)}, folder, name
"""


_ROW = f"""
    SELECT {SAID}, sum, {", ".join(_FIELDS)}
    FROM instances JOIN files ON files.id = instances.file
    WHERE kind = 'dicom' AND folder = ? AND name = ?
"""
_SERIES_SIZE = """
    SELECT COUNT(*) FROM instances JOIN files ON files.id = instances.file
    WHERE kind = 'dicom' AND series = ? AND study = ? AND patient_ID = ? AND modality = ?
"""
_series_in = itemgetter(*map([*PATHS].index, ("series", "study", "patient_ID", "modality")))


class File(NamedTuple):
    """A file of a folder: its path there, of which kind it is, and why it has no fields."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class ImageFile:
    """A file of an image: its path in the indexed folder, its version, and its header."""

    name: str
    version: FileVersion
    header: ImageHeader


def read_files(database: sqlite3.Connection, kinds: tuple[str, ...]) -> Iterator[File]:
    """Yield the files of these kinds in the order of their paths."""
    marks = ",".join("?" * len(kinds))
    for folder, name, kind, reason in database.execute(
        f"SELECT folder, name, kind, reason FROM files WHERE kind IN ({marks})"
        " ORDER BY folder, name",
        kinds,
    ):
        yield File(shown_path("", folder, name), kind, reason)


def read_images(
    database: sqlite3.Connection, known: Mapping[str, ImageFile]
) -> Iterator[ImageFile]:
    """Yield the images as ``DicomIndex.images`` does."""
    check_whole(database)
    shared: dict[int, Mapping[str, str]] = {}  # what headers have in common, by its number
    found = database.execute(
        f"SELECT files.id, header, folder, name, {VERSION}"
        " FROM files LEFT JOIN images ON images.file = files.id"
        " WHERE kind = 'dicom' ORDER BY folder, name"
    )
    while rows := found.fetchmany(_READ_AT_ONCE):
        files: dict[int, ImageFile] = {}
        new: dict[int, tuple[str, FileVersion]] = {}
        for number, common, folder, name, *version in rows:
            path = shown_path("", folder, name)
            file = known.get(path)
            if file is not None and file.version == tuple(version):
                files[number] = file
                shared.setdefault(common, file.header.shared)
            else:
                new[number] = path, FileVersion(*version)
        for number, header in _headers(database, [*new], shared):
            files[number] = ImageFile(*new[number], header)
        yield from (files[number] for number, *_ in rows if number in files)


def _headers(
    database: sqlite3.Connection, files: Sequence[int], shared: dict[int, Mapping[str, str]]
) -> Iterator[tuple[int, ImageHeader]]:
    """Yield the headers of those of these files that are images, after the files' numbers."""
    found = database.execute(
        f"SELECT {SAID}, sum, files.id, header, own"
        " FROM files LEFT JOIN images ON images.file = files.id"
        f" WHERE files.id IN ({','.join('?' * len(files))})",
        files,
    )
    for number, common, own in checked(found):
        if common is None:  # no image
            continue
        if common not in shared:
            statement = "SELECT header FROM headers WHERE id = ?"
            (text,) = database.execute(statement, (common,)).fetchone()
            shared[common] = json.loads(text)
        yield number, unpack_header(shared[common], own)


def read_rows_of(
    database: sqlite3.Connection, files: Iterable[tuple[bytes, bytes]]
) -> Iterator[Row]:
    """Yield the fields of each of these files, by folder and name; none of one that is not there.

    How large a series is, is counted once, however many of its files are among them.
    """
    sizes: dict[tuple[str, ...], int] = {}
    for folder, name in files:
        found = next(checked(database.execute(_ROW, (folder, name))), None)
        if found is None:
            yield {}
            continue
        series = _series_in(found)
        if series not in sizes:
            (sizes[series],) = database.execute(_SERIES_SIZE, series).fetchone()
        yield _row("", folder, name, sizes[series], *found)


def read_series_sizes(database: sqlite3.Connection) -> dict[tuple[str, ...], int]:
    """Return how many files each series has, by its ``SERIES_KEYS``."""
    return {tuple(series): count for *series, count in database.execute(_SIZES)}


def read_referenced_series(database: sqlite3.Connection) -> dict[str, str]:
    """Return the series that files refer to, by the UIDs in their references."""
    return dict(database.execute(_REFERENCED))


def read_rows(database: sqlite3.Connection, level: str, prefix: str) -> Iterator[Row]:
    """Yield the rows as ``DicomIndex.rows`` does."""
    check_whole(database)
    rows = (_row(prefix, *values) for values in checked(database.execute(_ROWS)))
    if level == INSTANCE:
        yield from rows
    else:
        for _, group in groupby(rows, itemgetter(*GROUP_KEYS)):
            yield next(group)


def _row(prefix: str, folder: bytes, name: bytes, instances: int, *values: str) -> Row:
    row: Row = dict(zip((*PATHS, *REFERENCED_SERIES), values, strict=True))
    row["instances"] = instances
    row["folder"] = shown_path(prefix, folder)
    row["file_path"] = shown_path(prefix, folder, name)
    return {field: row[field] for field in FIELDS}


def shown_path(prefix: str, *parts: bytes) -> str:
    """Return a path with slashes; that of the folder itself is "."."""
    names = [prefix, *(os.fsdecode(part).replace(os.sep, "/") for part in parts)]
    return "/".join(name for name in names if name) or "."
