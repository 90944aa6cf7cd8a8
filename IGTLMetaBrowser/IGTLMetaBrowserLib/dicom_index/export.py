"""Writes an index as a file, .csv, .json or .parquet, in the place of the one that is there.

A CSV file has a line for each row, under the names of the fields; it is UTF-8. In JSON the rows lie
in objects: patient_ID, study, series, subseries, and at the level of instances file_path; if files
of one series have several modalities, the subseries of all but the first have theirs in the name.
Parquet (which needs pyarrow) has a column for each field. The last column, image_id, has the ids
under which ``igtlmeta serve`` offers the images of a row, joined by backslashes.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from ..file_version import version_of
from ..system_errors import why_not_written
from ..utf8 import utf8
from ..whole_file import replaced_at_end
from .database import VERSION, DicomIndexError
from .fields import FIELDS
from .index import DicomIndex
from .rows import GROUP_KEYS, INSTANCE, SUBSERIES_KEYS, Row

IMAGE_ID = "image_id"
COLUMNS = (*FIELDS, IMAGE_ID)
_ROWS_AT_ONCE = 10_000

IdsOfFiles = Callable[[], Mapping[str, Sequence[str]]]
"""Returns the ids of images by the paths of their files in the folder."""


def database_path(output: Path) -> Path:
    """Return where the database of an index file is kept: beside it, under the ending .sqlite."""
    return output.with_suffix(".sqlite")


def part_path(output: Path) -> Path:
    """Return what an index file is called while it is being written.

    Of a link, it lies beside the file that is replaced, which may be on another disk.
    """
    replaced = Path(os.path.realpath(output)) if output.is_symlink() else output
    return replaced.with_name(f".{replaced.name}.part")


def write_index(
    index: DicomIndex, output: Path, level: str, ids_of_files: IdsOfFiles | None = None
) -> bool:
    """Write an index; return False if the file is as it would be written, and so is left alone.

    ``ids_of_files`` returns the ids of the images that each file is part of; it is called if they
    are needed.

    Paths in it are relative to the current folder, as those of med-imagetools are. The file is
    replaced as a whole, or not at all. Raises ``DicomIndexError``.
    """
    write = _WRITERS[output.suffix.lower()]
    prefix = _prefix(index.folder)
    how = json.dumps([level, prefix])
    if _is_written(index, output, how):
        return False
    ids = ids_of_files() if ids_of_files is not None else {}
    try:
        with replaced_at_end(output, part_path(output)) as part:
            write(_with_ids(index, level, prefix, ids), level, part)
    except OSError as error:
        raise DicomIndexError(why_not_written(error, output)) from error
    _write_state(index, output, how)
    return True


def _is_written(index: DicomIndex, output: Path, how: str) -> bool:
    """Whether nothing has changed, in the index and in the file, since it was written so."""
    try:
        state = output.stat()
    except OSError:
        return False
    known = index.query(
        f"SELECT {VERSION} FROM written, source"
        " WHERE name = ? AND how = ? AND written.changes = source.changes",
        os.fsencode(output.name),
        how,
    )
    return known == [version_of(state)]


def _write_state(index: DicomIndex, output: Path, how: str) -> None:
    index.query(
        "REPLACE INTO written SELECT ?, ?, changes, ?, ?, ?, ? FROM source",
        os.fsencode(output.name),
        how,
        *version_of(output.stat()),
    )


def _with_ids(
    index: DicomIndex, level: str, prefix: str, ids: Mapping[str, Sequence[str]]
) -> Iterator[Row]:
    """Yield the rows with their images' ids."""
    of_groups: dict[tuple[Any, ...], dict[str, None]] = {}
    start = f"{prefix}/" if prefix else ""
    if level != INSTANCE and ids:
        for row in index.rows(INSTANCE):
            found = of_groups.setdefault(_group_of(row), {})
            found.update(dict.fromkeys(ids.get(str(row["file_path"]), ())))
    for row in index.rows(level, prefix):
        if level == INSTANCE:
            found_ids = ids.get(str(row["file_path"]).removeprefix(start), ())
        else:
            found_ids = tuple(of_groups.get(_group_of(row), ()))
        yield {**row, IMAGE_ID: "\\".join(found_ids)}


def _group_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[key] for key in GROUP_KEYS)


def _open(path: Path) -> TextIO:
    # Names of files that are not UTF-8 stay as they are.
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")


def _write_csv(rows: Iterator[Row], level: str, path: Path) -> None:
    with _open(path) as file:
        # Before Python 3.13, a carriage return alone is quoted only with all else: without quotes,
        # who reads the file takes it for the end of a line.
        writer, quoting = (
            csv.DictWriter(file, COLUMNS, lineterminator="\n", quoting=how)
            for how in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        )
        writer.writeheader()
        for row in rows:
            has_return = any("\r" in str(value) for value in row.values())
            (quoting if has_return else writer).writerow(row)


def _write_json(rows: Iterator[Row], level: str, path: Path) -> None:
    keys = [*SUBSERIES_KEYS, *(["file_path"] if level == INSTANCE else [])]
    with _open(path) as file:
        _write_objects(_with_unique_subseries(rows), keys, file)
        file.write("\n")


def _with_unique_subseries(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows with the modality in the name of a subseries that another modality has, too."""
    for _, group in groupby(rows, itemgetter(*SUBSERIES_KEYS[:3])):
        modality_of: dict[Any, Any] = {}
        for row in group:
            is_first = modality_of.setdefault(row["subseries"], row["modality"]) == row["modality"]
            yield row if is_first else {**row, "subseries": f"{row['subseries']} {row['modality']}"}


def check_format(path: Path) -> None:
    """Raise ``DicomIndexError`` if a package is missing that a file of this name needs."""
    if path.suffix.lower() != ".parquet":
        return
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise DicomIndexError(
            "writing .parquet needs pyarrow; pip install pyarrow, or choose .csv"
        ) from None


def _write_parquet(rows: Iterator[Row], level: str, path: Path) -> None:
    check_format(path)
    import pyarrow
    from pyarrow import parquet

    types = {"instances": pyarrow.int64()}
    schema = pyarrow.schema([(name, types.get(name, pyarrow.string())) for name in COLUMNS])
    with parquet.ParquetWriter(path, schema) as writer:
        while batch := [*islice(rows, _ROWS_AT_ONCE)]:
            # Names of files that are not UTF-8 cannot be as they are there.
            texts = [*map(_in_utf8, batch)]
            writer.write_table(pyarrow.Table.from_pylist(texts, schema))


def _in_utf8(row: Row) -> Row:
    return {key: value if isinstance(value, int) else utf8(value) for key, value in row.items()}


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
    except (OSError, ValueError):  # there is no current folder any more; or on another drive
        path = os.fspath(folder.absolute())
    return "" if path == os.curdir else Path(path).as_posix()


_WRITERS: dict[str, Callable[[Iterator[Row], str, Path], None]] = {
    ".csv": _write_csv,
    ".json": _write_json,
    ".parquet": _write_parquet,
}
ENDINGS = tuple(_WRITERS)
