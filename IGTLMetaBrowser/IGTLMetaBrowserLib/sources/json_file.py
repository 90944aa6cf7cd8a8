"""JSON files of people who use the server: read up to a limit, so that none fills the memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..net.source import SourceError

MOST_BYTES = 64 << 20
"""Of a file, which as Python's objects can take 25 times as much. 10,000 trajectories have 3 MB,
as markups 10 MB."""


def read_json(path: Path) -> Any:
    """Return what a file holds.

    Raises ``SourceError`` if it is too large, ``OSError``, ``ValueError`` if it is no JSON, and
    ``RecursionError`` if it is nested too deep.
    """
    with path.open("rb") as file:
        # A file can grow after its size was looked at, and a sparse one needs no place on the disk.
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise SourceError(
            f"it is larger than the limit of {MOST_BYTES >> 20} MiB; write less into one file"
        )
    return json.loads(data.decode("utf-8"))
