"""A port for a server that ends and comes again, which nobody else is given in between."""

from __future__ import annotations

import socket
import sys


class ReservedPort:
    """Keeps ``number``, a free port of ``host``, until ``close``; a server may listen on it.

    Without that, another process, or the client that calls in vain, is sometimes given the port
    while no server listens: both take free ports from the same range.

    On Linux a socket that is bound, and does not listen, keeps the port: it is refused to whoever
    asks for any port, and given to a server that asks for it (SO_REUSEADDR in socket(7)), as
    ``socket.create_server`` does. Other systems do not let two sockets share a port so; there
    nothing keeps it.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._socket = socket.socket()
        if sys.platform == "linux":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self._socket.close()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


_kept: list[ReservedPort] = []


def free_port() -> int:
    """Return a port for a server of another program, kept as long as this process lasts.

    It is free on all addresses, on which such servers listen.
    """
    _kept.append(ReservedPort(""))
    return _kept[-1].number
