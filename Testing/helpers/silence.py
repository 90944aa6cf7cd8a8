"""Time as a client has it whose server is never late, however busy the machine is.

A test of a time-out needs a server that says nothing for longer than the time-out, and that answers
all else within it. By the clock of a busy machine no server does: any thread may get no processor
for seconds.
"""

from __future__ import annotations

import contextlib
import math
import select
import socket
import threading
import time
from collections.abc import Iterator
from time import monotonic
from unittest import mock

# Of pauses between two readings of the clock: who misses so many of them is not let run. Less than
# half of each time-out.
_LONGEST_PAUSE_SECONDS = 0.1


def is_readable(sock: socket.socket, seconds: float | None = 0.0) -> bool:
    """Wait for bytes or the end, ``seconds`` at most (None: for ever); return whether they came.

    Opens no descriptor, as a selector does: some tests count those.
    """
    if not hasattr(select, "poll"):  # Windows, where select has no limit of 1024
        return bool(select.select([sock], [], [], seconds)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(None if seconds is None else math.ceil(1000 * seconds)))


class Silence:
    """Counts the seconds in which a server waits for bytes and none have come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._never_set = threading.Event()
        self._socket: socket.socket | None = None
        self._waits = 0
        self._paused = 0.0
        self._now = self._read_at = monotonic()
        self._wait_at_reading: int | None = None

    def wait(self, sock: socket.socket, seconds: float | None) -> bool:
        """Wait until bytes have come, for ``seconds`` at most; return whether they have.

        ``None``: for as long as it takes. For the server, before each of its calls that receive.
        """
        self._waits += 1
        self._socket = sock
        try:
            return is_readable(sock, seconds)
        finally:
            self._socket = None

    def pause(self, seconds: float) -> None:
        """Let just these seconds count before more is sent: the pace of a slow network."""
        assert seconds < _LONGEST_PAUSE_SECONDS, "that is no pause, but silence"
        self._never_set.wait(seconds)
        with self._lock:
            self._paused += seconds

    @contextlib.contextmanager
    def counts_alone(self) -> Iterator[None]:
        """Let no other time pass for whoever calls ``time.monotonic``."""
        with mock.patch.object(time, "monotonic", self._monotonic):
            yield

    def _monotonic(self) -> float:
        with self._lock:
            moment, wait = monotonic(), self._current_wait()
            self._now += min(self._paused, _LONGEST_PAUSE_SECONDS)
            if wait is not None and wait == self._wait_at_reading:
                self._now += moment - self._read_at
            self._paused = 0.0
            self._read_at, self._wait_at_reading = moment, wait
            return self._now

    def _current_wait(self) -> int | None:
        """Return the number of the wait that is under way, or None if there is something to do."""
        sock, wait = self._socket, self._waits
        if sock is None:
            return None
        try:
            has_come = is_readable(sock)
        except (OSError, ValueError):
            return None  # it was closed meanwhile
        return None if has_come else wait
