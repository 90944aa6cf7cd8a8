"""What ``igtlmeta`` prints: JSON, and for people tables and progress, with rich if it is installed.

JSON is ASCII. Its times are ISO 8601 in UTC with microseconds (2010-12-07T16:29:30.234500+00:00).
Numbers that are not finite are null, and so are points that have one. Text that is not UTF-8 is
read as Western Windows writes it (``codec.readable``); an id, and what cannot be read so, has
``\\xNN`` for each byte that is not UTF-8. Tables show ids with such escapes for whatever cannot be
printed, and U+FFFD in its place elsewhere.
"""

from __future__ import annotations

import json
import math
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..utf8 import utf8

if TYPE_CHECKING:
    from .. import codec

_IMAGE_HEADINGS = (
    "Name", "ID", "Modality", "Patient", "Patient ID", "Scan time (UTC)", "Size", "Type"
)  # fmt: skip
_TRAJECTORY_HEADINGS = (
    "Name", "Group", "Type", "RGBA", "Entry (RAS mm)", "Target (RAS mm)", "Diameter (mm)", "Owner"
)  # fmt: skip
_encode = json.JSONEncoder(allow_nan=False).encode
# Of a terminal.
_ENOUGH_COLUMNS = 80
# rich keeps all rows, 3 kB each, until the last one is there.
_MOST_FOLDED = 10_000
# By field of ``net.ConnectionSettings``: the options of the commands that ask a server.
_OPTIONS = {
    "answer_timeout": "--timeout",
    "max_body_size": "--max-size",
    "accept_missing_checksum": "--accept-missing-checksum",
    "tls": "--tls",
}
# Between two lines that say that the server is preparing an answer.
_SECONDS_BETWEEN_NOTES = 5


def escaped(text: str) -> str:
    """Return a text from the wire in characters that can be read off a screen and typed again."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in utf8(text)
    )


def printable(text: str) -> str:
    """Return a text as ``codec.printable`` does, without loading the codec for most of them."""
    if text.isprintable():
        return text
    from .. import codec

    return codec.printable(text)


def complain(error: object, label: str = "") -> int:
    """Say in one line on stderr what went wrong, and with what; return the exit code for it."""
    note(f"{label}: {error_text(error)}" if label else error_text(error))
    return 1


def error_text(error: object) -> str:
    """Return an error in one line, with the option that would avoid it."""
    option = _OPTIONS.get(getattr(error, "setting", ""))
    words = " ".join(str(error).split())
    return f"{words} ({option})" if option else words


def preparing_note(label: str) -> Callable[[float], None]:
    """Return what says every few seconds on stderr that a server is preparing an answer.

    It is to be called with the seconds since the question.
    """
    said_at = 0.0

    def say(seconds: float) -> None:
        nonlocal said_at
        if seconds >= said_at + _SECONDS_BETWEEN_NOTES:
            said_at = seconds
            note(f"{label}: preparing, {seconds:.0f} s")

    return say


def note(text: str) -> None:
    """Print a line on stderr; one that cannot be written there is left out.

    That the disk of a log is full, or its terminal closed, must not end a server, nor keep the
    other images from being fetched.
    """
    with suppress(OSError):
        print(f"igtlmeta: {printable(text)}", file=sys.stderr, flush=True)


def note_if_others_may_read(path: Path) -> None:
    """Say on stderr if a file with a secret is open to everybody; Windows has no such numbers."""
    if os.name != "nt" and path.stat().st_mode & stat.S_IROTH:
        note(f"everybody on this computer may read the secret in {str(path)!r}: chmod o-r it")


def print_path(path: Path) -> None:
    """Print a path on stdout as other programs are to open it: its bytes, if no text has them.

    As of a file whose name is not UTF-8, or of any other name if the system's texts are ASCII.
    """
    text = str(path)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        if os.name != "nt" and hasattr(sys.stdout, "buffer"):
            sys.stdout.flush()
            sys.stdout.buffer.write(os.fsencode(text) + b"\n")
            sys.stdout.buffer.flush()
            return
    print(text, flush=True)


def print_json(objects: Iterable[dict[str, Any]]) -> None:
    """Print objects with values as ``json_value`` returns them, each as soon as it is there."""
    separator = "[\n "
    for fields in objects:
        print(separator + _json_object(fields), end="")
        separator = ",\n "
    print("[]" if separator.startswith("[") else "\n]")


def _json_object(fields: dict[str, Any]) -> str:
    """Return what ``json.dumps`` with an indent of 1 writes of an object in a list.

    With an indent, Python's ``json`` does without its C code: a million images take a minute more.
    """
    if any(isinstance(value, dict) for value in fields.values()):
        return json.dumps(fields, indent=1, allow_nan=False).replace("\n", "\n ")
    lines = [f"{_encode(name)}: {_json_lines(value)}" for name, value in fields.items()]
    return "{\n  " + ",\n  ".join(lines) + "\n }" if lines else "{}"


def _json_lines(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n   " + ",\n   ".join(map(_encode, value)) + "\n  ]"
    return _encode(value)


def json_value(value: Any) -> Any:
    """Return a text, a number, or a list of numbers, as JSON can hold it."""
    if isinstance(value, str):
        from .. import codec

        return utf8(codec.readable(value))
    numbers = value if isinstance(value, list) else [value]
    return value if all(x is not None and math.isfinite(x) for x in numbers) else None


def iso_time(timestamp: codec.Timestamp) -> str | None:
    """Return a time of OpenIGTLink in ISO 8601, or None if it is not set."""
    time = timestamp.to_datetime()
    return time.isoformat(timespec="microseconds") if time else None


def image_object(item: codec.ImageMetaItem) -> dict[str, Any]:
    """Return an image of a listing as an object for JSON; ``size`` is [i, j, k]."""
    from .. import codec

    is_known = isinstance(item.scalar_type, codec.ScalarType)
    return {
        "name": json_value(item.name),
        "id": utf8(item.id),
        "modality": json_value(item.modality),
        "patient_name": json_value(item.patient_name),
        "patient_id": json_value(item.patient_id),
        "scan_time": iso_time(item.scan_time),
        "size": list(item.size),
        "scalar_type": item.scalar_type.dtype.name if is_known else None,
    }


def print_images(items: Sequence[codec.ImageMetaItem]) -> None:
    """Print the images of a listing as a table."""
    print_table(_IMAGE_HEADINGS, LazyRows(_image_row, items))


def print_trajectories(trajectories: Sequence[dict[str, Any]]) -> None:
    """Print trajectories, in the form that they have in JSON, as a table."""
    keys = ("name", "group", "type", "rgba", "entry", "target", "diameter", "owner")
    rows = [[_cell(trajectory[key]) for key in keys] for trajectory in trajectories]
    print_table(_TRAJECTORY_HEADINGS, rows)


@contextmanager
def progress_bar(label: str, unit: str = "bytes") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr until the block ends, if stderr is a terminal.

    Yields a function to call with the number of bytes that have arrived, and of all bytes; or of
    whatever else ``unit`` names.
    """
    if not _has_rich(sys.stderr):
        yield lambda received, total: None
        return
    from rich import progress as bars
    from rich.console import Console

    if unit == "bytes":
        counts = [bars.DownloadColumn(), bars.TransferSpeedColumn()]
    else:
        counts = [bars.MofNCompleteColumn(), bars.TextColumn(unit), bars.TimeRemainingColumn()]
    with bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        *counts,
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(label, total=None)
        yield lambda received, total: progress.update(task, completed=received, total=total)


def _image_row(item: codec.ImageMetaItem) -> list[str]:
    from .. import codec

    time = item.scan_time.to_datetime()
    # An archive knows size and type of a series once it has fetched it, and lists 0 until then.
    size = "x".join(map(str, item.size)) if any(item.size) else "unknown"
    scalar_type = f"unknown ({item.scalar_type})"
    if isinstance(item.scalar_type, codec.ScalarType):
        scalar_type = item.scalar_type.dtype.name if any(item.size) else "unknown"
    return [
        printable(item.name),
        escaped(item.id),
        printable(item.modality),
        printable(item.patient_name),
        printable(item.patient_id),
        f"{time:%Y-%m-%d %H:%M:%S}" if time else "",
        size,
        scalar_type,
    ]


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"{number:.6g}" for number in value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return printable(value or "")


class LazyRows:
    """The rows of a table, each made of an item whenever it is looked at."""

    def __init__(self, make: Callable[[Any], list[str]], items: Sequence[Any]) -> None:
        self._make, self._items = make, items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[list[str]]:
        return map(self._make, self._items)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]] | LazyRows) -> None:
    """Print a table: folded to the width of a terminal, elsewhere one line a row."""
    if len(rows) <= _MOST_FOLDED and _has_rich(sys.stdout):
        _print_rich_table(headings, rows)
        return
    widths = [len(heading) for heading in headings]
    for row in rows:
        widths = [max(width, len(cell)) for width, cell in zip(widths, row, strict=True)]
    for row in chain([headings], rows):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())


def _print_rich_table(headings: Sequence[str], rows: Sequence[Sequence[str]] | LazyRows) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # What a server calls its images is no markup.
    console = Console(markup=False, emoji=False, highlight=False)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in headings:
        # An id is copied from here; it stays whole if that leaves room for the rest.
        keep_whole = heading == "ID" and console.width >= _ENOUGH_COLUMNS
        table.add_column(heading, overflow="fold", no_wrap=keep_whole)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _has_rich(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal, and rich is there to draw on it."""
    if not stream.isatty():
        return False
    from ..optional_packages import is_usable

    return is_usable("rich")
