"""From a host's name to its addresses, without waiting for a name server.

The standard library can only ask the resolver in a blocking call, which takes many seconds when a
name server is silent. So a name is looked up in a thread that does nothing but this one call; its
result is polled. (The only thread of the client, an exception that ``Testing/test_layers.py``
knows. In Slicer, Python threads run only while the main thread is in Python: the poll every
``POLL_SECONDS`` is also what lets this one finish.) Numeric addresses and ``localhost`` need no
look-up, and none is made.
"""

from __future__ import annotations

import socket
import threading

from ..system_errors import with_advice
from .errors import ConnectionFailedError

POLL_SECONDS = 0.05
# In Slicer's event loop the main thread holds Python's lock. To wait for a moment lets go of it, so
# that the thread can take over what the resolver has returned.
_YIELD_SECONDS = 0.001

# Of localhost, which RFC 6761 lets nobody send elsewhere.
_LOOPBACK = ("127.0.0.1", "::1")

SocketAddress = tuple
"""Family, kind, protocol, canonical name and address, as ``socket.getaddrinfo`` has them."""


class HostLookup:
    """A look-up that is under way. ``result`` says how it went, ``wait`` waits for that.

    It cannot be stopped; whoever no longer wants it forgets it, and the thread ends with its call.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._found: list[SocketAddress] = []
        self._error: Exception | None = None
        self._is_done = threading.Event()
        # A daemon: the end of the program does not wait for a silent name server.
        threading.Thread(target=self._run, name="host look-up", daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait until it is done, for at most so long."""
        self._is_done.wait(seconds)

    def result(self) -> list[SocketAddress] | None:
        """Return the addresses, in the order in which to try them, or None before they are there.

        Raises ``ConnectionFailedError`` if the name is not known.
        """
        if not self._is_done.wait(_YIELD_SECONDS):
            return None
        if self._error is not None:
            raise _unknown_host(self._host, self._error)
        return self._found

    def _run(self) -> None:
        try:
            self._found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except Exception as error:  # for whoever asks for the result
            self._error = error
        self._is_done.set()


def known_addresses(host: str, port: int) -> list[SocketAddress]:
    """Return the addresses of a host that no name server has to be asked for; none for others.

    Raises ``ConnectionFailedError`` for what cannot be a host's name.
    """
    if host.lower().rstrip(".") == "localhost":
        return [found for address in _LOOPBACK for found in _numeric(address, port)]
    try:
        return _numeric(host, port)
    except (OSError, UnicodeError, OverflowError, ValueError) as error:
        raise _unknown_host(host, error) from None


def _numeric(host: str, port: int) -> list[SocketAddress]:
    """Return the address that ``host`` is itself, or nothing; no name server is asked."""
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return []


def _unknown_host(host: str, error: Exception) -> ConnectionFailedError:
    is_address = host.count(":") == 1 or "/" in host  # IPv6 has more
    try_this = (
        "write it without port and http://" if is_address else "check the name and the network"
    )
    reason = with_advice(error, try_this)
    return ConnectionFailedError(f"the host name {host!r} is not known: {reason}")
