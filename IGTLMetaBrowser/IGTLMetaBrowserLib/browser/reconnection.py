"""When a browser connects to its server, when it gives up, and what it asks for again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .. import net
from .events import ConnectionState

RECONNECT_DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each attempt to connect again; the last one before all that follow."""

# A connection that lasted so long was a good one, even if nothing was asked over it.
_LONG_CONNECTION = 30.0


class Reconnector:
    """Drives ``client``, and alone decides when it connects. The states (``ConnectionState``):

    ============  ==================================  ============  ================================
    state         what happens                        next state    what is done
    ============  ==================================  ============  ================================
    NOT_CONNECTED ``connect``                         CONNECTING
    CONNECTING    connected                           CONNECTED     what was deferred is asked for
    CONNECTING    failed, and never was connected     NOT_CONNECTED ``has_failed``: the browser
                                                                    leaves the server
    CONNECTING    failed, but was connected before    RECONNECTING  queries are deferred
    CONNECTED     lost                                RECONNECTING
    CONNECTED     lost, and the client asks again     CONNECTING    see ``net.Client``
                  what was lost with it
    RECONNECTING  the delay is over, ``connect``, or  CONNECTING
                  something is asked for
    any           the browser leaves the server       NOT_CONNECTED what was deferred is forgotten
    ============  ==================================  ============  ================================

    The first failure is final: a wrong name or port would be tried for ever. Later the server is
    known to exist; it may be restarting.

    The delays grow with each failure. They start again from the shortest one when the server has
    answered, or after a long connection; not when it has only accepted a connection, because a
    server that closes every connection at once would be asked every second for ever.

    There are no timers: call ``connect_if_due`` at ``next_deadline`` at the latest.
    """

    def __init__(self, client: net.Client, reconnect_delays: Sequence[float]) -> None:
        self.client = client
        self.next_attempt: float | None = None
        self.was_connected = False
        self._delays = reconnect_delays
        self._failures = 0
        self._connected_at = 0.0
        self._is_attempt_known = False
        self._deferred: dict[tuple[str, str], None] = {}  # in the order of asking

    @property
    def state(self) -> ConnectionState:
        """The present state, see above."""
        if self.client.is_connected:
            return ConnectionState.CONNECTED
        if self.client.is_connecting:
            return ConnectionState.CONNECTING
        if self.next_attempt is not None:
            return ConnectionState.RECONNECTING
        return ConnectionState.NOT_CONNECTED

    @property
    def has_failed(self) -> bool:
        """Whether the first connection could not be made: there will be no other attempt."""
        return self.state is ConnectionState.NOT_CONNECTED and not self.was_connected

    @property
    def next_deadline(self) -> float | None:
        """When there is something to do at the latest, in ``time.monotonic`` seconds, or None."""
        times = (self.next_attempt, self.client.next_deadline)
        return min((moment for moment in times if moment is not None), default=None)

    def connect(self) -> None:
        """Begin to connect, if there is no connection."""
        self.next_attempt = None
        self.client.connect()

    def connect_if_due(self) -> None:
        """Begin the next attempt, if its time has come."""
        if self.next_attempt is not None and self.next_attempt <= time.monotonic():
            self.connect()

    def wait(self, until: float | None = None) -> None:
        """Sleep until there is something to do, or until a ``time.monotonic`` moment."""
        if self.client.socket is not None or self.client.is_connecting:
            self.client.wait_for_socket(None if until is None else until - time.monotonic())
        elif self.next_attempt is not None:
            time.sleep(max(0.0, self.next_attempt - time.monotonic()))

    def is_new_attempt(self) -> bool:
        """Return, once for each attempt, that a connection is being made.

        The client begins some attempts itself, for queries that were lost with a connection.
        """
        is_new = self.client.is_connecting and not self._is_attempt_known
        if is_new:
            self.next_attempt = None
        self._is_attempt_known = self.client.is_connecting
        return is_new

    def on_connected(self) -> bool:
        """There is a connection now; return whether there was one before."""
        was_connected, self.was_connected = self.was_connected, True
        self._is_attempt_known = False
        self._connected_at = time.monotonic()
        self.next_attempt = None
        return was_connected

    def on_answer(self) -> None:
        """The server has answered: the next delay is a short one."""
        self._failures = 0

    def on_disconnected(self) -> float | None:
        """The connection failed or was lost; return the delay before the next attempt.

        None if no attempt is due: the first one failed, or the client connects again already.
        """
        self._is_attempt_known = False
        if not self.was_connected or self.client.is_connecting:
            return None
        now = time.monotonic()
        if self._connected_at and now - self._connected_at > _LONG_CONNECTION:
            self._failures = 0
        self._connected_at = 0.0
        delay = self._delays[min(self._failures, len(self._delays) - 1)]
        self._failures += 1
        self.next_attempt = now + delay
        return delay

    def defer(self, query: net.Query) -> bool:
        """Ask for something again after reconnecting, if that is why it was not answered.

        Only what never reached the server: what was lost in the middle of its answer has failed,
        because an answer that breaks the connection would break it for ever.
        """
        is_unreachable = isinstance(query.error, net.ConnectionFailedError)
        if is_unreachable and self.was_connected:
            self.ask_again(query)
            return True
        return False

    def ask_again(self, query: net.Query) -> None:
        """Ask for something again after reconnecting, whatever became of it."""
        self._deferred[query.data_type, query.device_name] = None

    def forget(self, query: net.Query) -> None:
        """Do not ask for something again."""
        self._deferred.pop((query.data_type, query.device_name), None)

    def take_deferred(self) -> list[tuple[str, str]]:
        """Return types and names of what is to be asked for now, and forget them."""
        deferred, self._deferred = [*self._deferred], {}
        return deferred
