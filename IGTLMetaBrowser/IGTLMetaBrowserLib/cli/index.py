"""``igtlmeta index``: the DICOM metadata dictionary of a folder, as a file that is kept up to date.

Beside the output FILE.csv or FILE.json lies FILE.sqlite: what is known of each file, with the size
and time by which a change is noticed. The next run reads only what is new or changed; without it,
all is read anew. ``FILE.csv`` and ``FILE.json`` share it.

Exit code: 0 where the index is written, even if files in the folder could not be read, which are
listed on stderr; 1 where it is not, or not all could be looked at; 130 after Ctrl-C: what was read
until then is written, and the next run goes on from there.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dicom_index import header_reader as kinds
from ..dicom_index.database import DicomIndexError
from ..dicom_index.export import ENDINGS, database_path, part_path, write_index
from ..dicom_index.index import DicomIndex
from ..dicom_index.rows import LEVELS, SERIES
from . import output as output
from .output import note
from .parser import add_command

if TYPE_CHECKING:
    from ..dicom_index.related_series import Series

_INTERRUPTED = 130
_GROUP_HEADINGS = (
    "group", "modality", "series", "files", "description", "patient id", "folder", "refers to"
)  # fmt: skip


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = "DIR [-o FILE.csv | FILE.json] [--level series|instance] [--jobs N] [--graph]"
    command = add_command(commands, "index", make_index, usage, (DicomIndexError,))
    command.add_argument(
        "folder", metavar="DIR", type=Path, help="DICOM files, whatever their names"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="what to write; brought up to date where it is there, with FILE.sqlite beside it",
    )
    command.add_argument(
        "--level",
        choices=LEVELS,
        default=SERIES,
        help="one entry for each subseries of a series, or for each file (%(default)s)",
    )
    command.add_argument(
        "--jobs", metavar="N", type=_jobs, default=_processors(), help="processes (%(default)s)"
    )
    command.add_argument("--graph", action="store_true", help="print which series belong together")


def make_index(arguments: argparse.Namespace) -> int:
    """Write what the DICOM files in a folder say of themselves, or bring it up to date."""
    path: Path | None = arguments.output
    if path is None and not arguments.graph:
        arguments.usage_error("name a file to write with -o, or say --graph, or both")
    if path is not None and path.suffix.lower() not in ENDINGS:
        arguments.usage_error(f"{str(path)!r} must end in {' or '.join(ENDINGS)}")
    database = database_path(path) if path else None
    ignored = [path, part_path(path)] if path else []
    with DicomIndex(arguments.folder, database, ignored) as index:
        code = 0
        try:
            with output.progress_bar("reading", "files") as show:
                index.update(arguments.jobs, show)
        except KeyboardInterrupt:
            note("interrupted; run it again to go on from here")
            code = _INTERRUPTED
        except DicomIndexError as error:
            code = output.complain(error)
        if path is not None:
            write_index(index, path, arguments.level)
            if not arguments.graph:
                print(path)
        if arguments.graph:
            _print_groups(index)
        _print_summary(index)
    return code


def _print_summary(index: DicomIndex) -> None:
    """Say how many files are what, and which could not be read."""
    other = index.count(kinds.OTHER)
    dicomdirs = index.count(kinds.DICOMDIR)
    note(
        f"{index.count(kinds.DICOM)} DICOM files; "
        f"skipped: {other} that are no DICOM, {dicomdirs} DICOMDIR"
    )
    if unread := index.count(kinds.UNREAD):
        note(f"{unread} files are not read yet")
    bad = (kinds.UNREADABLE, kinds.REFUSED)
    if count := sum(map(index.count, bad)):
        note(f"{count} could not be read:")
        for file in index.files(*bad):
            note(f"  {output.escaped(file.path)}: {file.reason}")


def _print_groups(index: DicomIndex) -> None:
    from ..dicom_index.related_series import dicom_groups

    rows = [
        _group_row(number, series)
        for number, group in enumerate(dicom_groups(index), start=1)
        for series in group
    ]
    if rows:
        output.print_table(_GROUP_HEADINGS, rows)
    else:
        note("no series refers to another")


def _group_row(number: int, series: Series) -> list[str]:
    references = [
        f"{reference.field} {reference.series or f'{reference.uid} (not in the folder)'}"
        for reference in series.references
    ]
    return [
        str(number),
        output.printable(series.modality),
        output.escaped(series.uid),
        str(series.instances),
        output.printable(series.description),
        output.printable(series.patient_id),
        output.escaped(series.folder),
        output.printable(", ".join(references)),
    ]


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes from 1 to 256")
    return int(text)
