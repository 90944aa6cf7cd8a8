"""Signals are seen at once by who waits for sockets: Python waits on after it has handled one."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from typing import Protocol


class Stepped(Protocol):
    """What waits in a step until something happens to its sockets."""

    def wake_by(self, sock: socket.socket) -> None: ...


class WakeUp:
    """Ends the step of ``server`` in which it waits when a signal comes that is handled.

    For the main thread, and until the block ends, in which the server has to be closed. ``clear``
    before the next step, or that would end at once, too. Raises ``OSError`` if this process may not
    open as much as that takes, and a client and a file besides.
    """

    def __init__(self, server: Stepped) -> None:
        self._reading, self._writing = socket.socketpair()
        with socket.socket(), socket.socket():
            pass  # else nobody could connect
        for one in (self._reading, self._writing):
            one.setblocking(False)
        server.wake_by(self._reading)
        signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)

    def __enter__(self) -> WakeUp:
        return self

    def __exit__(self, *_error: object) -> None:
        signal.set_wakeup_fd(-1)  # what is opened next may have its number
        self._reading.close()
        self._writing.close()

    def clear(self) -> None:
        """Forget the signals that have come."""
        with suppress(BlockingIOError):
            while self._reading.recv(64):
                pass
