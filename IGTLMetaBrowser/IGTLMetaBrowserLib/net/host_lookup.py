"""From a host's name to its addresses.

The standard library has no look-up that does not wait, and there are no threads here: a name that
only a name server knows can take as long as its answer does, some seconds where the network is
down. Numeric addresses and ``localhost`` need no look-up, and none is made.
"""

from __future__ import annotations

import socket

from .errors import ConnectionFailedError

# Of localhost, which RFC 6761 lets nobody send elsewhere.
_LOOPBACK = ("127.0.0.1", "::1")

SocketAddress = tuple
"""Family, kind, protocol, canonical name and address, as ``socket.getaddrinfo`` has them."""


def look_up(host: str, port: int) -> list[SocketAddress]:
    """Return the addresses of a host, in the order in which to try them.

    Raises ``ConnectionFailedError`` where the name is not known.
    """
    if host.lower().rstrip(".") == "localhost":
        return [found for address in _LOOPBACK for found in _numeric(address, port)]
    try:
        return _numeric(host, port) or socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, OverflowError, ValueError) as error:
        raise ConnectionFailedError(
            f"the host name {host!r} is not known ({_reason(error)}); "
            "check the name and the network"
        ) from None


def _numeric(host: str, port: int) -> list[SocketAddress]:
    """Return the address that ``host`` is itself, or nothing; no name server is asked."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


def _reason(error: Exception) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)
