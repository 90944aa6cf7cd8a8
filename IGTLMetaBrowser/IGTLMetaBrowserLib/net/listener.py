"""Where a server listens, and how it rests when the system has nothing left for who comes."""

from __future__ import annotations

import errno
import selectors
import socket
import time

# Who cannot be accepted for want of these stays where the system told of it, and would be told of
# again and again.
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
PAUSE_SECONDS = 1.0
"""Descriptors get free when clients leave; until then, the listener would wake in vain."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, for IPv4 or IPv6, with ``::`` for both. Raises ``OSError``."""
    listener = socket.create_server(
        (host, port),
        family=socket.AF_INET6 if ":" in host else socket.AF_INET,
        dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
    )
    listener.setblocking(False)
    return listener


class Listener:
    """A socket that listens, in ``selector`` with ``data``; port 0 picks a free one.

    ``host`` and ``port`` are those that it has. Raises ``OSError`` if it cannot listen there.
    """

    def __init__(
        self, host: str, port: int, selector: selectors.BaseSelector, data: object = None
    ) -> None:
        self.socket = listen(host, port)
        self.host: str
        self.port: int
        self.host, self.port = self.socket.getsockname()[:2]
        self._selector = selector
        self._data = data
        # While it rests: when it listens again.
        self.resume_at: float | None = None
        self._is_closed = False
        selector.register(self.socket, selectors.EVENT_READ, data)

    def accept(self) -> tuple[socket.socket, str, int] | None:
        """Return the socket, which does not block, host and port of a client; None if none waits.

        Raises ``OSError``; ``resume_at`` is set then if it was for want of descriptors or memory.
        """
        try:
            sock, address = self.socket.accept()
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES and self.resume_at is None:
                self._selector.unregister(self.socket)
                self.resume_at = time.monotonic() + PAUSE_SECONDS
            raise
        sock.setblocking(False)
        return sock, *address[:2]

    def resume(self, now: float) -> None:
        """Listen again, if it has rested for long enough."""
        if self.resume_at is not None and now >= self.resume_at:
            self.resume_at = None
            self._selector.register(self.socket, selectors.EVENT_READ, self._data)

    def close(self) -> None:
        """Listen no longer."""
        if self._is_closed:
            return
        self._is_closed = True
        if self.resume_at is None:
            self._selector.unregister(self.socket)
        self.resume_at = None
        self.socket.close()
