"""``igtlmeta trajectories``: what is planned on a server."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .. import codec, net
from ..net.list_metadata.notices import documents_of_items, notice_of_list, notices_of_documents
from ..scene.markups.trajectory_decoding import TrajectoryError, planned_points
from ..sources.trajectory_file import trajectory_to_json
from . import connection_options, output
from .markups_file import ENDING, write_markups
from .output import complain, note
from .parser import add_command

_ABOUT = "Print a server's trajectories, or write them as a file for Slicer."


def add_commands(commands: Any) -> None:
    """Add the command to the subparsers of ``igtlmeta``."""
    usage = f"HOST[:PORT] [--json | -o FILE{ENDING}] [--lps] [--radius] {connection_options.USAGE}"
    parser = add_command(
        commands, "trajectories", _ABOUT, list_trajectories, usage, (net.NetworkError,)
    )
    connection_options.add_connection_options(parser)
    connection_options.add_lps_option(parser)
    parser.add_argument(
        "--radius",
        action="store_true",
        help="the server sends the radius of trajectories, as the C++ library calls that field; "
        "the protocol says the diameter",
    )
    form = parser.add_mutually_exclusive_group()
    connection_options.add_json_option(form)
    form.add_argument(
        "-o",
        "--output",
        metavar=f"FILE{ENDING}",
        type=_markups_path,
        help="write them as markups that Slicer opens, and print the path",
    )


def list_trajectories(arguments: argparse.Namespace) -> int:
    """Run ``igtlmeta trajectories``."""
    with connection_options.open_client(arguments) as client:
        message = client.get_trajectory_list(output.preparing_note("the trajectories"))
    items, notices = message.items, _notices(message)
    if missing := notice_of_list(message.metadata):
        note(missing)
    for text in dict.fromkeys(filter(None, notices)):
        names = [item.name for item, one in zip(items, notices, strict=True) if one == text]
        note(f"{', '.join(names)}: {text}")
    if arguments.output is not None:
        return _write(arguments.output, items)
    trajectories = [_object(*one) for one in zip(items, notices, strict=True)]
    if arguments.json:
        output.print_json(trajectories)
    elif trajectories:
        output.print_trajectories(trajectories)
    else:
        note(f"{client.address} has no trajectories")
    return 0


def _write(path: Path, items: Iterable[codec.TrajectoryItem]) -> int:
    """Write what Slicer can show, and say what it cannot."""
    shown, exit_code = [], 0
    for item in items:
        try:
            planned_points(item)
            shown.append(item)
        except TrajectoryError as error:
            exit_code = complain(error)
    write_markups(path, shown)
    output.print_path(path)
    return exit_code


def _notices(message: codec.TrajectoryMessage) -> list[str]:
    """Return what there is to know of the document of each trajectory, or empty texts."""
    known = notices_of_documents(message.metadata)
    uids = documents_of_items(message) or [""] * len(message.items)
    return [known.get(uid, "") for uid in uids]


def _object(item: codec.TrajectoryItem, notice: str) -> dict[str, Any]:
    fields = trajectory_to_json(item) | ({"notice": notice} if notice else {})
    fields["type"] = str(fields["type"])  # a type that OpenIGTLink does not define is its number
    return {key: output.json_value(value) for key, value in fields.items()}


def _markups_path(text: str) -> Path:
    if not text.endswith(ENDING):
        raise argparse.ArgumentTypeError(
            f"{text!r} does not end in {ENDING}, by which Slicer knows such a file"
        )
    return Path(text)
