"""Makes a lost connection again, after delays that grow."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .. import net
from .events import ConnectionState

RECONNECT_DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each attempt to connect again; the last one before all that follow."""

# A connection that stood so long without an answer was a good one all the same.
_LONG_CONNECTION = 30.0


class Reconnector:
    """Drives ``client`` and decides when to connect again. No timers: call
    ``connect_if_due`` in time.

    A first connection that fails is not tried again by itself: a wrong name would be tried for
    ever. The delays begin anew when the server has answered something; a server that only accepts
    connections and closes them is asked less and less often.
    """

    def __init__(
        self, client: net.Client, reconnect_delays: Sequence[float] = RECONNECT_DELAYS
    ) -> None:
        self.client = client
        self.next_attempt: float | None = None
        self._delays = reconnect_delays
        self._failures = 0
        self.has_worked = False
        self._connected_at = 0.0
        self._is_attempt_known = False

    @property
    def state(self) -> ConnectionState:
        """How the client stands to its server."""
        if self.client.is_connected:
            return ConnectionState.CONNECTED
        if self.client.is_connecting:
            return ConnectionState.CONNECTING
        if self.next_attempt is not None:
            return ConnectionState.RECONNECTING
        return ConnectionState.NOT_CONNECTED

    @property
    def next_deadline(self) -> float | None:
        """When there is something to do at the latest, in ``time.monotonic`` seconds, or None."""
        times = (self.next_attempt, self.client.next_deadline)
        return min((moment for moment in times if moment is not None), default=None)

    def connect(self) -> None:
        """Begin to connect, where there is no connection."""
        self.next_attempt = None
        self.client.connect()

    def connect_if_due(self) -> None:
        """Begin the next attempt, where its time has come."""
        if self.next_attempt is not None and self.next_attempt <= time.monotonic():
            self.connect()

    def wait(self) -> None:
        """Sleep until there is something to do."""
        if self.client.socket is not None:
            self.client.wait_for_socket()
        elif self.next_attempt is not None:
            time.sleep(max(0.0, self.next_attempt - time.monotonic()))

    def is_new_attempt(self) -> bool:
        """Return, once for each attempt, that a connection is being made."""
        is_new = self.client.is_connecting and not self._is_attempt_known
        if is_new:
            self.next_attempt = None
        self._is_attempt_known = self.client.is_connecting
        return is_new

    def on_connected(self) -> None:
        """The connection stands."""
        self.has_worked = True
        self._is_attempt_known = False
        self._connected_at = time.monotonic()
        self.next_attempt = None

    def on_answer(self) -> None:
        """The server has answered: the next delay is a short one."""
        self._failures = 0

    def on_disconnected(self) -> float | None:
        """The connection failed or ended; return the delay before the next attempt.

        None where no attempt is due: the first one failed, or the client connects again already,
        for queries that were lost.
        """
        self._is_attempt_known = False
        if not self.has_worked or self.client.is_connecting:
            return None
        now = time.monotonic()
        if self._connected_at and now - self._connected_at > _LONG_CONNECTION:
            self._failures = 0
        self._connected_at = 0.0
        delay = self._delays[min(self._failures, len(self._delays) - 1)]
        self._failures += 1
        self.next_attempt = now + delay
        return delay
