"""Failures of what a server sends unasked: a few at a time, however many there are."""

from __future__ import annotations

import time

from .errors import BrowserError
from .events import Failed, Observer

# A server can send 50,000 unreadable messages a second; a user reads a few.
MOST_AT_A_TIME = 10
SECONDS = 10.0


class PushedFailures:
    """Notifies of the first ``MOST_AT_A_TIME`` failures in ``SECONDS``, and counts the others."""

    def __init__(self, notify: Observer) -> None:
        self._notify = notify
        self._window_end = float("-inf")
        self._count = 0

    def add(self, error: Exception, now: float | None = None) -> None:
        """Notify of a failure, unless there are too many; ``now`` as ``time.monotonic``."""
        now = time.monotonic() if now is None else now
        if now >= self._window_end:
            left_out = self._count - MOST_AT_A_TIME
            self._window_end, self._count = now + SECONDS, 0
            if left_out > 0:
                text = f"{left_out} more messages of the server could not be read or shown"
                self._notify(Failed(BrowserError(text)))
        self._count += 1
        if self._count <= MOST_AT_A_TIME:
            self._notify(Failed(error))
        elif self._count == MOST_AT_A_TIME + 1:
            text = (
                "the server sends more messages that cannot be read or shown; "
                f"they are counted for {SECONDS:g} s"
            )
            self._notify(Failed(BrowserError(text)))

    def forget(self) -> None:
        """Begin anew, with another server."""
        self._window_end, self._count = float("-inf"), 0
