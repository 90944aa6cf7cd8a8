"""JSON files of people who use the server: read up to a limit, so that none fills the memory."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from ..regular_file import read_small, read_small_or_pipe


def read_json(path: Path, *, may_be_pipe: bool = False) -> Any:
    """Return what a file holds; as Python's objects it can take 25 times as much memory.

    It is UTF-8, or UTF-16 as PowerShell writes what a command prints. A pipe is read only if it may
    be one. Raises ``OSError``, also if it is too large, ``ValueError`` if it is no JSON, or has two
    values of one key, and ``RecursionError`` if it is nested too deep.
    """
    read = read_small_or_pipe if may_be_pipe else read_small
    return json.loads(read(path), object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):  # Python would take the last, others the first (RFC 8259, 4)
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"an object has {key!r} twice")
    return found
