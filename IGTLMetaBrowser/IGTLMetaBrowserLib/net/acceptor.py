"""Who is on the way in to a server, and on the way out: limits, room, TLS, and last words."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from .. import codec
from ..system_errors import reason_of
from .address import format_address
from .connection import Connection
from .errors import TLSError
from .fair_turns import in_turns
from .farewell import Farewell, packed_status
from .limited_log import LimitedLog
from .limits import MAKES_ROOM, ServerLimits, most_expendable
from .listener import PAUSE_SECONDS, Listener
from .tls.certificates import REQUIRES_TLS
from .tls.tls_server import (
    ALERT_ACCESS_DENIED,
    ALERT_PROTOCOL_VERSION,
    FIRST_BYTE,
    HANDSHAKE_SECONDS,
    ServerHandshake,
)
from .tls.tls_socket import TLSSocket

_logger = logging.getLogger(__name__)

# A flood of connections must not keep those who are connected from their answers.
_ACCEPTED_AT_ONCE = 32
# Of a step; who serves clients has as much for those who are in.
_STEP_SECONDS = 0.01
CHECK_SECONDS = 0.5
"""How often time-outs are looked at, which are some seconds long."""
NO_MEMORY = "the memory is used up"
"""Why one was hung up on whom others need not leave with."""
_USES_TLS = "it uses TLS, which this server does not: connect without TLS, or start it with TLS"
_NEEDS_TLS = f"{REQUIRES_TLS}; connect with TLS"
_REFUSED = "it was refused"
_IS_SILENT = "it does not go on with the TLS handshake"

_Code = codec.StatusCode


def speaks_tls(sock: socket.socket, beginning: bytes) -> bool:
    """Whether a client that is in without TLS begins with it: ``refuse_tls`` then."""
    return beginning.startswith(FIRST_BYTE) and not isinstance(sock, TLSSocket)


class AcceptedClient:
    """A client on its way in; it can be missed as any that has never asked.

    ``certificate`` is whom its certificate names, if it has shown one.
    """

    has_asked = is_owed = was_let_in = False
    sent = 0

    def __init__(self, sock: socket.socket, host: str, port: int, now: float) -> None:
        self.socket = sock
        self.host, self.port = host, port
        self.certificate = ""
        self.connected_at = self.active_at = now
        self.handshake: ServerHandshake | None = None
        self.served_in_step = 0

    @property
    def address(self) -> str:
        """Host and port as a user writes them."""
        return format_address(self.host, self.port)

    @property
    def connection(self) -> Connection:
        """A connection on its socket, for last words."""
        return Connection(self.socket, codec.Receiver())


class Journal(Protocol):
    """What is written of those who are not in, or no longer."""

    def turned_away(self, client: Any, words: str) -> None:
        """A client is not let in, or no longer."""

    def left(self, client: Any, reason: str) -> None:
        """The connection of a client that was not in is closed."""


class Acceptor:
    """Lets clients in within ``limits``; none waits for the TLS handshake of another.

    ``selector`` has the listener and the sockets of those on their way in and out: call ``step``
    with what is ready. ``tls`` returns the context for who comes now, None for none. ``connected``
    returns who is in, ``let_in`` takes one in, and ``hang_up`` closes the connection of one of
    them, for a reason in words. Of those who are sent away, ``most_leaving`` at a time hear why.
    """

    def __init__(
        self,
        address: tuple[str, int],
        selector: selectors.BaseSelector,
        limits: ServerLimits,
        journal: Journal,
        *,
        tls: Callable[[], ssl.SSLContext | None],
        connected: Callable[[], Iterable[Any]],
        let_in: Callable[[AcceptedClient], None],
        hang_up: Callable[[Any, str], None],
        most_leaving: int = 64,
    ) -> None:
        self.listener = Listener(*address, selector, self)
        self._tls = tls
        self.entering: set[AcceptedClient] = set()
        self._leaving: set[Farewell] = set()
        self._selector = selector
        self._limits = limits
        self._journal = journal
        self._connected = connected
        self._let_in = let_in
        self._hang_up = hang_up
        self._most_leaving = most_leaving
        self._log = LimitedLog(_logger)
        self._steps = 0
        self._check_at = 0.0

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        moments = [] if self.listener.resume_at is None else [self.listener.resume_at]
        moments += [self._check_at] if self.entering or self._leaving else []
        return min(moments, default=None)

    def step(self, ready: Iterable[tuple[selectors.SelectorKey, int]]) -> None:
        """Go on with those who are ready, as far as there is time."""
        now = time.monotonic()
        self._steps += 1
        found = [key.data for key, _ in ready]
        if self in found:
            self._accept_some(now)
        # Who has no turn is ready in the next step, too.
        waiting = [one for one in found if isinstance(one, (AcceptedClient, Farewell))]
        for one in in_turns(waiting, self._steps, _STEP_SECONDS):
            if one in self.entering:
                try:
                    self._go_on_entering(one)
                except MemoryError:
                    self._drop(one)
            elif one in self._leaving:
                self._go_on_leaving(one)
        if now >= self._check_at:
            self._check(now)
        self.listener.resume(now)

    def send_away(
        self, client: Any, words: str, code: _Code = _Code.BUSY, reason: str = ""
    ) -> None:
        """Tell a client that is not in, or no longer, why it cannot stay; close its connection.

        ``reason`` is for the journal, where that says more.
        """
        connection = client.connection
        is_secured = self._tls() is None or isinstance(connection.socket, TLSSocket)
        last_words = packed_status(code, words) if is_secured else ALERT_ACCESS_DENIED
        self._turn_away(client, connection, last_words, reason or words)

    def refuse_tls(self, client: Any) -> None:
        """Tell a client that is no longer in, as it ``speaks_tls``, that there is none here."""
        self._turn_away(client, client.connection, ALERT_PROTOCOL_VERSION, _USES_TLS)

    def close(self, reason: str) -> None:
        """Close the connections of all who are not in, and listen no longer."""
        for one in (*self.entering, *self._leaving):
            self._close(one, reason)
        self.listener.close()

    # In

    def _accept_some(self, now: float) -> None:
        for number in range(_ACCEPTED_AT_ONCE):
            # Each is compared with all who are connected: with thousands, 8 ms.
            if number and time.monotonic() >= now + _STEP_SECONDS:
                return
            try:
                found = self.listener.accept()
            except OSError as error:
                words = f"a client could not be accepted: {reason_of(error)}"
                self._log.write(logging.WARNING, "", words)
                if self.listener.resume_at is not None:
                    # Not one that has just come: it may be about to ask.
                    self._make_room(most_expendable(self._all, now, PAUSE_SECONDS, PAUSE_SECONDS))
                return
            if found is None:
                return
            self._admit(AcceptedClient(*found, now), now)

    def _admit(self, accepted: AcceptedClient, now: float) -> None:
        limits = self._limits
        self._make_room(limits.who_makes_room(accepted.host, self._all, now))
        words = limits.why_not(accepted.host, [one.host for one in self._all])
        if words is not None:
            code = _Code.BUSY if limits.allows(accepted.host) else _Code.ACCESS_DENIED
            self.send_away(accepted, words, code)
        elif self._tls() is None:
            self._take_in(accepted)
        else:
            self.entering.add(accepted)
            self._watch(accepted, False)

    def _take_in(self, accepted: AcceptedClient) -> None:
        try:
            self._let_in(accepted)
        except MemoryError:
            self._drop(accepted)

    def _drop(self, accepted: AcceptedClient) -> None:
        """Close the connection of one for whom there is no memory, as far as it is made."""
        self._journal.turned_away(accepted, NO_MEMORY)
        self.entering.discard(accepted)
        if accepted.socket in self._selector.get_map():
            self._selector.unregister(accepted.socket)
        accepted.socket.close()
        self._journal.left(accepted, NO_MEMORY)

    @property
    def _all(self) -> list[Any]:
        return [*self.entering, *self._connected()]

    def _make_room(self, expendable: Any) -> None:
        """Close the connection that can be missed most, if there is one."""
        if expendable in self.entering:
            self._journal.turned_away(expendable, MAKES_ROOM)
            self._close(expendable, MAKES_ROOM)
        elif expendable is not None:
            self._hang_up(expendable, MAKES_ROOM)

    def _go_on_entering(self, accepted: AcceptedClient) -> None:
        if accepted.handshake is None:
            self._begin_tls(accepted)
        handshake = accepted.handshake
        if handshake is None:
            return
        try:
            is_done = handshake.step()
        except TLSError as error:  # OpenSSL has sent its alert
            self._forget(accepted)
            self._turn_away(accepted, accepted.connection, b"", f"no TLS: {error}")
            return
        if not is_done:
            self._watch(accepted, handshake.wants_write)
            return
        self._forget(accepted)
        accepted.certificate = handshake.client_name
        self._take_in(accepted)

    def _begin_tls(self, accepted: AcceptedClient) -> None:
        """Begin the handshake, if the client does; its first byte stays to be read."""
        try:
            first = accepted.socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            first = b""
        if not first:
            self._close(accepted, "it has closed the connection")
        elif first != FIRST_BYTE:
            self._forget(accepted)
            last_words = packed_status(_Code.CONFIGURATION_ERROR, _NEEDS_TLS)
            self._turn_away(accepted, accepted.connection, last_words, _NEEDS_TLS)
        else:
            self._selector.unregister(accepted.socket)
            accepted.handshake = ServerHandshake(self._tls(), accepted.socket)
            accepted.socket = accepted.handshake.socket
            self._watch(accepted, False)

    # Out

    def _turn_away(
        self, client: Any, connection: Connection, last_words: bytes, words: str
    ) -> None:
        """Say why, and take no more from it."""
        self._journal.turned_away(client, words)
        if len(self._leaving) >= self._most_leaving:
            connection.close()
            self._journal.left(client, words)
            return
        farewell = Farewell(client, connection, last_words, time.monotonic())
        self._leaving.add(farewell)
        self._watch(farewell, True)

    def _go_on_leaving(self, farewell: Farewell) -> None:
        if farewell.step():
            self._close(farewell, _REFUSED)
        else:
            self._watch(farewell, farewell.wants_write)

    # Both

    def _watch(self, one: AcceptedClient | Farewell, wants_write: bool) -> None:
        """Wait for what happens next."""
        events = selectors.EVENT_WRITE if wants_write else selectors.EVENT_READ
        if one.socket not in self._selector.get_map():
            self._selector.register(one.socket, events, one)
        elif self._selector.get_key(one.socket).events != events:
            self._selector.modify(one.socket, events, one)

    def _forget(self, one: AcceptedClient | Farewell) -> None:
        self.entering.discard(one)
        self._leaving.discard(one)
        self._selector.unregister(one.socket)

    def _close(self, one: AcceptedClient | Farewell, reason: str) -> None:
        self._forget(one)
        one.socket.close()
        self._journal.left(one.client if isinstance(one, Farewell) else one, reason)

    def _check(self, now: float) -> None:
        """Drop those whose time is up."""
        self._check_at = now + CHECK_SECONDS
        for accepted in [*self.entering]:
            if now - accepted.connected_at > HANDSHAKE_SECONDS:
                self._journal.turned_away(accepted, _IS_SILENT)
                self._close(accepted, _IS_SILENT)
        for farewell in [*self._leaving]:
            if now >= farewell.ends_at:
                self._close(farewell, _REFUSED)
