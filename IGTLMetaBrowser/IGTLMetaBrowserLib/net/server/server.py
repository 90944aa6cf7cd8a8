"""A server that offers a source to any number of clients, in one thread."""

from __future__ import annotations

import selectors
import socket
import ssl
import time

from ... import codec
from ..acceptor import CHECK_SECONDS, NO_MEMORY, AcceptedClient, Acceptor, speaks_tls
from ..address import DEFAULT_PORT
from ..fair_turns import in_turns
from ..limits import ServerLimits
from ..source import Source
from ..tls.tls_socket import NoDataError
from .journal import AnyClient, Journal, Observer
from .replies import Replies
from .served_client import ServedClient

# Of a step in which one client after the other is served; in Slicer, the window waits for its end.
_STEP_SECONDS = 0.02
# Of it, for what one client sends. What is read is then handled, which takes some times as long.
_READ_SECONDS = 0.004
# What fits the buffer that each connection has anyway.
_SMALL = 64 << 10
_SHUT_DOWN_STEP_SECONDS = 0.02
_SECONDS_FOR_WAITING = 0.3
_SHUTTING_DOWN = "this server is shutting down"

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
        self._clients: set[ServedClient] = set()
        self._replies = Replies(source, self._limits, self._journal, lambda: self._clients)
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(
            (host, port),
            self._selector,
            self._limits,
            self._journal,
            tls=lambda: self.tls,
            connected=lambda: self._clients,
            let_in=self._let_in,
            hang_up=self._hang_up,
        )
        self.host, self.port = self._acceptor.listener.host, self._acceptor.listener.port
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
        return self._acceptor.listener.socket.fileno()

    @property
    def clients(self) -> list[AnyClient]:
        """Who is connected now; to be looked at, not to be changed."""
        return [*self._acceptor.entering, *self._clients]

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
        moments += [] if (of_others := self._acceptor.next_deadline) is None else [of_others]
        moments += [0.0] if self._due else []
        moments += [] if (check := self._replies.streams.next_check) is None else [check]
        moments += [self._check_at] if self._clients else []
        return min(moments, default=None)

    def wake_by(self, sock: socket.socket) -> None:
        """Have a step end that waits when ``sock`` can be read."""
        self._selector.register(sock, selectors.EVENT_READ)

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
        ready = self._selector.select(seconds)
        now = time.monotonic()
        self._acceptor.step(ready)
        due, self._due = self._due, set()
        served = {key.data for key, _ in ready if isinstance(key.data, ServedClient)}
        changed = self._replies.streams.queue_changed(self._clients, now)
        self._serve_some({*served, *due, *changed, *self._resume(now)}, now)
        if self._clients and now >= self._check_at:
            self._check(now)

    def _serve_some(self, waiting: set[ServedClient], now: float) -> None:
        """Serve as many clients as there is time for, the others in the next step.

        Of those who have waited as long, small queries come first: behind a dozen large images they
        would wait for half a second.
        """
        self._steps += 1
        order = sorted(waiting, key=lambda client: client.is_owed)
        left = now + _STEP_SECONDS - time.monotonic()
        for client in in_turns(order, self._steps, left):
            waiting.discard(client)
            if client in self._clients:
                self._serve(client, now)
        self._due |= waiting

    def shut_down(self, seconds: float) -> None:
        """Accept nobody, finish what is being sent, for up to ``seconds``, and close.

        What waits for somebody else may never be sent: that is given a moment.
        """
        self._acceptor.listener.close()
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
            self._drop(client, _SHUTTING_DOWN)
        self._acceptor.close(_SHUTTING_DOWN)
        self._selector.close()

    # Who is in

    def _let_in(self, accepted: AcceptedClient) -> None:
        client = ServedClient(accepted, self._limits)
        self._selector.register(client.connection.socket, selectors.EVENT_READ, client)
        self._clients.add(client)
        self._due.add(client)  # the first query may be there already
        try:
            self._journal.connected(client)
        except MemoryError:
            self._forget(client)
            raise

    def _serve(self, client: ServedClient, now: float) -> None:
        try:
            self._exchange(client, now)
        except MemoryError:
            self._hang_up(client, NO_MEMORY)
            return
        if client not in self._clients:
            return
        if isinstance(client.connection.lost, NoDataError):
            self._hang_up(client, str(client.connection.lost))
        elif client.is_gone:
            self._drop(client, client.connection.why_lost)
        else:
            self._watch(client)

    def _exchange(self, client: ServedClient, now: float) -> None:
        client.write(now)
        self._replies.finish(client)
        client.note_reading(now)
        if not client.is_owed:
            events = client.connection.read(_READ_SECONDS)
            if speaks_tls(client.connection.socket, client.connection.beginning):
                self._forget(client)
                self._acceptor.refuse_tls(client)
                return
            client.received(bool(events), now)
            for event in events:
                self._replies.on_event(client, event)
            if client.unfinished > _SMALL:
                self._limit_unfinished()
        if client.is_waiting_for_answer and not client.connection.is_broken:
            # One answer a turn, so that the other clients have theirs in between.
            self._replies.go_on(client, now)
            client.write(now)
            self._replies.finish(client)
        client.note_reading(now)

    def _limit_unfinished(self) -> None:
        """Give up what takes the most memory of all that has come in part, if it is too much.

        Of several, what has been coming for the longest time.
        """
        total = sum(client.unfinished for client in self._clients)
        if total <= self._limits.unfinished_size:
            return
        receiving = [client for client in self._clients if client.receiving_since is not None]
        largest = min(receiving, key=lambda client: (-client.unfinished, client.receiving_since))
        words = "too many clients send large messages at a time; send it again later"
        self._send_away(largest, words, _Code.BUSY)

    def _watch(self, client: ServedClient) -> None:
        """Wait for what the client does next."""
        sock = client.connection.socket
        if client.resume_at is not None:
            self._selector.unregister(sock)
            self._paused.add(client)
            return
        if client.has_unread:
            self._due.add(client)
        interest = selectors.EVENT_WRITE if client.is_owed else selectors.EVENT_READ
        if self._selector.get_key(sock).events != interest:
            self._selector.modify(sock, interest, client)

    def _resume(self, now: float) -> list[ServedClient]:
        """Return the clients whose pause is over."""
        resumed = [client for client in self._paused if (client.resume_at or 0.0) <= now]
        for client in resumed:
            client.resume_at = None
            self._paused.remove(client)
            self._selector.register(client.connection.socket, selectors.EVENT_WRITE, client)
        return resumed

    # Who leaves

    def _check(self, now: float) -> None:
        """Drop those whose time is up."""
        self._check_at = now + CHECK_SECONDS
        self._make_room(now)
        limits = self._limits
        for client in [*self._clients]:
            if client.is_stalled(now):
                self._hang_up(client, limits.words_for_slow)
            elif client.is_sending_slowly(now):
                words = f"a message of it was not whole within {limits.receive_timeout:g} s"
                self._send_away(client, words, _Code.TIME_OUT)
            elif limits.is_idle(client, now):
                self._send_away(client, limits.words_for_idle, _Code.TIME_OUT)

    def _make_room(self, now: float) -> None:
        """Drop who holds an image for longest, if others have waited for memory for long."""
        if not any(client.is_without_room(now) for client in self._clients):
            return
        slowest = max(self._clients, key=lambda client: client.seconds_left(now))
        if slowest.seconds_left(now) > self._limits.longest_reading:
            self._hang_up(slowest, self._limits.words_for_long)

    def _send_away(self, client: ServedClient, words: str, code: codec.StatusCode) -> None:
        """Say why, and take no more from it."""
        self._forget(client)
        self._acceptor.send_away(client, words, code)

    def _hang_up(self, client: ServedClient, words: str) -> None:
        """Write why, and close its connection."""
        self._journal.turned_away(client, words)
        self._drop(client, words)

    def _drop(self, client: ServedClient, reason: str) -> None:
        self._forget(client)
        client.connection.close()
        self._journal.left(client, reason)

    def _forget(self, client: ServedClient) -> None:
        if client in self._paused:
            self._paused.remove(client)
        else:
            self._selector.unregister(client.connection.socket)
        self._due.discard(client)
        self._clients.remove(client)
        client.expect_nothing()
        self._replies.images.forget_changed()
