"""Writes an index as a file, .csv or .json, in the place of the one that is there.

A CSV file has a line for each row, under the names of the fields; it is UTF-8. In JSON the rows lie
in objects: patient_ID, study, series, subseries, and at the level of instances file_path.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from .database import DicomIndexError
from .fields import FIELDS
from .index import DicomIndex
from .rows import INSTANCE, SUBSERIES_KEYS, Row


def database_path(output: Path) -> Path:
    """Return where the database of an index file is kept: beside it, under the ending .sqlite."""
    return output.with_suffix(".sqlite")


def part_path(output: Path) -> Path:
    """Return what an index file is called while it is being written."""
    return output.with_name(f".{output.name}.part")


def write_index(index: DicomIndex, output: Path, level: str) -> bool:
    """Write an index; return False where the file is as it would be written, and so is left alone.

    Paths in it are relative to the current folder, as those of med-imagetools are. The file is
    replaced as a whole, or not at all. Raises ``DicomIndexError``.
    """
    write = _WRITERS[output.suffix.lower()]
    prefix = _prefix(index.folder)
    how = json.dumps([level, prefix])
    if _is_written(index, output, how):
        return False
    part = part_path(output)
    try:
        # Names of files that are not UTF-8 stay as they are.
        with part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            write(index.rows(level, prefix), level, file)
        part.replace(output)
    except OSError as error:
        raise DicomIndexError(
            f"{os.fspath(output)!r} cannot be written: {error.strerror or error}; choose another"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    _note_written(index, output, how)
    return True


def _is_written(index: DicomIndex, output: Path, how: str) -> bool:
    """Whether nothing has changed, in the index and in the file, since it was written so."""
    try:
        state = output.stat()
    except OSError:
        return False
    known = index.query(
        "SELECT size, mtime_ns FROM written, source"
        " WHERE name = ? AND how = ? AND written.changes = source.changes",
        os.fsencode(output.name),
        how,
    )
    return known == [(state.st_size, state.st_mtime_ns)]


def _note_written(index: DicomIndex, output: Path, how: str) -> None:
    state = output.stat()
    index.query(
        "REPLACE INTO written SELECT ?, ?, changes, ?, ? FROM source",
        os.fsencode(output.name),
        how,
        state.st_size,
        state.st_mtime_ns,
    )


def _write_csv(rows: Iterator[Row], level: str, file: TextIO) -> None:
    writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _write_json(rows: Iterator[Row], level: str, file: TextIO) -> None:
    keys = [*SUBSERIES_KEYS, *(["file_path"] if level == INSTANCE else [])]
    _write_objects(rows, keys, file)
    file.write("\n")


def _write_objects(rows: Iterator[Row], keys: Sequence[str], file: TextIO, depth: int = 1) -> None:
    """Write rows as objects within each other, one level for each key."""
    if not keys:
        file.write(json.dumps(next(rows)))
        return
    separator = ""
    file.write("{")
    for key, group in groupby(rows, itemgetter(keys[0])):
        file.write(f"{separator}\n{' ' * depth}{json.dumps(key)}: ")
        _write_objects(group, keys[1:], file, depth + 1)
        separator = ","
    file.write("}")


def _prefix(folder: Path) -> str:
    try:
        path = os.path.relpath(folder)
    except ValueError:  # on another drive
        path = os.fspath(folder.resolve())
    return "" if path == os.curdir else Path(path).as_posix()


_WRITERS: dict[str, Callable[[Iterator[Row], str, TextIO], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
}
ENDINGS = tuple(_WRITERS)
