"""Stands between clients and a server, hands everything on, and records it."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from .address import format_address
from .connection import WOULD_WAIT
from .errors import ConnectionFailedError
from .limited_log import LimitedLog
from .recording import Event, RecordingWriter
from .tls_client import ClientTLS, open_attempt
from .tls_server import accept, listen

_logger = logging.getLogger(__name__)

_PIECE = 1 << 20
_CONNECT_SECONDS = 10.0
# As much as is held for an end that does not read, before the other end has to wait, too.
_MOST_HELD = 8 << 20

Filter = Callable[[bytes], bytes]
"""What of the bytes of one end goes into the file; it may wait until a message is whole."""


@dataclass(eq=False)
class _End:
    """One of the two sockets of a connection, and what waits to be sent to it."""

    socket: socket.socket
    event: Event  # what it is called in the file when this end sends
    connection: int
    keep: Filter
    outgoing: bytearray = field(default_factory=bytearray)
    other: _End | None = None
    has_ended: bool = False
    is_closed: bool = False


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
        make_filter: Callable[[], Filter] = lambda: bytes,
        server_tls: ClientTLS | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._writer = writer
        self._make_filter = make_filter
        self._server_tls = server_tls
        self._log = LimitedLog(_logger)
        self._tls = tls
        self._listener = listen(host, port)
        self.host, self.port = self._listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self.connections = 0

    def step(self, seconds: float) -> None:
        """Hand on what is there; wait up to ``seconds`` for it. Raises ``RecordingError``."""
        for key, events in self._selector.select(seconds):
            if key.data is None:
                self._accept()
            elif not key.data.is_closed:
                self._serve(key.data, events)

    def _serve(self, end: _End, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._write(end)
        if events & selectors.EVENT_READ and not end.is_closed:
            self._read(end)

    def close(self) -> None:
        """End all connections."""
        for key in [*self._selector.get_map().values()]:
            key.fileobj.close()
        self._selector.close()

    def _accept(self) -> None:
        accepted = accept(self._listener, self._tls, _CONNECT_SECONDS, self._log)
        if accepted is None:
            return
        client, address = accepted
        self.connections += 1
        number = self.connections
        self._writer.write(Event.CONNECTED, number)
        try:
            server = self._connect()
        except ConnectionFailedError as error:
            self._warn(address, str(error))
            self._writer.write(Event.ENDED, number)
            client.close()
            return
        client.setblocking(False)
        first = _End(client, Event.CLIENT_SENT, number, self._make_filter())
        second = _End(server, Event.SERVER_SENT, number, self._make_filter())
        first.other, second.other = second, first
        for end in (first, second):
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, selectors.EVENT_READ, end)

    def _warn(self, address: tuple[str, int], words: str) -> None:
        line = f"client {format_address(*address)}: {words}"
        self._log.write(logging.WARNING, address[0], line)

    def _connect(self) -> socket.socket:
        now = time.monotonic()
        attempt = open_attempt(*self._server, now, _CONNECT_SECONDS, (), self._server_tls)
        while (connected := attempt.step(time.monotonic())) is None:
            time.sleep(0.001)  # other clients wait: a recorder is for one device
        return connected

    def _read(self, end: _End) -> None:
        try:
            data = end.socket.recv(_PIECE)
            # A selector does not see what TLS has decrypted already.
            while data and isinstance(end.socket, ssl.SSLSocket) and end.socket.pending():
                data += end.socket.recv(end.socket.pending())
        except WOULD_WAIT:
            return
        except OSError as error:
            _logger.info("connection %d: %s", end.connection, error)
            data = b""
        if not data:
            self._end(end)
            return
        if kept := end.keep(data):
            self._writer.write(end.event, end.connection, kept)
        if end.other is not None:
            end.other.outgoing += data
            self._write(end.other)

    def _write(self, end: _End) -> None:
        try:
            if end.outgoing:
                del end.outgoing[: end.socket.send(end.outgoing)]
        except WOULD_WAIT:
            pass
        except OSError:
            end.outgoing.clear()
        if not end.outgoing and end.other is not None and end.other.has_ended:
            self._close_pair(end)
            return
        for one in filter(None, (end, end.other)):
            self._watch(one)

    def _watch(self, end: _End) -> None:
        is_held = end.other is not None and len(end.other.outgoing) > _MOST_HELD
        read = 0 if is_held or end.has_ended else selectors.EVENT_READ
        events = read | (selectors.EVENT_WRITE if end.outgoing else 0)
        is_watched = end.socket in self._selector.get_map()
        if events and is_watched:
            self._selector.modify(end.socket, events, end)
        elif events:
            self._selector.register(end.socket, events, end)
        elif is_watched:
            self._selector.unregister(end.socket)

    def _end(self, end: _End) -> None:
        """One end has closed: the other gets what is left for it, and is closed as well."""
        end.has_ended = True
        if end.other is None or not end.other.outgoing:
            self._close_pair(end)
        else:
            self._watch(end)

    def _close_pair(self, end: _End) -> None:
        if end.is_closed:
            return
        self._writer.write(Event.ENDED, end.connection)
        for one in filter(None, (end, end.other)):
            if one.socket in self._selector.get_map():
                self._selector.unregister(one.socket)
            one.socket.close()
            one.is_closed = True

    @property
    def server_address(self) -> str:
        """The server's host and port as a user writes them."""
        return format_address(*self._server)
