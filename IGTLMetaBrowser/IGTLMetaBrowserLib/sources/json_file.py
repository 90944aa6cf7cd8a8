"""JSON files of people who use the server: read up to a limit, so that none fills the memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..regular_file import read_small


def read_json(path: Path) -> Any:
    """Return what a file holds; as Python's objects it can take 25 times as much memory.

    Raises ``OSError``, also if it is too large, ``ValueError`` if it is no JSON, and
    ``RecursionError`` if it is nested too deep.
    """
    return json.loads(read_small(path).decode("utf-8"))
