"""Making a connection without blocking: the look-up of the name, then each address in turn."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Sequence

from ..system_errors import with_advice
from .address import format_address
from .errors import ConnectionFailedError
from .host_lookup import POLL_SECONDS, HostLookup, SocketAddress, known_addresses

_PENDING = {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, 0}
# Where this computer has no IPv6, or no route to it, such an address says nothing of its server.
_NO_SUCH_NETWORK = {
    errno.EADDRNOTAVAIL,
    errno.EAFNOSUPPORT,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EPROTONOSUPPORT,
}


class ConnectionAttempt:
    """A connection that is being made. Call ``step`` at ``deadline``, or when the socket that there
    may be can be written to.

    ``now`` and ``seconds``, the time that the look-up and all addresses share, are those of
    ``time.monotonic``. ``addresses`` are those of the host, if they are known; when there is a
    connection, the one that it is to comes first.
    """

    def __init__(
        self,
        host: str,
        port: int,
        now: float,
        seconds: float,
        addresses: Sequence[SocketAddress],
    ) -> None:
        self.host, self.port = host, port
        self.addresses = list(addresses)
        self.lookup: HostLookup | None = None
        self._seconds = seconds
        self._end = now + seconds
        self._address_end = self._end
        self._tried: SocketAddress = ()
        self._last_failure = 0  # that of the last address which says something of the host
        self._name = format_address(host, port)
        # The one in use, or None if there is none (yet).
        self.socket: socket.socket | None = None
        self._error: ConnectionFailedError | None = None
        self._untried: list[SocketAddress] = []
        try:
            self._begin(now)
        except ConnectionFailedError as error:
            self._error = error

    @property
    def wants_write(self) -> bool:
        """Whether the socket is waited for to be written to, or else to be read."""
        return True

    @property
    def deadline(self) -> float:
        """When to call ``step`` at the latest: at once, if it has failed already."""
        if self.lookup is not None:
            return min(time.monotonic() + POLL_SECONDS, self._end)
        return 0.0 if self.socket is None else self._address_end

    def step(self, now: float) -> socket.socket | None:
        """Return the connected socket, or None if it takes longer.

        Raises ``ConnectionFailedError`` if no address answers, or the time is over.
        """
        if self.lookup is not None:
            self._poll_lookup(self.lookup, now)
        while self.socket is not None:
            failure = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if not failure and _is_to_itself(self.socket):
                failure = errno.ECONNREFUSED
            if not failure and _is_connected(self.socket):
                connected, self.socket = self.socket, None
                # The next time, nobody waits for those that are silent.
                self.addresses.sort(key=lambda address: address is not self._tried)
                return connected
            if not failure and now < self._address_end:
                return None
            self._fail(failure or errno.ETIMEDOUT, now)
        if self._error is not None:
            raise self._error
        return None

    def close(self) -> None:
        """Give up."""
        self.lookup = None
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _begin(self, now: float) -> None:
        if not 0 < self.port < 65536:  # the look-up would take the lower 16 bits
            raise ConnectionFailedError(
                f"{self._name} cannot be connected to: ports are 1 to 65535"
            )
        self.addresses = self.addresses or known_addresses(self.host, self.port)
        if self.addresses:
            self._try_addresses(now)
        else:
            self.lookup = HostLookup(self.host, self.port)

    def _poll_lookup(self, lookup: HostLookup, now: float) -> None:
        found = lookup.result()
        if found is not None:
            self.lookup, self.addresses = None, found
            self._try_addresses(now)
        elif now >= self._end:
            self.lookup = None
            self._error = ConnectionFailedError(
                f"no name server has answered for {self.host!r} in {self._seconds:g} s; check the "
                "name and the network, or use the numeric address"
            )

    def _try_addresses(self, now: float) -> None:
        self._untried = list(self.addresses)
        self._try_next_address(now)

    def _try_next_address(self, now: float) -> None:
        self._address_end = now + (self._end - now) / len(self._untried)
        self._tried = self._untried.pop(0)
        family, kind, protocol, _, address = self._tried
        try:
            self.socket = socket.socket(family, kind, protocol)
            self.socket.setblocking(False)
            failure = self.socket.connect_ex(address)
        except OSError as error:  # no such sockets here, as if the kernel has no IPv6
            failure = error.errno or errno.EAFNOSUPPORT
        if failure not in _PENDING:
            self._fail(failure, now)

    def _fail(self, failure: int, now: float) -> None:
        self.close()
        if failure in _NO_SUCH_NETWORK:
            failure = self._last_failure or failure
        self._last_failure = failure
        if self._untried:
            self._try_next_address(now)
            return
        if failure == errno.ETIMEDOUT:
            self._error = ConnectionFailedError(
                f"{self._name} does not answer; check host and port, and whether a firewall is "
                "in the way"
            )
            return
        hint = (
            "check the port, and whether the server is running"
            if failure == errno.ECONNREFUSED
            else "check host and network"
        )
        reason = with_advice(OSError(failure, _describe(failure)), hint)
        self._error = ConnectionFailedError(f"cannot connect to {self._name}: {reason}")


def _describe(failure: int) -> str:
    # Windows has numbers of its own for sockets, of which strerror knows none.
    windows_texts: dict[int, str] = getattr(socket, "errorTab", {})
    return windows_texts.get(failure, os.strerror(failure)).rstrip(".")


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _is_to_itself(sock: socket.socket) -> bool:
    """Whether a socket is connected to itself.

    TCP has that (RFC 9293, 3.5: simultaneous open) where nobody listens at a port of this computer
    that the system gives to sockets that connect; a server that starts again could not have it.
    """
    try:
        return bool(sock.getpeername() == sock.getsockname())
    except OSError:  # not connected, or not any more
        return False
