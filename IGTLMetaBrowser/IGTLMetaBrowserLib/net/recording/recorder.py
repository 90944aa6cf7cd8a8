"""Stands between clients and a server, hands everything on, and records it."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..acceptor import AcceptedClient, Acceptor
from ..address import format_address
from ..connection_attempt import ConnectionAttempt
from ..errors import ConnectionFailedError
from ..host_lookup import SocketAddress
from ..limited_log import ClientLog
from ..limits import ConnectedClient, ServerLimits
from ..tls.tls_client import ClientTLS, open_attempt
from .recording import Event, RecordingWriter
from .relay import Filter, Relay

_logger = logging.getLogger(__name__)

_CONNECT_SECONDS = 10.0
# When to look again at connections to the server that are being made.
_POLL_SECONDS = 0.002
# Of them, in one turn: to ask how a look-up goes takes a millisecond.
_MOST_LOOKED_AT = 16
_MOST_LEAVING = 8
# The file, standard streams, signals, selector, listener, certificates, name servers; and who is
# sent away.
_DESCRIPTORS_FOR_OTHERS = 26 + _MOST_LEAVING
_NO_SERVER = "the server that is recorded here cannot be connected to; look at this recorder's log"
_LEADS_BACK = (
    "the address of the server to record is that of the recorder itself; correct one of them"
)


@dataclass(eq=False)
class _Joining:
    """A client for which the server is being connected to; it can be missed by ``limits``."""

    client: AcceptedClient
    connection: int
    attempt: ConnectionAttempt
    has_asked = False
    is_owed = False

    @property
    def host(self) -> str:
        return self.client.host

    @property
    def active_at(self) -> float:
        return self.client.active_at


class _TLSReadOnce(ClientTLS):
    """Reads its files once: that takes longer than a handshake, and each client would cause it."""

    def __init__(self, tls: ClientTLS) -> None:
        super().__init__(**vars(tls))
        object.__setattr__(self, "_contexts", {})  # other attributes cannot be set

    def make_context(self, is_verifying: bool = True) -> ssl.SSLContext:
        contexts: dict[bool, ssl.SSLContext] = vars(self)["_contexts"]
        if is_verifying not in contexts:
            contexts[is_verifying] = super().make_context(is_verifying)
        return contexts[is_verifying]


def keep_all(data: bytes) -> tuple[bytes]:
    """A filter: all that is sent goes into the file."""
    return (data,)


class Recorder:
    """Listens on ``host`` and ``port``, and connects to the server for each client.

    Bytes are handed on as they are; ``make_filter`` makes what changes them for the file. With
    ``server_tls`` the server is connected to with TLS, with ``tls`` clients have to; what is
    recorded is what both say, without TLS.
    """

    def __init__(
        self,
        server: tuple[str, int],
        writer: RecordingWriter,
        host: str = "127.0.0.1",
        port: int = 0,
        make_filter: Callable[[], Filter] = lambda: keep_all,
        server_tls: ClientTLS | None = None,
        tls: ssl.SSLContext | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self._server = server
        self._writer = writer
        self._make_filter = make_filter
        self._server_tls = None if server_tls is None else _TLSReadOnce(server_tls)
        self._log = ClientLog(_logger)
        # Each client has two descriptors: one is the connection to the server.
        limits = (limits or ServerLimits()).within_descriptors(_DESCRIPTORS_FOR_OTHERS, 2)
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(
            (host, port),
            self._selector,
            limits,
            self._log,
            tls=lambda: tls,
            connected=self._connected,
            let_in=self._let_in,
            hang_up=self._hang_up,
            most_leaving=_MOST_LEAVING,
        )
        self.host, self.port = self._acceptor.listener.host, self._acceptor.listener.port
        refuse_tls = self._acceptor.refuse_tls
        self._relay = Relay(self._selector, writer, limits, self._log, refuse_tls)
        self._joining: deque[_Joining] = deque()
        # Of the server, when they have worked: so its name is not looked up for each client.
        self._addresses: Sequence[SocketAddress] = ()
        self.connections = 0

    def wake_by(self, sock: socket.socket) -> None:
        """Have a step end that waits when ``sock`` can be read."""
        self._selector.register(sock, selectors.EVENT_READ)

    def step(self, seconds: float) -> None:
        """Hand on what is there; wait up to ``seconds`` for it. Raises ``RecordingError``."""
        wait = min(seconds, _POLL_SECONDS) if self._joining else seconds
        ready = self._selector.select(0.0 if self._relay.is_busy else wait)
        self._acceptor.step(ready)
        self._relay.serve([one for one in ready if isinstance(one[0].data, tuple)])
        self._relay.check()
        for _ in range(min(_MOST_LOOKED_AT, len(self._joining))):
            joining = self._joining.popleft()
            if not self._join(joining):
                self._joining.append(joining)

    def close(self) -> None:
        """End all connections."""
        self._relay.close()
        for joining in self._joining:
            joining.client.socket.close()
            joining.attempt.close()
        self._acceptor.close("this recorder is shutting down")
        self._selector.close()

    def _connected(self) -> list[ConnectedClient]:
        return [*self._joining, *self._relay.pairs]

    def _hang_up(self, client: Any, words: str) -> None:
        if not isinstance(client, _Joining):
            self._relay.hang_up(client, words)
            return
        self._joining.remove(client)
        client.attempt.close()
        self._writer.write(Event.ENDED, client.connection)
        self._acceptor.send_away(client.client, words)

    def _let_in(self, client: AcceptedClient) -> None:
        if (client.host, client.port) in self._own_addresses():
            self._acceptor.send_away(client, _LEADS_BACK)
            return
        self.connections += 1
        self._writer.write(Event.CONNECTED, self.connections)
        now = time.monotonic()
        known, tls = self._addresses, self._server_tls
        attempt = open_attempt(*self._server, now, _CONNECT_SECONDS, known, tls)
        self._joining.append(_Joining(client, self.connections, attempt))

    def _own_addresses(self) -> Iterator[tuple[str, int]]:
        """Yield the addresses of this end of the connections to the server."""
        joining = (one.attempt.socket for one in self._joining)
        joined = (pair.server.socket for pair in self._relay.pairs)
        for sock in (*joining, *joined):
            if sock is not None:
                with suppress(OSError):  # it is not connected any more
                    host, port, *_ = sock.getsockname()
                    yield host, port

    def _join(self, joining: _Joining) -> bool:
        """Connect a client with the server; return whether that is done, or has failed."""
        client, number = joining.client, joining.connection
        try:
            server = joining.attempt.step(time.monotonic())
        except ConnectionFailedError as error:
            self._addresses = ()
            self._writer.write(Event.ENDED, number)
            self._acceptor.send_away(client, _NO_SERVER, reason=str(error))
            return True
        if server is None:
            return False
        self._addresses = joining.attempt.addresses
        self._relay.add(number, client, server, self._make_filter)
        return True

    @property
    def server_address(self) -> str:
        """The server's host and port as a user writes them."""
        return format_address(*self._server)
