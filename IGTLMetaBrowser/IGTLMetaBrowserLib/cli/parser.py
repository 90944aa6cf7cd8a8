"""What the commands of ``igtlmeta`` share in reading their command lines."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]?)(?:i?B)?", re.IGNORECASE)


class CommandError(Exception):
    """What ends any command with one line that says why: the text."""


class Parser(argparse.ArgumentParser):
    """The parser of the command, and of each subcommand: its errors say where the help is."""

    def error(self, message: str) -> NoReturn:
        """End the process because of wrong usage."""
        super().error(f"{message}; see {self.prog} --help")

    def print_help(self, file: Any = None) -> None:
        """Print it; argparse would not tell anybody that it could not be written."""
        print(self.format_help(), end="", file=file)


class ShowVersion(argparse.Action):
    """An option that prints which versions run, for a bug report, and ends the process."""

    def __init__(self, *names: Any, **options: Any) -> None:
        super().__init__(*names, nargs=0, **options)

    def __call__(self, *_arguments: Any) -> NoReturn:
        """Look them up: that takes longer than all that other commands have to import."""
        import platform
        from importlib import metadata

        try:
            version = metadata.version("igtlmetabrowser")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        print(f"igtlmeta {version}, Python {platform.python_version()}, {platform.platform()}")
        raise SystemExit(0)


def add_command(
    commands: Any,
    name: str,
    about: str,
    run: Callable[[argparse.Namespace], int],
    usage: str,
    errors: tuple[type[Exception], ...],
) -> argparse.ArgumentParser:
    """Add a command to the subparsers ``commands``, and return its parser.

    ``about`` is its help (with ``python -OO`` there are no docstrings), of which the list of all
    commands has the first sentence. ``run`` returns the exit code. ``errors`` are what it raises,
    beside ``CommandError``, to end with one line that says why. In the arguments that it is given,
    ``usage_error`` ends the process because of wrong usage.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=about.partition(". ")[0].rstrip(".") + ".",
        description=about,
        usage=f"igtlmeta {name} {usage}",
    )
    parser.set_defaults(run=run, errors=(CommandError, *errors), usage_error=parser.error)
    return parser


def modalities_of(text: str) -> list[str]:
    """Return modalities (DICOM's, such as CT), with commas or blanks between them; for argparse."""
    modalities = re.findall(r"[^\s,\\]+", text.upper())
    if not modalities:
        raise argparse.ArgumentTypeError("give modalities, such as CT,RTSTRUCT")
    return modalities


def text_of(argument: str) -> str:
    """Return an argument as the text that a server knows; for argparse.

    Where the system's texts are ASCII (``LC_ALL=C``, without Python's UTF-8 mode), Python keeps the
    bytes of all other letters, one by one.
    """
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def path_of(text: str) -> Path:
    """Return an argument as a path; for argparse, which is told of one that is empty.

    ``Path`` would make the current folder of it, as of a variable that a script has not set.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name a file or a folder")
    return Path(text)


def size_of(text: str) -> int:
    """Return a number of bytes, written such as 500M or 6G; for argparse."""
    match = _SIZE.fullmatch(text.strip())
    size = float(match[1]) * _UNITS[match[2].upper()] if match else 0.0
    if not 1 <= size < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 500M or 6G")
    return int(size)
