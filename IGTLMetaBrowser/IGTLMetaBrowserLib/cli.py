"""``igtlmeta``: lists, fetches and serves images over OpenIGTLink.

Exit code 0; 1 with a line on stderr for each thing that failed; 2 for wrong usage; 130 after
Ctrl-C; 141 where nobody reads the output any more, as other commands have it.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from . import cli_output as output
from . import codec, net
from .cli_output import complain, note
from .nrrd_file import NrrdError, file_paths, require_pynrrd, write_nrrd
from .sources.demo import DemoSource
from .sources.dicom_folder import DicomFolderSource
from .sources.trajectory_file import trajectory_to_json

_TIMEOUT = 15.0
_REASONS_SHOWN = 8
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with the arguments ``argv``, or else the process's; return the exit code.

    Wrong usage raises ``SystemExit``, as argparse does.
    """
    arguments = _parse(argv)
    try:
        sys.stdout.reconfigure(errors="backslashreplace")
        code = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (net.NetworkError, net.SourceError, NrrdError) as error:
        return complain(error)
    except OSError as error:
        # Python flushes once more when it ends; that must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return _BROKEN_PIPE
        return complain(f"{error}; if the output goes to a file, check its disk")


# The commands ------------------------------------------------------------------------------------


def list_images(arguments: argparse.Namespace) -> int:
    """Print what images a server offers."""
    with _client(arguments) as client:
        items = client.list_images()
    if arguments.json:
        output.print_json([output.image_object(item) for item in items])
    elif items:
        output.print_images(items)
    else:
        note(f"{client.address} offers no images")
    return 0


def list_trajectories(arguments: argparse.Namespace) -> int:
    """Print a server's trajectories."""
    with _client(arguments) as client:
        trajectories = [_trajectory_object(item) for item in client.get_trajectories()]
    if arguments.json:
        output.print_json(trajectories)
    elif trajectories:
        output.print_trajectories(trajectories)
    else:
        note(f"{client.address} has no trajectories")
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    """Write images as NRRD files, and print their paths."""
    require_pynrrd()
    folder: Path = arguments.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return complain(f"no folder {str(folder)!r}: {error.strerror}; choose another with -o")
    failures = 0
    with _client(arguments) as client:
        listed = _listed(client, is_needed=arguments.all)
        ids = listed if arguments.all else [_meant(text, listed) for text in arguments.ids]
        for image_id, path in file_paths(folder, ids).items():
            try:
                with output.progress_bar(output.escaped(image_id)) as show:
                    image = client.get_image(image_id, show)
                write_nrrd(path, image, _texts(image_id, listed.get(image_id)))
            except (net.NetworkError, codec.EncodeError, NrrdError) as error:
                complain(f"{output.escaped(image_id)}: {error}")
                failures += 1
            else:
                print(path, flush=True)
    if not ids:
        note(f"{client.address} offers no images")
    return 1 if failures else 0


def serve(arguments: argparse.Namespace) -> int:
    """Offer a folder's images, or the demo's, until Ctrl-C or SIGTERM."""
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


# Their parts -------------------------------------------------------------------------------------


def _client(arguments: argparse.Namespace) -> net.Client:
    host, port = arguments.address
    seconds = arguments.timeout
    return net.Client(host, port, connect_timeout=seconds, answer_timeout=seconds)


def _trajectory_object(item: codec.TrajectoryItem) -> dict[str, Any]:
    fields = trajectory_to_json(item)
    fields["type"] = str(fields["type"])  # a type that OpenIGTLink does not define is its number
    return {key: output.json_value(value) for key, value in fields.items()}


def _listed(client: net.Client, is_needed: bool) -> dict[str, codec.ImageMetaItem]:
    """Return the server's list by id; an empty one where it is not needed and does not come."""
    try:
        return {item.id: item for item in client.list_images()}
    except net.ConnectionFailedError:
        raise
    except net.NetworkError:
        # Then the files lack names. If more is wrong, the images' own answers will say it.
        if is_needed:
            raise
        return {}


def _meant(text: str, listed: Iterable[str]) -> str:
    """Return the listed id that somebody means who wrote it as JSON or the table shows it."""
    if text in listed:
        return text
    shown = (other for other in listed if text in (output.utf8(other), output.escaped(other)))
    return next(shown, text)


def _texts(image_id: str, item: codec.ImageMetaItem | None) -> dict[str, str]:
    """Return what a file says of its image. Not who the patient is: files get passed on."""
    texts = {"id": image_id}
    if item is not None:
        time = output.scan_time(item) or ""
        texts |= {"name": item.name, "modality": item.modality, "scan_time": time}
    return texts


def _start_log(is_verbose: bool) -> None:
    handler = logging.StreamHandler()
    logging.captureWarnings(True)
    if not is_verbose:
        # pydicom warns of every oddity in a file, which would hide what matters.
        handler.addFilter(logging.Filter(__package__))
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


# The command line --------------------------------------------------------------------------------


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="igtlmeta",
        description="Lists, fetches and serves images over OpenIGTLink.",
        epilog="Say --help after a command to read more of it. Try: igtlmeta serve --demo",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_queries(commands)
    _add_serve(commands)
    arguments = parser.parse_args(argv)
    if arguments.run is fetch and bool(arguments.ids) == arguments.all:
        arguments.usage_error("name the ids of images, or say --all for all of them")
    if arguments.run is serve and bool(arguments.folder) == arguments.demo:
        arguments.usage_error("name a folder of DICOM files, or say --demo")
    return arguments


def _add_queries(commands: Any) -> None:
    for name, run in (("list", list_images), ("trajectories", list_trajectories)):
        query = _add_command(commands, name, run, "HOST[:PORT] [--json] [--timeout SECONDS]")
        _add_address(query)
        query.add_argument("--json", action="store_true", help="print JSON, not a table")
    query = _add_command(
        commands, "fetch", fetch, "HOST[:PORT] (ID... | --all) -o DIR [--timeout SECONDS]"
    )
    _add_address(query)
    ids = query.add_argument("ids", metavar="ID", nargs="+", help="an id, as list shows it")
    ids.required = False  # there is none with --all
    query.add_argument("--all", action="store_true", help="fetch all images that are listed")
    query.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        type=Path,
        required=True,
        help="the folder for the files ID.nrrd; made where it is missing",
    )


def _add_serve(commands: Any) -> None:
    usage = "(DIR | --demo) [--host ADDRESS] [--port PORT] [-v]"
    command = _add_command(commands, "serve", serve, usage)
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


def _add_command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], usage: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=run.__doc__, description=run.__doc__, usage=f"igtlmeta {name} {usage}"
    )
    parser.set_defaults(run=run, usage_error=parser.error)
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "address",
        metavar="HOST[:PORT]",
        type=_address,
        help=f"the server; without a port {net.DEFAULT_PORT}; IPv6 as [::1]:{net.DEFAULT_PORT}",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=_TIMEOUT,
        help="give up when nothing comes from the server for so long (%(default)g)",
    )


def _address(text: str) -> tuple[str, int]:
    try:
        return net.parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
