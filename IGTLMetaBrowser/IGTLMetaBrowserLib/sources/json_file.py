"""JSON files of people who use the server: read up to a limit, so that none fills the memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..regular_file import read_small, read_small_or_pipe


def read_json(path: Path, *, may_be_pipe: bool = False) -> Any:
    """Return what a file holds; as Python's objects it can take 25 times as much memory.

    A pipe is read only if it may be one. Raises ``OSError``, also if it is too large,
    ``ValueError`` if it is no JSON, and ``RecursionError`` if it is nested too deep.
    """
    read = read_small_or_pipe if may_be_pipe else read_small
    return json.loads(read(path).decode("utf-8"))
