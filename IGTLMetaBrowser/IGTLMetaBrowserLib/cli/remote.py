"""``igtlmeta list``, ``trajectories`` and ``fetch``: what a server has."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import codec, net
from ..scene.trajectory_decoding import problem
from ..sources.trajectory_file import trajectory_to_json
from . import output as output
from .markups_file import ENDING, MarkupsFileError, write_markups
from .nrrd_file import NrrdError, file_paths, require_pynrrd, write_nrrd
from .output import complain, note
from .parser import add_command

_TIMEOUT = 15.0
_ERRORS = (net.NetworkError, NrrdError, MarkupsFileError)


def add_commands(commands: Any) -> None:
    """Add the commands to the subparsers of ``igtlmeta``."""
    usage = "HOST[:PORT] [--json] [--timeout SECONDS]"
    query = add_command(commands, "list", list_images, usage, _ERRORS)
    _add_address(query)
    _add_json(query)
    usage = f"HOST[:PORT] [--json | -o FILE{ENDING}] [--timeout SECONDS]"
    query = add_command(commands, "trajectories", list_trajectories, usage, _ERRORS)
    _add_address(query)
    form = query.add_mutually_exclusive_group()
    _add_json(form)
    form.add_argument(
        "-o",
        "--output",
        metavar=f"FILE{ENDING}",
        type=_markups_path,
        help="write them as markups that Slicer opens, and print the path",
    )
    _add_fetch(commands)


def _add_fetch(commands: Any) -> None:
    usage = "HOST[:PORT] (ID... | --all) -o DIR [--timeout SECONDS]"
    query = add_command(commands, "fetch", fetch, usage, _ERRORS)
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
    """Print a server's trajectories, or write them as a file for Slicer."""
    with _client(arguments) as client:
        items = client.get_trajectories()
    if arguments.output is not None:
        return _write_trajectories(arguments.output, items)
    trajectories = [_trajectory_object(item) for item in items]
    if arguments.json:
        output.print_json(trajectories)
    elif trajectories:
        output.print_trajectories(trajectories)
    else:
        note(f"{client.address} has no trajectories")
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    """Write images as NRRD files, and print their paths."""
    if bool(arguments.ids) == arguments.all:
        arguments.usage_error("name the ids of images, or say --all for all of them")
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


def _client(arguments: argparse.Namespace) -> net.Client:
    host, port = arguments.address
    seconds = arguments.timeout
    return net.Client(host, port, connect_timeout=seconds, answer_timeout=seconds)


def _write_trajectories(path: Path, items: Iterable[codec.TrajectoryItem]) -> int:
    """Write what Slicer can show, and say what it cannot."""
    problems = [text for item in items if (text := problem(item))]
    for text in problems:
        complain(text)
    write_markups(path, [item for item in items if not problem(item)])
    print(path, flush=True)
    return 1 if problems else 0


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


def _add_json(parser: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")


def _markups_path(text: str) -> Path:
    if not text.endswith(ENDING):
        raise argparse.ArgumentTypeError(
            f"{text!r} does not end in {ENDING}, by which Slicer knows such a file"
        )
    return Path(text)


def _address(text: str) -> tuple[str, int]:
    try:
        return net.parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds
