"""A time limit of tests that tells what hangs from what was not let run."""

from __future__ import annotations

import contextlib
from pathlib import Path
from time import monotonic  # not of a module in which a test lets time stand still

_THREADS = Path("/proc/self/task")


class HangError(AssertionError):
    """Something did not end. On a busy machine this is a suspicion, until it is tried alone."""


class Patience:
    """Is over when this process has had ``seconds`` for something.

    Time does not count in which a thread was ready to run and had no processor: on a machine with
    too much to do, a step of 50 ms takes 20 s, and is no hang. What waits for ever is not ready,
    and what runs for ever gets a processor now and then, so both end. Only Linux says for how long
    a thread waited (proc_pid_schedstat, ``/proc/PID/schedstat``, second number); elsewhere all
    time counts.
    """

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds
        self._delays = _delays()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        if monotonic() < self._end:
            return False
        before, self._delays = self._delays, _delays()
        # Of the thread that waited most: several wait at the same time.
        self._end += max(
            (delay - before.get(thread, 0.0) for thread, delay in self._delays.items()), default=0.0
        )
        return monotonic() >= self._end


def _delays() -> dict[str, float]:
    """Return for each thread the seconds in which it was ready to run and did not."""
    delays = {}
    with contextlib.suppress(OSError):  # no Linux, or one without these figures
        for thread in _THREADS.iterdir():
            with contextlib.suppress(OSError):  # it has ended
                delays[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return delays
