"""Stands between clients and a server, hands everything on, and records it."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .address import format_address
from .connection import WOULD_WAIT
from .connection_attempt import ConnectionAttempt
from .errors import ConnectionFailedError
from .limited_log import LimitedLog
from .recording import Event, RecordingWriter
from .tls_client import ClientTLS, open_attempt
from .tls_server import Acceptor, listen

_logger = logging.getLogger(__name__)

_PIECE = 1 << 20
_CONNECT_SECONDS = 10.0
# When to look again at connections to the server that are being made.
_POLL_SECONDS = 0.002
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
    has_ended: bool = False  # it sends no more; it may read on
    is_broken: bool = False
    is_closed: bool = False


@dataclass(eq=False)
class _Joining:
    """A client for which the server is being connected to."""

    client: socket.socket
    address: tuple[str, int]
    connection: int
    attempt: ConnectionAttempt


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
        listener = listen(host, port)
        self.host, self.port = listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(listener, self._selector, tls, _CONNECT_SECONDS, self._log)
        self._joining: list[_Joining] = []
        self.connections = 0

    def step(self, seconds: float) -> None:
        """Hand on what is there; wait up to ``seconds`` for it. Raises ``RecordingError``."""
        wait = min(seconds, _POLL_SECONDS) if self._joining else seconds
        for key, events in self._selector.select(wait):
            if key.data is self._acceptor:
                self._accept(key.fileobj)
            elif not key.data.is_closed:
                self._serve(key.data, events)
        self._acceptor.drop_late()
        self._joining = [one for one in self._joining if not self._join(one)]

    def _serve(self, end: _End, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._write(end)
        if events & selectors.EVENT_READ and not end.is_closed:
            self._read(end)

    def close(self) -> None:
        """End all connections."""
        for key in [*self._selector.get_map().values()]:
            key.fileobj.close()
        for joining in self._joining:
            joining.client.close()
            joining.attempt.close()
        self._selector.close()

    def _accept(self, ready: Any) -> None:
        accepted = self._acceptor.step(ready)
        if accepted is None:
            return
        self.connections += 1
        self._writer.write(Event.CONNECTED, self.connections)
        now = time.monotonic()
        attempt = open_attempt(*self._server, now, _CONNECT_SECONDS, (), self._server_tls)
        self._joining.append(_Joining(*accepted, self.connections, attempt))

    def _join(self, joining: _Joining) -> bool:
        """Connect a client with the server; return whether that is done, or has failed."""
        client, number = joining.client, joining.connection
        try:
            server = joining.attempt.step(time.monotonic())
        except ConnectionFailedError as error:
            self._warn(joining.address, str(error))
            self._writer.write(Event.ENDED, number)
            client.close()
            return True
        if server is None:
            return False
        first = _End(client, Event.CLIENT_SENT, number, self._make_filter())
        second = _End(server, Event.SERVER_SENT, number, self._make_filter())
        first.other, second.other = second, first
        for end in (first, second):
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end.socket, selectors.EVENT_READ, end)
        return True

    def _warn(self, address: tuple[str, int], words: str) -> None:
        line = f"client {format_address(*address)}: {words}"
        self._log.write(logging.WARNING, address[0], line)

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
            end.is_broken = True
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
            end.is_broken = True
        if not end.outgoing and end.other is not None and end.other.has_ended:
            self._pass_end_on(end)
        elif end.is_broken and end.has_ended:  # no read will show that it is gone
            self._close_pair(end)
        if end.is_closed:
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
        """One end sends no more: the other gets what is left for it, and sees that then."""
        end.has_ended = True
        if end.other is None:
            self._close_pair(end)
        elif not end.other.outgoing:
            self._pass_end_on(end.other)
        if not end.is_closed:
            self._watch(end)

    def _pass_end_on(self, to: _End) -> None:
        """Have an end see that the other sends no more; close the two if nothing else can come.

        Who sends no more may wait for an answer. TLS here cannot close one direction alone.
        """
        is_broken = to.is_broken or (to.other is not None and to.other.is_broken)
        if to.has_ended or is_broken or isinstance(to.socket, ssl.SSLSocket):
            self._close_pair(to)
            return
        try:
            to.socket.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone
            self._close_pair(to)

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
