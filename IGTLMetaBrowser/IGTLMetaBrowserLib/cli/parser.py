"""What the commands of ``igtlmeta`` share in reading their command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], int],
    usage: str,
    errors: tuple[type[Exception], ...],
) -> argparse.ArgumentParser:
    """Add a command to the subparsers ``commands``, and return its parser.

    ``run`` returns the exit code; its docstring is the help. ``errors`` are what it raises to end
    with one line that says why. In the arguments that it is given, ``usage_error`` ends the process
    because of wrong usage.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=run.__doc__, description=run.__doc__, usage=f"igtlmeta {name} {usage}"
    )
    parser.set_defaults(run=run, errors=errors, usage_error=parser.error)
    return parser


def path_of(text: str) -> Path:
    """Return an argument as a path; for argparse, which is told of one that is empty.

    ``Path`` would make the current folder of it, as of a variable that a script has not set.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name a file or a folder")
    return Path(text)
