"""Work that is done in turns, done at once."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any


def result_of(work: Generator[None, None, Any]) -> Any:
    """Do all turns of a generator; return what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
