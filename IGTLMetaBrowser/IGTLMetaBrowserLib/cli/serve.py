"""``igtlmeta serve``: a folder of DICOM files, an archive or the demo, for clients to fetch.

What is read of the files is kept in a database, so that the next run reads only what is new or
changed: FILE.sqlite with ``--index`` (that of ``igtlmeta index`` will do, too), or else one for
each folder in the user's cache. It holds names of patients; nobody else may read it.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import net
from ..dicom_index.database import DicomIndexError
from ..dicom_index.index import DicomIndex
from ..net.limited_log import LimitedModules
from ..net.listener import listen
from ..net.server.audit import AuditError
from ..net.source import HasToBeClosed
from ..sources.demo import DemoSource
from ..sources.dicom.folder import DicomFolderSource
from ..sources.plain_volumes.folder import PlainVolumeSource
from ..system_errors import reason_of
from . import archive_options, serving_options, tls_options
from .deidentify_options import (
    add_deidentify_options,
    deidentified,
    deidentify_key,
    keep_names_out_of_log,
)
from .hangup import HangUp
from .index import processors
from .metrics import Metrics
from .output import complain, note, progress_bar
from .parser import add_command, path_of
from .serving import Records, Serving, end_with_stdin, ending_in_time, when_ready

_REASONS_SHOWN = 8
# After so long a source that makes an image lets others have their turn.
_SECONDS_A_TURN = 0.01
_IN_MEMORY = "for this run, the index is kept in memory only"

_ABOUT = "Serve a folder's images, an archive's or the demo's, until Ctrl-C or SIGTERM."


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    what = "(DIR [--volumes] | --dicomweb URL | --dicom AET@HOST:PORT | --demo)"
    usage = f"{what} [--host ADDRESS] [--port PORT] [options]"
    errors = (net.SourceError, net.TLSError, AuditError, DicomIndexError)
    command = add_command(commands, "serve", _ABOUT, serve, usage, errors)
    _add_source_options(command)
    serving_options.add_address_options(command)
    tls_options.add_server_options(command)
    serving_options.add_limit_options(command)
    serving_options.add_record_options(command)
    add_deidentify_options(command)
    archive_options.add_archive_options(command)


def _add_source_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "folder",
        metavar="DIR",
        type=path_of,
        nargs="?",
        help="a folder of DICOM files, with any names",
    )
    command.add_argument(
        "--demo", action="store_true", help="serve a head phantom; no files are needed"
    )
    command.add_argument(
        "--volumes", action="store_true", help="DIR has NRRD, NIfTI or MetaImage files, and markups"
    )
    command.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="log what clients do, and which files are refused",
    )
    command.add_argument(
        "--index",
        metavar="FILE.sqlite",
        type=path_of,
        help="a file that keeps the index from one run to the next (default: in your cache)",
    )
    command.add_argument(
        "--upright",
        action="store_true",
        help="resample tilted volumes, for clients that cannot show a sheared matrix",
    )
    command.add_argument(
        "--end-with-stdin",
        action="store_true",
        help="end when the standard input closes: when the program ends that started this",
    )


def serve(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta serve``."""
    hangup = HangUp()
    _check_source_options(arguments)
    tls = tls_options.server_tls(arguments)
    context = None if tls is None else tls_options.make_server_context(tls)
    serving_options.check_exposure(arguments)
    _start_log(arguments.verbose)
    keep_names_out_of_log(arguments)
    key = deidentify_key(arguments)
    limits, records = serving_options.limits(arguments), _records(arguments)
    try:
        listen(arguments.host, arguments.port).close()  # to read a folder can take minutes
    except OSError as error:
        return complain(serving_options.why_not_listening(arguments, error))
    if arguments.end_with_stdin:
        end_with_stdin()
    opened = _open_source(arguments)
    with closed_at_end(opened) as result:
        source = opened
        if key is not None:
            source = deidentified(opened, key, arguments.allow_annotated, _SECONDS_A_TURN)
        try:
            server = net.Server(source, arguments.host, arguments.port, limits, context, records)
        except OSError as error:
            result.code = complain(serving_options.why_not_listening(arguments, error))
            return result.code
        with server:
            serving = Serving(server, tls, records, hangup)
            address = net.format_address(server.host, server.port)
            print(f"serving {_count(source)} images on {address}", flush=True)
            gc.freeze()  # to look through 20,000 series for garbage keeps clients waiting 0.2 s
            serving.run()
    return 0


def _check_source_options(arguments: argparse.Namespace) -> None:
    if bool(arguments.folder) + arguments.demo + archive_options.is_given(arguments) != 1:
        arguments.usage_error("give one of: a folder of DICOM files, an archive, --demo")
    if arguments.volumes and not arguments.folder:
        arguments.usage_error("--volumes says what is in a folder; name that: DIR --volumes")
    archive_options.check_limits(arguments)


@dataclass
class Result:
    """With which exit code the process ends."""

    code: int = 0


@contextmanager
def closed_at_end(source: net.Source) -> Iterator[Result]:
    """End what a source has begun: no fetch, decoding, or reading shall outlive the command.

    If that takes too long, the process ends with the code of the result, or with 1 after an error.
    """
    result = Result()
    try:
        yield result
    except KeyboardInterrupt:  # or SIGTERM, before it has begun to serve
        raise
    except BaseException:
        result.code = 1
        raise
    finally:
        if isinstance(source, HasToBeClosed):
            with ending_in_time(result.code):
                source.close()


def _records(arguments: argparse.Namespace) -> Records:
    """Return what is told of all that clients do. Raises ``AuditError``, ``CommandError``."""
    metrics = None if arguments.metrics is None else Metrics(arguments.metrics)
    return Records(serving_options.audit_trail(arguments), metrics)


def _count(source: net.Source) -> int:
    """Return how many images are listed, when the source knows them."""
    return len(when_ready(source.images))


def _open_source(arguments: argparse.Namespace) -> net.Source:
    if archive_options.is_given(arguments):
        return archive_options.open_archive_source(arguments, processors(), _SECONDS_A_TURN)
    if arguments.demo:
        return DemoSource(_SECONDS_A_TURN)
    if arguments.volumes:
        return _open_volumes(arguments)
    source = _open_folder(arguments)
    if not _count(source):
        note(_why_nothing_is_served(arguments.folder))
    return source


def _why_nothing_is_served(folder: Path) -> str:
    if PlainVolumeSource.is_for(folder):
        return "to serve the NRRD, NIfTI or MetaImage files in the folder, add --volumes"
    return (
        f"there are no DICOM images in {str(folder)!r}; check the path, or bring some there: "
        "clients see them when they refresh their list"
    )


def _open_volumes(arguments: argparse.Namespace) -> PlainVolumeSource:
    """Return a source for a folder of plain volumes; say on stderr what is not offered."""
    source = PlainVolumeSource(arguments.folder, is_served=True)
    if not _count(source):
        note(
            "there are no NRRD, NIfTI or MetaImage files that can be served in "
            f"{str(arguments.folder)!r}; check the path, or bring some there: clients see them "
            "when they refresh their list"
        )
    if _are_names_hidden(arguments):
        _note_count(len(source.refused), "files")
        return source
    for name, reason in source.refused:
        note(f"not offered: {name}: {reason}")
    return source


def _start_log(is_verbose: bool) -> None:
    handler = logging.StreamHandler()
    logging.captureWarnings(True)
    if is_verbose and not sys.warnoptions:
        warnings.simplefilter("default")
    if not is_verbose:
        # pydicom warns of every oddity in a file, which would hide what matters.
        handler.addFilter(logging.Filter(__package__.partition(".")[0]))
    handler.addFilter(LimitedModules(net.__name__))
    level = logging.INFO if is_verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", handlers=[handler])


def _open_folder(arguments: argparse.Namespace) -> DicomFolderSource:
    """Return a source for a folder; say on stderr what in it is not offered as a volume."""
    source = _source_of(arguments.folder, arguments.index, arguments.upright)
    _note_count(len(source.refused), "files or series")
    if _are_names_hidden(arguments):
        return source
    if arguments.verbose:
        for what, reason in source.refused:
            note(f"  {what}: {reason}")
        return source
    reasons = Counter(reason for _, reason in source.refused).most_common()
    for reason, count in reasons[:_REASONS_SHOWN]:
        note(f"  {count} x {reason}")
    if reasons[_REASONS_SHOWN:]:
        note(f"  {sum(count for _, count in reasons[_REASONS_SHOWN:])} for other reasons; see -v")
    return source


def _are_names_hidden(arguments: argparse.Namespace) -> bool:
    """Whether names of files, which can be those of patients, are kept off standard error."""
    return arguments.deidentify and not arguments.verbose


def _note_count(count: int, what: str) -> None:
    if count:
        note(f"{what} that are not offered, or not as volumes: {count}")


def _source_of(folder: Path, database: Path | None, is_upright: bool) -> DicomFolderSource:
    """Return a source for a folder, with what the last run has kept of its files."""
    index = _open_index(folder, database)
    try:
        return _updated_source(folder, index, is_upright)
    except (DicomIndexError, net.SourceError) as error:
        if not any(isinstance(one, DicomIndexError) for one in (error, error.__cause__)):
            raise
        note(f"{error}; {_IN_MEMORY}")  # a full disk, or a damaged index
        index.close()
        return _updated_source(folder, DicomIndex(folder), is_upright)


def _updated_source(folder: Path, index: DicomIndex, is_upright: bool) -> DicomFolderSource:
    with progress_bar("reading", "files") as show:
        index.update(processors(), show)
    return DicomFolderSource(
        folder,
        index=index,
        jobs=processors(),
        seconds_a_turn=_SECONDS_A_TURN,
        is_upright=is_upright,
    )


def _open_index(folder: Path, database: Path | None) -> DicomIndex:
    """Open the index of a folder; in memory if the database in the cache cannot be used."""
    if database is not None or not folder.is_dir():
        return DicomIndex(folder, database)
    try:
        return DicomIndex(folder, _cached_index(folder))
    except (DicomIndexError, OSError) as error:
        note(f"there is no cache for it ({reason_of(error)}); {_IN_MEMORY}")
        return DicomIndex(folder)


def _cached_index(folder: Path) -> Path:
    """Return the database for a folder in the user's cache, which is made if it is missing."""
    cache = archive_options.default_cache()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    path = cache / f"{name}.sqlite"
    path.touch(mode=0o600)
    return path
