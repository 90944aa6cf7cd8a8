"""``igtlmeta serve``: a folder of DICOM files, or the demo, for clients to fetch."""

from __future__ import annotations

import argparse
import logging
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from .. import net
from ..sources.demo import DemoSource
from ..sources.dicom_folder import DicomFolderSource
from .output import complain, note
from .parser import add_command

_REASONS_SHOWN = 8


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = "(DIR | --demo) [--host ADDRESS] [--port PORT] [-v]"
    command = add_command(commands, "serve", serve, usage, (net.SourceError,))
    command.add_argument(
        "folder", metavar="DIR", type=Path, nargs="?", help="DICOM files, whatever their names"
    )
    command.add_argument("--demo", action="store_true", help="a head phantom, without any files")
    command.add_argument(
        "--host", metavar="ADDRESS", default="127.0.0.1", help="where to listen (%(default)s)"
    )
    command.add_argument(
        "--port", type=_port, default=net.DEFAULT_PORT, help="(%(default)s); 0 picks a free one"
    )
    command.add_argument(
        "-v", "--verbose", action="store_true", help="say what clients do and files are refused"
    )


def serve(arguments: argparse.Namespace) -> int:
    """Offer a folder's images, or the demo's, until Ctrl-C or SIGTERM."""
    if bool(arguments.folder) == arguments.demo:
        arguments.usage_error("name a folder of DICOM files, or say --demo")
    _start_log(arguments.verbose)
    source = DemoSource() if arguments.demo else _open_folder(arguments.folder, arguments.verbose)
    try:
        server = net.Server(source, arguments.host, arguments.port)
    except OSError as error:
        return complain(
            f"cannot serve on {_written(arguments.host, arguments.port)}: {error.strerror}; "
            "choose another --host, or --port (0 picks a free one)"
        )
    with server:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            address = _written(server.host, server.port)
            print(f"serving {len(source.images())} images on {address}", flush=True)
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def _start_log(is_verbose: bool) -> None:
    handler = logging.StreamHandler()
    logging.captureWarnings(True)
    if not is_verbose:
        # pydicom warns of every oddity in a file, which would hide what matters.
        handler.addFilter(logging.Filter(__package__.partition(".")[0]))
    level = logging.INFO if is_verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", handlers=[handler])


def _open_folder(folder: Path, is_verbose: bool) -> DicomFolderSource:
    """Return a source for a folder; say on stderr what in it is not offered as a volume."""
    source = DicomFolderSource(folder)
    if source.refused:
        note(f"{len(source.refused)} files or series are not offered, or not as volumes:")
    if is_verbose:
        for what, reason in source.refused:
            note(f"  {what}: {reason}")
        return source
    reasons = Counter(reason for _, reason in source.refused).most_common()
    for reason, count in reasons[:_REASONS_SHOWN]:
        note(f"  {count} x {reason}")
    if reasons[_REASONS_SHOWN:]:
        note(f"  {sum(count for _, count in reasons[_REASONS_SHOWN:])} for other reasons; see -v")
    return source


def _written(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)
