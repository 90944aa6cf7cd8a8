"""How a browser stands to its server: what can be read of it."""

from __future__ import annotations

import socket

from .events import ConnectionState
from .reconnection import ConnectionKeeper


class ConnectionView:
    """What a browser says of its connection. ``_keeper`` keeps it; None without a server."""

    _keeper: ConnectionKeeper | None

    @property
    def connection(self) -> ConnectionState:
        """How the browser stands to its server."""
        return ConnectionState.NOT_CONNECTED if self._keeper is None else self._keeper.state

    @property
    def next_attempt(self) -> float | None:
        """When to connect again, in ``time.monotonic`` seconds; None where that is not due."""
        return None if self._keeper is None else self._keeper.next_attempt

    @property
    def is_waiting(self) -> bool:
        """Whether the server is being asked for something."""
        return self._keeper is not None and self._keeper.client.is_waiting

    @property
    def address(self) -> str:
        """Host and port of the server, or an empty text."""
        return "" if self._keeper is None else self._keeper.client.address

    @property
    def host_and_port(self) -> tuple[str, int] | None:
        """Host and port of the server, or None."""
        if self._keeper is None:
            return None
        return self._keeper.client.host, self._keeper.client.port

    @property
    def has_server(self) -> bool:
        """Whether the user has chosen a server and not left it; a lost connection is made anew."""
        return self._keeper is not None

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait for, another one for each connection; None where there is none."""
        return None if self._keeper is None else self._keeper.client.socket

    @property
    def wants_write(self) -> bool:
        """Whether ``step`` should be called when the socket can be written to."""
        return self._keeper is not None and self._keeper.client.wants_write
