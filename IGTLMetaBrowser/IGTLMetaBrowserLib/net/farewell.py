"""How a client is sent away, so that it hears why."""

from __future__ import annotations

import contextlib
import socket
import ssl

from .. import codec
from .connection import Connection

# Closed at once with unread bytes, TCP sends a reset, and the client loses the words sent to it.
_LEAVING_SECONDS = 2.0
_MIB = 1 << 20
# MiB that are read and thrown away in one turn of a client that leaves.
_MOST_THROWN_AWAY = 4


def packed_status(code: codec.StatusCode, words: str) -> bytes:
    """Return a STATUS that says in words why somebody is sent away."""
    return codec.pack(codec.StatusMessage(code=code, error_name=code.name[:20], message=words))


class Farewell:
    """Sends a client last words, and throws away what still comes.

    If the connection were closed at once, with bytes of the client unread, the system would throw
    away the words as well. ``ends_at`` is when to close it at the latest.
    """

    def __init__(
        self, client: object, connection: Connection, last_words: bytes, now: float
    ) -> None:
        self.client = client
        self.socket = connection.socket
        self.ends_at = now + _LEAVING_SECONDS
        self.served_in_step = 0
        self._connection = connection
        self._is_half_closed = False
        connection.receiver.discard()
        connection.queue([last_words])

    @property
    def wants_write(self) -> bool:
        """Whether words wait to be sent."""
        return self._connection.wants_write

    def step(self) -> bool:
        """Go on, when the socket is ready; return whether the connection may be closed."""
        connection = self._connection
        connection.write()
        if not connection.wants_write and not self._is_half_closed:
            self._is_half_closed = True
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_WR)
        try:
            # No more in one turn: who sends without end would keep the server from the others.
            for _ in range(_MOST_THROWN_AWAY):
                if not connection.socket.recv(_MIB):
                    return True
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError):
            return connection.is_broken
        except OSError:
            return True
        return False
