"""Files that are written from an index."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

from IGTLMetaBrowserLib.dicom_index.export import database_path, part_path, write_index
from IGTLMetaBrowserLib.dicom_index.index import DicomIndex
from IGTLMetaBrowserLib.dicom_index.row_sums import SAID
from IGTLMetaBrowserLib.dicom_index.rows import SERIES


def updated(folder: Path, output: Path, level: str = SERIES) -> int:
    """Bring an index file up to date; return how many files were read for it."""
    with DicomIndex(folder, database_path(output), [output, part_path(output)]) as index:
        count = index.update()
        write_index(index, output, level)
        return count


def rows_of(output: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by its headings."""
    with output.open(encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def write_sums(index: DicomIndex) -> None:
    """Have all checksums be right of what a test has written past the index."""
    index._sql.create_function("crc32", 1, zlib.crc32)
    index.query(f"UPDATE files SET sum = crc32({SAID}) WHERE kind = 'dicom'")
