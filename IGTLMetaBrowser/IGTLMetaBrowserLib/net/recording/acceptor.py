"""Lets clients in for tools that serve: limits, room for who comes, and the TLS handshake."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ... import codec
from ..address import format_address
from ..connection import Connection
from ..errors import TLSError
from ..farewell import Farewell, packed_status
from ..limited_log import LimitedLog
from ..limits import MAKES_ROOM, Guest, ServerLimits, most_expendable
from ..listener import PAUSE_SECONDS, Listener
from ..tls import in_words
from ..tls_server import ALERT_ACCESS_DENIED, HANDSHAKE_SECONDS, ServerHandshake
from ..tls_socket import TLSSocket

MOST_LEAVING = 8
"""Of those who are sent away with words; who comes then is sent away without."""

Address = tuple[str, int]
_Code = codec.StatusCode


@dataclass(eq=False)
class _Entering:
    """A client in its TLS handshake; it can be missed as any that has never asked."""

    handshake: ServerHandshake
    address: Address
    has_asked = False
    is_owed = False

    @property
    def host(self) -> str:
        return self.address[0]

    @property
    def active_at(self) -> float:
        return self.handshake.begin


class Acceptor:
    """Accepts clients within ``limits``; none waits for the TLS handshake of another.

    ``selector`` has the listener and the sockets of those who are on their way in or out, with this
    as their ``data``: give those that are ready to ``step``, and call ``check`` in each turn.
    ``guests`` returns who is in, ``drop`` closes the connection of one of them, for a reason in
    words. Who is not let in, and why no client can be accepted, goes to ``log``.
    """

    def __init__(
        self,
        address: Address,
        selector: selectors.BaseSelector,
        context: ssl.SSLContext | None,
        limits: ServerLimits,
        log: LimitedLog,
        guests: Callable[[], Sequence[Guest]],
        drop: Callable[[Any, str], None],
    ) -> None:
        self._listener = Listener(*address, selector, self)
        self.host, self.port = self._listener.host, self._listener.port
        self._selector = selector
        self._context = context
        self._limits = limits
        self._log = log
        self._guests = guests
        self._drop_guest = drop
        self._entering: dict[socket.socket, _Entering] = {}
        self._leaving: dict[socket.socket, Farewell] = {}

    def step(self, ready: Any) -> tuple[socket.socket, Address] | None:
        """Return a client's socket, which does not block, and address, if it is let in now."""
        if ready is self._listener.socket:
            return self._accept(time.monotonic())
        if ready in self._entering:
            return self._go_on(ready)
        if ready in self._leaving and self._leaving[ready].step():
            self._close_leaving(ready)
        return None

    def check(self) -> None:
        """Drop those whose time is up, and listen again if there was a pause."""
        now = time.monotonic()
        self._listener.resume(now)
        for entering in [*self._entering.values()]:
            if now - entering.handshake.begin > HANDSHAKE_SECONDS:
                self._drop(entering, "it does not go on with the TLS handshake")
        for sock, farewell in [*self._leaving.items()]:
            if now >= farewell.ends_at:
                self._close_leaving(sock)
        for guest in self._guests():
            if self._limits.is_idle(guest, now):
                self._drop(guest, self._limits.words_for_idle)

    def close(self) -> None:
        """Close the sockets of all who are not in."""
        for sock in (*self._entering, *self._leaving):
            sock.close()
        self._listener.close()

    def send_away(
        self,
        sock: socket.socket,
        address: Address,
        words: str,
        code: _Code = _Code.BUSY,
        reason: str = "",
    ) -> None:
        """Tell a client that has been sent nothing why it cannot stay, and close its connection.

        ``reason`` is for the log, where that says more.
        """
        self._log_about(address, reason or words)
        if len(self._leaving) >= MOST_LEAVING:
            sock.close()
            return
        is_secured = self._context is None or isinstance(sock, TLSSocket)
        last_words = packed_status(code, words) if is_secured else ALERT_ACCESS_DENIED
        farewell = Farewell(Connection(sock, codec.Receiver()), last_words, time.monotonic())
        self._leaving[sock] = farewell
        self._selector.register(sock, selectors.EVENT_READ, self)
        if farewell.step():
            self._close_leaving(sock)

    def _accept(self, now: float) -> tuple[socket.socket, Address] | None:
        try:
            found = self._listener.accept()
        except OSError as error:
            words = f"a client could not be accepted: {error.strerror}"
            self._log.write(logging.WARNING, "", words)
            if self._listener.resume_at is not None:
                # Not one that has just come: it may be about to ask.
                self._make_room(most_expendable(self._all, now, PAUSE_SECONDS, PAUSE_SECONDS))
            return None
        if found is None:
            return None
        sock, *address = found
        return self._admit(sock, (address[0], address[1]), now)

    def _admit(
        self, sock: socket.socket, address: Address, now: float
    ) -> tuple[socket.socket, Address] | None:
        self._make_room(self._limits.who_makes_room(address[0], self._all, now))
        words = self._limits.why_not(address[0], [guest.host for guest in self._all])
        if words is not None:
            code = _Code.BUSY if self._limits.allows(address[0]) else _Code.ACCESS_DENIED
            self.send_away(sock, address, words, code)
            return None
        if self._context is None:
            return sock, address
        try:
            handshake = ServerHandshake(self._context, sock, now)
        except (OSError, ValueError) as error:  # it has reset the connection
            sock.close()
            self._log_about(address, f"no TLS: {in_words(error)}")
            return None
        self._entering[handshake.socket] = _Entering(handshake, address)
        self._selector.register(handshake.socket, selectors.EVENT_READ, self)
        return None

    def _go_on(self, sock: TLSSocket) -> tuple[socket.socket, Address] | None:
        entering = self._entering[sock]
        try:
            is_done = entering.handshake.step()
        except TLSError as error:
            self._drop(entering, f"no TLS: {error}")
            return None
        if is_done:
            self._forget(sock)
            return sock, entering.address
        wants_write = entering.handshake.wants_write
        events = selectors.EVENT_WRITE if wants_write else selectors.EVENT_READ
        self._selector.modify(sock, events, self)
        return None

    @property
    def _all(self) -> list[Any]:
        return [*self._entering.values(), *self._guests()]

    def _make_room(self, expendable: Any) -> None:
        if expendable is not None:
            self._drop(expendable, MAKES_ROOM)

    def _drop(self, guest: Any, words: str) -> None:
        if not isinstance(guest, _Entering):
            self._drop_guest(guest, words)
            return
        self._log_about(guest.address, words)
        self._forget(guest.handshake.socket)
        guest.handshake.socket.close()

    def _forget(self, sock: socket.socket) -> None:
        del self._entering[sock]
        self._selector.unregister(sock)

    def _close_leaving(self, sock: socket.socket) -> None:
        del self._leaving[sock]
        self._selector.unregister(sock)
        sock.close()

    def _log_about(self, address: Address, words: str) -> None:
        line = f"client {format_address(*address)}: {words}"
        self._log.write(logging.WARNING, address[0], line)
