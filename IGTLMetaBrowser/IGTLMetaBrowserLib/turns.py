"""Work that is done in turns of an event loop: a generator that pauses after each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, TypeVar

Made = TypeVar("Made")
InTurns = Generator[None, None, Made]


def at_once(turns: InTurns[Made] | Iterator[Any]) -> Made:
    """Return what is made with pauses, without any."""
    while True:
        try:
            next(turns)
        except StopIteration as end:
            return end.value
