"""SIGHUP at a server: read your files again, or: your terminal was closed.

Who runs a service sends it for the first. For the second, the system sends it, and a shell, perhaps
before: a server that went on without its terminal would be one that nobody knows of.
"""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

# A shell that sends it ends at once, and the terminal with it.
_SECONDS_BEFORE_CLOSED = 10.0


class HangUp:
    """Notes the signal from when it is made, if the system has it.

    Who starts a server with ``nohup`` wants it to outlive the terminal.
    """

    def __init__(self) -> None:
        self._has_come = False
        # When the signal came that perhaps says that, and the last one that did not.
        self._came_at = self._dismissed_at = 0.0
        self._had_terminal = False
        if hasattr(signal, "SIGHUP"):
            is_nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            self._had_terminal = has_terminal() and not is_nohup
            signal.signal(signal.SIGHUP, self._note)

    def take(self) -> bool:
        """Return whether the signal has come since the last call."""
        has_come, self._has_come = self._has_come, False
        return has_come

    def look_for_closed(self) -> bool:
        """Return whether the terminal of this process was closed, and the signal said so.

        Who has asked it to reload, and closes the terminal much later, may have disowned it: after
        some seconds with a terminal, the signal did not say so.
        """
        came_at = self._came_at
        if came_at <= self._dismissed_at:
            return False
        is_late = time.monotonic() >= came_at + _SECONDS_BEFORE_CLOSED
        if not has_terminal():
            return True
        if is_late:
            self._dismissed_at = came_at
        return False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._has_come = True
        if self._had_terminal:
            self._came_at = time.monotonic()


def ignore_if_service() -> None:
    """Ignore the signal until ``HangUp`` is made, if this is a service: no file is read yet."""
    if hasattr(signal, "SIGHUP") and not has_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def has_terminal() -> bool:
    """Whether this process has a terminal that controls it."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except (OSError, AttributeError):  # Windows has neither
        return False
    return True
