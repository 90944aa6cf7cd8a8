"""``igtlmeta index``: the DICOM metadata dictionary of a folder, as a file that is kept up to date.

Beside the output FILE.csv, FILE.json or FILE.parquet lies FILE.sqlite: what is known of each file,
with the size and time by which a change is noticed. The next run reads only what is new or changed;
without it, all is read anew. The three share it.

``--dask ADDRESS`` reads on an existing Dask cluster, whose workers have this package and see the
folder under the same path.

Exit code: 0 if the index is written, even if files in the folder could not be read, which are
listed on stderr; 1 if it is not, or not all could be looked at; 130 after Ctrl-C: what was read
until then is written, and the next run goes on from there.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..dicom_index.database import DicomIndexError
from ..dicom_index.export import ENDINGS, check_format, database_path, part_path, write_index
from ..dicom_index.headers import header_reader as kinds
from ..dicom_index.index import DicomIndex
from ..dicom_index.rows import LEVELS, SERIES
from ..optional_packages import is_installed, pip_command
from . import output
from .output import note
from .parser import add_command, modalities_of, path_of

if TYPE_CHECKING:
    from ..dicom_index.related_series import Branch

# 128 and the number of SIGINT, as a shell has it.
_INTERRUPTED = 130
# Dask itself waits 30 s (distributed.comm.timeouts.connect).
_SECONDS_TO_CONNECT = 10
_TRIES = 2
_GROUP_HEADINGS = (
    "group", "modality", "series", "files", "description", "patient ID", "folder", "refers to"
)  # fmt: skip

_ABOUT = "Write the metadata of the DICOM files in a folder, or update what was written before."


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = (
        "DIR [-o FILE.csv | FILE.json | FILE.parquet] [--level series|instance] [--graph] "
        "[--query MODALITIES] [--jobs N | --dask ADDRESS]"
    )
    command = add_command(commands, "index", _ABOUT, make_index, usage, (DicomIndexError,))
    command.add_argument(
        "folder", metavar="DIR", type=path_of, help="a folder of DICOM files, with any names"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=path_of,
        help="the file to write or update; FILE.sqlite is kept beside it",
    )
    command.add_argument(
        "--level",
        choices=LEVELS,
        default=SERIES,
        help="one entry for each subseries of a series, or for each file (%(default)s)",
    )
    command.add_argument(
        "--jobs", metavar="N", type=_jobs, default=processors(), help="processes (%(default)s)"
    )
    command.add_argument(
        "--dask", metavar="ADDRESS", help="read on a Dask cluster instead, such as tcp://host:8786"
    )
    command.add_argument("--graph", action="store_true", help="print which series belong together")
    command.add_argument(
        "--query",
        metavar="MODALITIES",
        type=modalities_of,
        help="print only the series of these modalities that belong together, such as CT,RTSTRUCT",
    )


def make_index(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta index``."""
    path: Path | None = arguments.output
    is_graph = arguments.graph or arguments.query
    if path is None and not is_graph:
        arguments.usage_error("give a file to write with -o, or --graph, or --query")
    if path is not None and path.suffix.lower() not in ENDINGS:
        arguments.usage_error(f"{str(path)!r} must end in {' or '.join(ENDINGS)}")
    if path is not None:
        _check_packages(path)
    database = database_path(path) if path else None
    ignored = [path, part_path(path)] if path else []
    with DicomIndex(arguments.folder, database, ignored) as index:
        code = 0
        try:
            with _executor(arguments) as executor, output.progress_bar("reading", "files") as show:
                index.update(arguments.jobs, show, executor)
        except KeyboardInterrupt:
            note("interrupted; run it again to continue")
            code = _INTERRUPTED
        except DicomIndexError as error:
            code = output.complain(error)
        if path is not None:
            write_index(index, path, arguments.level, partial(_ids_of_files, index))
            if not is_graph:
                output.print_path(path)
        if is_graph:
            _print_groups(index, arguments.query)
        _print_summary(index)
    return code


def _check_packages(path: Path) -> None:
    """Raise ``DicomIndexError`` before all files are read, if nothing could be written then."""
    check_format(path)
    if not is_installed("pydicom"):
        raise DicomIndexError(
            "the ids of images need pydicom, which is not installed, or too old. "
            f"Install it: {pip_command('pydicom')}"
        )


def _print_summary(index: DicomIndex) -> None:
    """Say how many files are what, and which could not be read."""
    other = index.count(kinds.OTHER)
    dicomdirs = index.count(kinds.DICOMDIR)
    note(
        f"{index.count(kinds.DICOM)} DICOM files; "
        f"skipped: {other} that are not DICOM, {dicomdirs} DICOMDIR"
    )
    if unread := index.count(kinds.UNREAD):
        note(f"{unread} files have not been read yet")
    bad = (kinds.UNREADABLE, kinds.REFUSED)
    if count := sum(map(index.count, bad)):
        note(f"{count} could not be read:")
        for file in index.files(*bad):
            note(f"  {output.escaped(file.path)}: {file.reason}")


def _ids_of_files(index: DicomIndex) -> dict[str, list[str]]:
    """Return the ids under which ``igtlmeta serve`` offers the images of the files."""
    from ..net.source import SourceError
    from ..sources.dicom.folder import DicomFolderSource

    try:
        return DicomFolderSource(index.folder, (), index=index).ids_of_files()
    except SourceError as error:
        raise DicomIndexError(str(error)) from error


@contextmanager
def _executor(arguments: argparse.Namespace) -> Iterator[Any]:
    """Yield what reads on a Dask cluster, or None."""
    if not arguments.dask:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise DicomIndexError("--dask needs Dask; pip install distributed") from None
    try:
        client = Client(arguments.dask, timeout=_SECONDS_TO_CONNECT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise DicomIndexError(
            f"no Dask cluster answers at {arguments.dask}: {error}; check the address"
        ) from error
    with client:
        arguments.jobs = max(1, sum(client.nthreads().values()))
        # A batch of files is read again if its worker is lost.
        yield client.get_executor(retries=_TRIES)


def _print_groups(index: DicomIndex, modalities: list[str] | None) -> None:
    from ..dicom_index.related_series import dicom_groups, having, tree

    groups = dicom_groups(index)
    if modalities:
        groups = having(groups, modalities)
    rows = [
        _group_row(number, branch)
        for number, group in enumerate(groups, start=1)
        for branch in tree(group)
    ]
    if rows:
        output.print_table(_GROUP_HEADINGS, rows)
    elif modalities:
        note(f"no series of {', '.join(modalities)} belong together")
    else:
        note("no series refers to another")


def _group_row(number: int, branch: Branch) -> list[str]:
    series = branch.series
    references = [
        f"{reference.field} {reference.series or f'{reference.uid} (not in the folder)'}"
        for reference in series.references
    ]
    return [
        str(number),
        "  " * branch.depth + output.printable(series.modality),
        output.escaped(series.uid),
        str(series.instances),
        output.printable(series.description),
        output.printable(series.patient_id),
        output.escaped(series.folder),
        output.printable(", ".join(references)),
    ]


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 256")
    return int(text)
