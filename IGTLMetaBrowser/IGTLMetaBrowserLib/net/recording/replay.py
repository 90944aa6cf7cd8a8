"""A recorded server, again: it answers what its clients asked as it did, and as fast."""

from __future__ import annotations

import heapq
import logging
import selectors
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from ... import codec
from ..acceptor import CHECK_SECONDS, AcceptedClient, Acceptor, speaks_tls
from ..connection import Connection, unacknowledged
from ..fair_turns import in_turns
from ..limited_log import ClientLog
from ..limits import ReadingPace, ServerLimits
from ..tls.tls_socket import NoDataError
from .script import Script
from .waiting_queries import Key

_logger = logging.getLogger(__name__)

# Of a step, in which one client after the other is served; and of it for what one sends.
_STEP_SECONDS = 0.02
_READ_SECONDS = 0.004
_MOST_LEAVING = 8
# The files of Python, standard streams, signals, selector, listener; and who is sent away.
_DESCRIPTORS_FOR_OTHERS = 18 + _MOST_LEAVING
# Of one client, beyond which it is not read until some are answered.
_MOST_WAITING = 100
# Of what a client sends in bytes; what is larger is no query, and passed over.
_LARGEST_QUERY = 64 << 10


class ReplayServer:
    """Serves the scripts on a port: the first client has the first, the next the next.

    Who comes when all were used has the last again. A query that is asked more often than it was
    then has its last answer again; what was never asked is not answered, and logged. ``speed`` is
    how many times as fast as it was. With ``tls``, clients have to connect with TLS.
    """

    def __init__(
        self,
        scripts: list[Script],
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        tls: ssl.SSLContext | None = None,
        limits: ServerLimits | None = None,
    ) -> None:
        self._scripts = scripts or [Script()]
        self._speed = speed
        self._log = ClientLog(_logger)
        self._limits = (limits or ServerLimits()).within_descriptors(_DESCRIPTORS_FOR_OTHERS)
        self._selector = selectors.DefaultSelector()
        self._clients: set[_Client] = set()
        self._acceptor = Acceptor(
            (host, port),
            self._selector,
            self._limits,
            self._log,
            tls=lambda: tls,
            connected=lambda: self._clients,
            let_in=self._let_in,
            hang_up=self._hang_up,
            most_leaving=_MOST_LEAVING,
        )
        self.host, self.port = self._acceptor.listener.host, self._acceptor.listener.port
        self._numbers = count()
        self._due: list[tuple[float, int, _Line]] = []
        # Who has sent more than was read, which a selector does not see where TLS has it.
        self._unread: set[_Client] = set()
        self._accepted = 0
        self._steps = 0
        self._check_at = 0.0

    def wake_by(self, sock: socket.socket) -> None:
        """Have a step end that waits when ``sock`` can be read."""
        self._selector.register(sock, selectors.EVENT_READ)

    def step(self, seconds: float) -> None:
        """Send what is due, take what comes; wait up to ``seconds``."""
        if self._due:
            seconds = min(seconds, max(0.0, self._due[0][0] - time.monotonic()))
        waiting, self._unread = self._unread, set()
        ready = self._selector.select(0.0 if waiting else seconds)
        self._acceptor.step(ready)
        waiting |= {key.data for key, _ in ready if isinstance(key.data, _Client)}
        self._steps += 1
        for client in in_turns(waiting, self._steps, _STEP_SECONDS):
            waiting.discard(client)
            self._serve(client)
        self._unread |= {client for client in waiting if client.connection.has_unread}
        self._send_due()
        self._check()

    def close(self) -> None:
        """End all connections."""
        for client in self._clients:
            client.connection.close()
        self._acceptor.close("this replay is shutting down")
        self._selector.close()

    def _let_in(self, accepted: AcceptedClient) -> None:
        script = self._scripts[min(self._accepted, len(self._scripts) - 1)]
        self._accepted += 1
        client = _Client(accepted, script, self._limits)
        self._clients.add(client)
        self._selector.register(accepted.socket, selectors.EVENT_READ, client)
        if client.connection.has_unread:
            self._unread.add(client)
        self._schedule(_Line(client, next(self._numbers), time.monotonic(), iter(script.unasked)))

    def _schedule(self, line: _Line) -> None:
        """Have the next of the messages sent in its time, if there is one."""
        line.message = next(line.rest, None)
        if line.message is not None:
            due = line.begin + line.message[0] / self._speed
            heapq.heappush(self._due, (due, line.number, line))
        elif line.is_answer:
            line.client.waiting -= 1

    def _send_due(self) -> None:
        """Send what is due, as far as there is time; who does not read it waits with the rest."""
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, line = heapq.heappop(self._due)
            client = line.client
            if client.is_gone or line.message is None:
                continue
            if client.connection.wants_write:
                client.held.append(line)
                continue
            client.queue(line.message[1])
            self._schedule(line)
            self._serve(client)
            if time.monotonic() > now + _STEP_SECONDS:
                return

    def _serve(self, client: _Client) -> None:
        if client.is_gone:
            return
        connection = client.connection
        client.write()
        if not connection.wants_write:
            for line in client.held:
                if line.message is not None:
                    due = line.begin + line.message[0] / self._speed
                    heapq.heappush(self._due, (due, line.number, line))
            client.held.clear()
        if client.may_ask:
            self._read(client)
        if client.is_gone:
            return
        if isinstance(connection.lost, NoDataError):
            self._hang_up(client, str(connection.lost))
        elif connection.lost is not None and (connection.is_broken or not client.is_owed):
            self._close(client)
        else:
            self._watch(client)

    def _read(self, client: _Client) -> None:
        events = client.connection.read(_READ_SECONDS)
        if speaks_tls(client.connection.socket, client.connection.beginning):
            self._forget(client)
            self._acceptor.refuse_tls(client)
            return
        for event in events:
            if not isinstance(event, codec.QueryMessage):
                continue
            client.active_at, client.has_asked = time.monotonic(), True
            answer = client.next_answer(event)
            if not answer:
                how = "not" if answer is None else "never answered"
                what = codec.printable(event.type_name)
                self._log.warn(client, f"{what} is {how} in the recording: it is not answered")
                continue
            client.waiting += 1
            begin = client.active_at
            self._schedule(_Line(client, next(self._numbers), begin, iter(answer), is_answer=True))
        if client.connection.has_unread:
            self._unread.add(client)

    def _watch(self, client: _Client) -> None:
        sock = client.connection.socket
        read = selectors.EVENT_READ if client.may_ask else 0
        events = read | (selectors.EVENT_WRITE if client.connection.wants_write else 0)
        is_watched = sock in self._selector.get_map()
        if events and is_watched:
            self._selector.modify(sock, events, client)
        elif events:
            self._selector.register(sock, events, client)
        elif is_watched:
            self._selector.unregister(sock)

    def _check(self) -> None:
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        for client in [*self._clients]:
            if client.is_stalled(now):
                self._hang_up(client, self._limits.words_for_slow)
            elif self._limits.is_idle(client, now):
                self._forget(client)
                words = self._limits.words_for_idle
                self._acceptor.send_away(client, words, codec.StatusCode.TIME_OUT)
        if any(line.client.is_gone for _, _, line in self._due):
            self._due = [entry for entry in self._due if not entry[2].client.is_gone]
            heapq.heapify(self._due)

    def _hang_up(self, client: _Client, words: str) -> None:
        self._log.warn(client, words)
        self._close(client)

    def _close(self, client: _Client) -> None:
        self._forget(client)
        client.connection.close()

    def _forget(self, client: _Client) -> None:
        client.is_gone = True
        self._clients.discard(client)
        if client.connection.socket in self._selector.get_map():
            self._selector.unregister(client.connection.socket)


@dataclass(eq=False)
class _Line:
    """What was sent without being asked, or for one query, one message after the other."""

    client: _Client
    number: int
    begin: float
    rest: Iterator[tuple[float, bytes]]
    is_answer: bool = False
    message: tuple[float, bytes] | None = None


class _Client:
    """One client of a replay, with what it has been sent; a ``ConnectedClient``."""

    def __init__(self, accepted: AcceptedClient, script: Script, limits: ServerLimits) -> None:
        receiver = codec.Receiver(_LARGEST_QUERY, check_crc=False)
        self.connection = Connection(accepted.socket, receiver)
        self.host, self.address = accepted.host, accepted.address
        self.active_at = accepted.active_at
        self.has_asked = self.is_gone = False
        self.served_in_step = 0
        # How many queries have an answer of which not all is sent.
        self.waiting = 0
        # What is due, and waits until it has read what it was sent before.
        self.held: list[_Line] = []
        self._answers = script.answers
        self._asked: Counter[Key] = Counter()
        self._pace = ReadingPace(limits, self.active_at)
        self._sent = 0

    @property
    def is_owed(self) -> bool:
        """Whether an answer, or something else that has begun, is still to be sent."""
        return self.waiting > 0 or self.connection.wants_write

    @property
    def may_ask(self) -> bool:
        """Whether queries are read: not of one who does not read, or waits for many answers."""
        if self.connection.lost is not None or self.connection.wants_write:
            return False
        return self.waiting < _MOST_WAITING

    def next_answer(self, query: codec.QueryMessage) -> list[tuple[float, bytes]] | None:
        """Return how this query was answered; None for one that was never asked."""
        key = (query.type_name, query.device_name, query.content)
        answers = self._answers.get(key)
        if not answers:
            return None
        self._asked[key] += 1
        return answers[min(self._asked[key], len(answers)) - 1]

    def queue(self, data: bytes) -> None:
        """Queue a message; ``write`` sends it."""
        self._pace.begin(time.monotonic(), self._taken())
        self.connection.queue([data])

    def write(self) -> None:
        """Send what the socket takes."""
        count = self.connection.write()
        self._sent += count
        if count:
            self.active_at = time.monotonic()

    def is_stalled(self, now: float) -> bool:
        """Whether it has read too little of what it was sent, for too long."""
        return self.connection.wants_write and self._pace.is_too_slow(now, self._taken())

    def _taken(self) -> int:
        return self._sent - unacknowledged(self.connection.socket)
