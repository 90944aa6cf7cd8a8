"""A clock by which it is told who does not come again for what was begun."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# Of a second in which others had their turns. With a slow share, those of all who wait can take
# many seconds, and each of them comes only once in that time.
_SHARE_OF_TURNS = 0.05


class TurnClock:
    """Seconds, of which those that turns take count little. For what is done in one thread."""

    def __init__(self) -> None:
        self._left_out = 0.0

    def now(self) -> float:
        """Return the moment, in seconds since some other."""
        return time.monotonic() - self._left_out

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What is done in it is one turn."""
        begin = time.monotonic()
        try:
            yield
        finally:
            self._left_out += (1 - _SHARE_OF_TURNS) * (time.monotonic() - begin)
