"""A server that offers a source to any number of clients, in one thread."""

from __future__ import annotations

import logging
import selectors
import socket
import ssl
import time

from ... import codec
from ..address import DEFAULT_PORT
from ..errors import TLSError
from ..farewell import packed_status
from ..limits import MAKES_ROOM, ServerLimits, most_expendable
from ..listener import PAUSE_SECONDS, Listener
from ..source import Source
from ..tls import REQUIRES_TLS, in_words
from ..tls_server import (
    ALERT_ACCESS_DENIED,
    ALERT_PROTOCOL_VERSION,
    FIRST_BYTE,
    HANDSHAKE_SECONDS,
)
from ..tls_socket import NoDataError
from ..turns import in_turns
from .journal import Journal, Observer
from .replies import Replies
from .served_client import ServedClient

_logger = logging.getLogger(__name__)

# Of a step in which one client after the other is served; in Slicer, the window waits for its end.
_STEP_SECONDS = 0.02
# Of it, for what one client sends. What is read is then handled, which takes some times as long.
_READ_SECONDS = 0.004
# A flood of connections must not keep those who are connected from their answers.
_ACCEPTED_AT_ONCE = 32
# What fits the buffer that each connection has anyway.
_SMALL = 64 << 10
# How often time-outs are looked at, which are some seconds long.
_CHECK_SECONDS = 0.5
_SHUT_DOWN_STEP_SECONDS = 0.02
_SECONDS_FOR_WAITING = 0.3
# Of those who are sent away with words; who comes then is sent away without.
_MOST_LEAVING = 64

_Code = codec.StatusCode


class Server:
    """Listens on ``host`` and ``port``; port 0 picks a free one, which ``port`` then says.

    The host ``::`` means all addresses, those of IPv4 too. Raises ``OSError`` if it cannot
    listen there. ``serve_forever`` waits by itself; a caller with an event loop of its own waits
    for ``sockets`` and ``next_deadline``, and calls ``step``.

    ``tls`` is a context of ``ServerTLS.make_context``; then clients without TLS are refused. It may
    be replaced while the server runs, for those who connect from then on. ``observer`` is called
    with every ``ServerEvent``; what it raises ends the server.
    """

    def __init__(
        self,
        source: Source,
        host: str = "127.0.0.1",
        port: int = DEFAULT_PORT,
        limits: ServerLimits | None = None,
        tls: ssl.SSLContext | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.tls = tls
        self._limits = (limits or ServerLimits()).within_descriptors()
        self._journal = Journal(observer)
        self._replies = Replies(source, self._limits, self._journal)
        self._selector = selectors.DefaultSelector()
        self._listener = Listener(host, port, self._selector)
        self.host, self.port = self._listener.host, self._listener.port
        self._clients: set[ServedClient] = set()
        self._paused: set[ServedClient] = set()
        # Who has a turn in the next step, whatever the selector says: TLS holds bytes of them, or
        # the last step had no time for them.
        self._due: set[ServedClient] = set()
        self._steps = 0
        self._check_at = 0.0

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the number of the listening socket."""
        return self._listener.socket.fileno()

    @property
    def clients(self) -> list[ServedClient]:
        """Who is connected now; to be looked at, not to be changed."""
        return [client for client in tuple(self._clients) if client.leave_at is None]

    @property
    def cached_bytes(self) -> int:
        """Bytes of all packed images in memory."""
        return self._replies.images.size

    @property
    def sockets(self) -> dict[socket.socket, int]:
        """The sockets to wait for, and for what: ``selectors.EVENT_READ`` or ``EVENT_WRITE``."""
        watched = self._selector.get_map() or {}  # None once it is closed
        return {key.fileobj: key.events for key in watched.values()}

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        moments = [client.resume_at or 0.0 for client in self._paused]
        moments += [] if (resume := self._listener.resume_at) is None else [resume]
        moments += [0.0] if self._due else []
        moments += [] if (check := self._replies.streams.next_check) is None else [check]
        moments += [self._check_at] if self._clients else []
        return min(moments, default=None)

    def serve_forever(self) -> None:
        """Serve until an exception (as Ctrl-C raises) ends it."""
        while True:
            self.step(None)

    def step(self, seconds: float | None = 0.0) -> None:
        """Serve what is to be served; wait up to ``seconds`` for it, None for ever."""
        deadline = self.next_deadline
        if deadline is not None:
            left = max(0.0, deadline - time.monotonic())
            seconds = left if seconds is None else min(seconds, left)
        ready = [key.data for key, _ in self._selector.select(seconds)]
        now = time.monotonic()
        accepted = self._accept_some(now) if None in ready else []
        due, self._due = self._due, set()
        changed = self._replies.streams.queue_changed(self._clients - self._paused, now)
        self._serve_some({*ready, *accepted, *due, *changed, *self._resume(now)} - {None}, now)
        if self._clients and now >= self._check_at:
            self._check(now)
        self._listener.resume(now)

    def _serve_some(self, waiting: set[ServedClient], now: float) -> None:
        """Serve as many clients as there is time for, the others in the next step.

        Of those who have waited as long, small queries come first: behind a dozen large images they
        would wait for half a second.
        """
        self._steps += 1
        order = sorted(waiting, key=lambda client: client.is_owed)
        for client in in_turns(order, self._steps, _STEP_SECONDS):
            waiting.discard(client)
            if client in self._clients:
                self._serve(client, now)
        self._due |= waiting

    def shut_down(self, seconds: float) -> None:
        """Accept nobody, finish what is being sent, for up to ``seconds``, and close.

        What waits for somebody else may never be sent: that is given a moment.
        """
        self._listener.close()
        begin = time.monotonic()
        while self._has_to_send(time.monotonic() - begin, seconds):
            for client in self._clients:
                client.questions.clear()
            self.step(_SHUT_DOWN_STEP_SECONDS)
        self.close()

    def _has_to_send(self, passed: float, seconds: float) -> bool:
        if passed >= seconds:
            return False
        is_moment = passed < _SECONDS_FOR_WAITING
        return any(one.is_being_sent_to or (is_moment and one.is_waiting) for one in self._clients)

    def close(self) -> None:
        """Close all connections and listen no longer."""
        for client in [*self._clients]:
            self._drop(client, "this server is shutting down")
        self._listener.close()
        self._selector.close()

    # Who may come in

    def _accept_some(self, now: float) -> list[ServedClient]:
        """Return who was accepted: the first query may be there already."""
        accepted: list[ServedClient] = []
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                found = self._listener.accept()
            except OSError as error:
                _logger.warning("a client could not be accepted: %s", error)
                if self._listener.resume_at is not None:
                    # Not one that has just come: it may be about to ask.
                    self._make_room(
                        most_expendable(self.clients, now, PAUSE_SECONDS, PAUSE_SECONDS)
                    )
                break
            if found is None:
                break
            accepted.append(ServedClient(*found, self._limits, now))
            self._admit(accepted[-1], now)
        return accepted

    def _admit(self, client: ServedClient, now: float) -> None:
        if not self._clients:
            self._check_at = now + _CHECK_SECONDS
        limits = self._limits
        self._make_room(limits.who_makes_room(client.host, self.clients, now))
        words = limits.why_not(client.host, [other.host for other in self.clients])
        self._clients.add(client)
        self._selector.register(client.connection.socket, selectors.EVENT_READ, client)
        if words is None:
            if self.tls is None:
                self._journal.connected(client)
            return
        code = _Code.BUSY if limits.allows(client.host) else _Code.ACCESS_DENIED
        last_words = packed_status(code, words) if self.tls is None else ALERT_ACCESS_DENIED
        self._turn_away(client, last_words, words, now)

    def _make_room(self, expendable: ServedClient | None) -> None:
        """Close the connection that can be missed most, if there is one."""
        if expendable is not None:
            self._journal.turned_away(expendable, MAKES_ROOM)
            self._drop(expendable, MAKES_ROOM)

    def _greet(self, client: ServedClient, now: float) -> None:
        """Look at a client's first byte, which tells TLS from OpenIGTLink, and begin."""
        first = client.first_byte()
        if first is None:
            return
        speaks_tls = first == FIRST_BYTE
        if speaks_tls and self.tls is None:
            words = (
                "it uses TLS, which this server does not: connect without TLS, or start it with TLS"
            )
            self._turn_away(client, ALERT_PROTOCOL_VERSION, words, now)
        elif first and not speaks_tls and self.tls is not None:
            words = f"{REQUIRES_TLS}; connect with TLS"
            self._turn_away(client, packed_status(_Code.CONFIGURATION_ERROR, words), words, now)
        elif speaks_tls:
            self._begin_tls(client, self.tls, now)
        client.is_new = False

    def _begin_tls(self, client: ServedClient, context: ssl.SSLContext, now: float) -> None:
        # The connection has another socket then.
        self._selector.unregister(client.connection.socket)
        try:
            client.begin_tls(context, now)
        except (OSError, ValueError) as error:  # it has sent a byte and reset the connection
            self._clients.remove(client)
            client.close()
            self._journal.turned_away(client, f"no TLS: {in_words(error)}")
        else:
            self._selector.register(client.connection.socket, selectors.EVENT_READ, client)

    def _go_on_with_tls(self, client: ServedClient, now: float) -> None:
        try:
            if client.step_handshake():
                self._journal.connected(client)
        except TLSError as error:
            self._turn_away(client, b"", f"no TLS: {error}", now)  # OpenSSL has sent its alert

    def _turn_away(self, client: ServedClient, last_words: bytes, words: str, now: float) -> None:
        """Say why, and take no more from it."""
        self._journal.turned_away(client, words)
        if sum(other.leave_at is not None for other in self._clients) >= _MOST_LEAVING:
            self._drop(client, words)
            return
        self._end_pause(client)
        client.leave(last_words, now)
        self._watch(client)

    # Who is in

    def _serve(self, client: ServedClient, now: float) -> None:
        if client.is_new and client.leave_at is None:
            self._greet(client, now)
        if client.leave_at is not None:
            if client.step_leaving():
                client.connection.lost = client.connection.lost or EOFError("it was refused")
        elif client.handshake is not None:
            self._go_on_with_tls(client, now)
        elif not client.is_new:
            self._exchange(client, now)
        if client not in self._clients:
            return
        if client.is_gone:
            if isinstance(client.connection.lost, NoDataError):
                self._journal.turned_away(client, str(client.connection.lost))
            self._drop(client, str(client.connection.lost))
        else:
            self._watch(client)

    def _exchange(self, client: ServedClient, now: float) -> None:
        client.write(now)
        self._replies.finish(client)
        client.note_reading(now)
        if not client.is_owed:
            events = client.connection.read(_READ_SECONDS)
            client.received(bool(events), now)
            for event in events:
                self._replies.on_event(client, event)
            if client.unfinished > _SMALL:
                self._limit_unfinished(now)
        if client.is_waiting_for_answer and not client.connection.is_broken:
            # One answer a turn, so that the other clients have theirs in between.
            self._replies.go_on(client, now)
            client.write(now)
            self._replies.finish(client)
        client.note_reading(now)

    def _limit_unfinished(self, now: float) -> None:
        """Give up what takes the most memory of all that has come in part, if it is too much."""
        total = sum(client.unfinished for client in self._clients)
        if total <= self._limits.unfinished_size:
            return
        largest = max(self._clients, key=lambda client: client.unfinished)
        words = "too many clients send large messages at a time; send it again later"
        self._turn_away(largest, packed_status(_Code.BUSY, words), words, now)

    def _watch(self, client: ServedClient) -> None:
        """Wait for what the client does next."""
        sock = client.connection.socket
        if client.resume_at is not None:
            self._selector.unregister(sock)
            self._paused.add(client)
            return
        if client.has_unread:
            self._due.add(client)
        interest = selectors.EVENT_WRITE if client.wants_write else selectors.EVENT_READ
        if self._selector.get_key(sock).events != interest:
            self._selector.modify(sock, interest, client)

    def _resume(self, now: float) -> list[ServedClient]:
        """Return the clients whose pause is over."""
        resumed = [client for client in self._paused if (client.resume_at or 0.0) <= now]
        for client in resumed:
            self._end_pause(client)
        return resumed

    def _end_pause(self, client: ServedClient) -> None:
        """Wait again for a client that was left alone, if it was."""
        client.resume_at = None
        if client in self._paused:
            self._paused.remove(client)
            self._selector.register(client.connection.socket, selectors.EVENT_WRITE, client)

    # Who leaves

    def _check(self, now: float) -> None:
        """Drop those whose time is up."""
        self._check_at = now + _CHECK_SECONDS
        limits = self._limits
        for client in [*self._clients]:
            if client.leave_at is not None:
                # It was turned away for one of the reasons below: not a second time.
                if now >= client.leave_at:
                    self._drop(client, "it was refused")
            elif now - client.unsecured_since(self.tls is not None, now) > HANDSHAKE_SECONDS:
                self._journal.turned_away(client, "it does not go on with the TLS handshake")
                self._drop(client, "it does not go on with the TLS handshake")
            elif client.is_stalled(now):
                words = limits.words_for_slow
                self._journal.turned_away(client, words)
                self._drop(client, words)
            elif client.is_sending_slowly(now):
                words = f"a message of it was not whole within {limits.receive_timeout:g} s"
                self._turn_away(client, packed_status(_Code.TIME_OUT, words), words, now)
            elif client.is_idle(now):
                words = limits.words_for_idle
                self._turn_away(client, packed_status(_Code.TIME_OUT, words), words, now)

    def _drop(self, client: ServedClient, reason: str) -> None:
        self._end_pause(client)
        self._due.discard(client)
        self._clients.remove(client)
        self._selector.unregister(client.connection.socket)
        client.close()
        self._replies.images.forget_changed()
        self._journal.left(client, reason)
