"""Hands on what clients and a server send each other, and writes it to a recording."""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ...codec.wire import Buffer
from ..acceptor import CHECK_SECONDS, AcceptedClient, speaks_tls
from ..connection import WOULD_WAIT, unacknowledged
from ..fair_turns import in_turns
from ..limited_log import ClientLog
from ..limits import ReadingPace, ServerLimits
from ..tls.certificates import in_words
from ..tls.tls_socket import NoDataError, TLSSocket
from .recording import Event, RecordingWriter

_logger = logging.getLogger(__name__)

# What is read of one end in one turn.
_PIECE = 256 << 10
# As much as is held for an end that does not read, before the other end has to wait, too.
_MOST_HELD = 8 << 20
# Of all together. Beyond it, who reads nothing is sent nothing more, and who reads goes on.
_MOST_HELD_OF_ALL = 64 << 20
# Of a step in which one end after the other is served.
_STEP_SECONDS = 0.02
# Of it, for what one end has sent to be written: a large message that is redacted takes seconds.
_TURN_SECONDS = 0.01

Filter = Callable[[bytes], Iterable[Buffer]]
"""What of the bytes of one end goes into the file; it may wait until a message is whole.

That can be large: it comes in pieces, perhaps empty ones, between which others are served.
"""


@dataclass(eq=False)
class End:
    """One of the two sockets of a connection, and what waits to be sent to it."""

    socket: socket.socket
    event: Event  # what it is called in the file when this end sends
    keep: Filter
    pace: ReadingPace
    outgoing: bytearray = field(default_factory=bytearray)
    sent: int = 0
    has_begun: bool = False  # something has come of it
    has_ended: bool = False  # it sends no more; it may read on
    is_told: bool = False  # that the other end sends no more
    is_broken: bool = False  # nothing can be sent to it
    served_in_step: int = 0
    is_ignored: bool = False  # what it sends is no longer TLS
    # What came last, until it is in the file: the answer to it comes behind it.
    unwritten: bytes = b""
    writing: Iterator[None] | None = None

    @property
    def has_tls(self) -> bool:
        """Whether TLS lies between; it cannot close one direction and go on with the other."""
        return isinstance(self.socket, TLSSocket)

    @property
    def is_gone(self) -> bool:
        """Whether nothing more comes from it or can be sent to it."""
        return self.has_ended and self.is_broken


@dataclass(eq=False)
class Pair:
    """A client and the server that it is connected with; a ``ConnectedClient``."""

    number: int
    accepted: AcceptedClient
    client: End
    server: End
    active_at: float
    has_asked: bool = False
    is_closed: bool = False
    # Who waits for an answer cannot be told from who does not: what is said is not looked at.
    is_owed = False

    @property
    def host(self) -> str:
        """The client's numeric address."""
        return self.accepted.host

    @property
    def ends(self) -> tuple[tuple[End, End], tuple[End, End]]:
        """Each end with the other."""
        return (self.client, self.server), (self.server, self.client)

    @property
    def held(self) -> int:
        """Bytes that wait to be written, or sent."""
        return sum(len(end.outgoing) + len(end.unwritten) for end in (self.client, self.server))

    @property
    def is_over(self) -> bool:
        """Whether nothing can come any more, and all that came was sent on, as far as it can be."""
        if self.client.has_ended and self.server.has_ended:
            return not self.held
        if self.client.unwritten or self.server.unwritten:
            return False
        return any(one.is_gone and not other.outgoing for one, other in self.ends)

    @property
    def is_half_over(self) -> bool:
        """Whether the rest is waited for, of an end that may not know of it.

        A server without TLS does: a client that has ended waits for it as without the recorder.
        """
        return self.server.has_ended or (self.client.has_ended and self.server.has_tls)


class Relay:
    """All pairs. Their sockets are in ``selector``, with pair and end as ``data``: call ``serve``
    with what is ready of them, and ``check`` in each step. ``refuse_tls`` sends away a client that
    uses TLS where there is none.
    """

    def __init__(
        self,
        selector: selectors.BaseSelector,
        writer: RecordingWriter,
        limits: ServerLimits,
        log: ClientLog,
        refuse_tls: Callable[[AcceptedClient], None],
    ) -> None:
        self.pairs: set[Pair] = set()
        self._selector = selector
        self._writer = writer
        self._limits = limits
        self._log = log
        self._refuse_tls = refuse_tls
        self._held = 0
        self._unwritten: dict[End, Pair] = {}
        self._steps = 0
        self._check_at = 0.0

    def add(
        self,
        number: int,
        client: AcceptedClient,
        server: socket.socket,
        make_filter: Callable[[], Filter],
    ) -> None:
        """Hand on, from now on, what the two send. Raises ``RecordingError``."""
        now = time.monotonic()
        ends = []
        for sock, event in ((client.socket, Event.CLIENT_SENT), (server, Event.SERVER_SENT)):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            ends.append(End(sock, event, make_filter(), ReadingPace(self._limits, now)))
        pair = Pair(number, client, ends[0], ends[1], now)
        self.pairs.add(pair)
        self._watch(pair)
        for end, _ in pair.ends:
            # What came with the end of the handshake; the selector does not see it.
            if _has_unread(end):
                self._serve(pair, selectors.EVENT_READ, end)

    def serve(self, ready: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        """Go on with ends that are ready, as far as there is time. Raises ``RecordingError``."""
        self._steps += 1
        waiting = {end: (pair, 0) for end, pair in self._unwritten.items()}
        waiting |= {key.data[1]: (key.data[0], events) for key, events in ready}
        for end in in_turns(waiting, self._steps, _STEP_SECONDS):
            self._serve(*waiting[end], end)

    def _serve(self, pair: Pair, events: int, end: End) -> None:
        if pair.is_closed:
            return
        held = pair.held
        one, other = next(ends for ends in pair.ends if ends[0] is end)
        if events & selectors.EVENT_WRITE:
            self._write(pair, one)
        if one.writing is not None:
            self._hand_on(pair, one, other)
        elif events & selectors.EVENT_READ:
            self._read(pair, one, other)
        self._held += pair.held - held
        if not pair.is_closed:
            self._settle(pair)

    @property
    def is_busy(self) -> bool:
        """Whether there is something to write, and ``serve`` not to wait for."""
        return bool(self._unwritten)

    def check(self) -> None:
        """Drop those whose time is up."""
        now = time.monotonic()
        if now < self._check_at:
            return
        self._check_at = now + CHECK_SECONDS
        limits = self._limits
        for pair in [*self.pairs]:
            if any(end.outgoing and end.pace.is_too_slow(now, _taken(end)) for end, _ in pair.ends):
                self.hang_up(pair, limits.words_for_slow)
            elif pair.is_half_over and now - pair.active_at >= limits.stall_timeout:
                words = "one end has ended, and the other sent nothing for"
                self.hang_up(pair, f"{words} {limits.stall_timeout:g} s")
            elif limits.is_idle(pair, now):
                self.hang_up(pair, limits.words_for_idle)

    def hang_up(self, pair: Pair, words: str) -> None:
        """Close a connection for a reason in words."""
        self._log.warn(pair.accepted, words)
        self._close(pair)

    def close(self) -> None:
        """Close all sockets."""
        for pair in self.pairs:
            pair.client.socket.close()
            pair.server.socket.close()

    def _read(self, pair: Pair, end: End, other: End) -> None:
        data = self._received(pair, end)
        if not data or end.is_ignored:
            return
        is_first, end.has_begun = not end.has_begun, True
        if is_first and end is pair.client and speaks_tls(end.socket, data):
            self._close(pair, is_client_kept=True)
            self._refuse_tls(pair.accepted)
            return
        pair.active_at, pair.has_asked = time.monotonic(), True
        end.unwritten, end.writing = data, self._writing(pair, end, data)
        self._hand_on(pair, end, other)

    def _writing(self, pair: Pair, end: End, data: bytes) -> Iterator[None]:
        for kept in end.keep(data):
            if len(kept):
                yield from self._writer.writing(end.event, pair.number, kept)
            else:
                yield

    def _hand_on(self, pair: Pair, end: End, other: End) -> None:
        """Go on to write what has come from an end; when that is done, send it to the other."""
        until = time.monotonic() + _TURN_SECONDS
        for _ in end.writing or ():
            if time.monotonic() >= until:
                self._unwritten[end] = pair
                pair.active_at = time.monotonic()
                return
        self._unwritten.pop(end, None)
        data, end.unwritten, end.writing = end.unwritten, b"", None
        if other.is_broken:
            return
        if not other.outgoing:
            other.pace.begin(time.monotonic(), _taken(other))
        other.outgoing += data
        self._write(pair, other)

    def _received(self, pair: Pair, end: End) -> bytes:
        """Return what has come from an end, and note whether it sends no more."""
        data = b""
        try:
            data = piece = end.socket.recv(_PIECE)
            while piece and _has_unread(end):  # mostly that it ends behind these
                piece = end.socket.recv(_PIECE)
                data += piece
            end.has_ended = not piece
        except WOULD_WAIT:
            pass
        except OSError as error:
            _logger.info("%s, and no more: %s", end.event.name, in_words(error))
            if isinstance(error, NoDataError):
                who = "the server" if end is pair.server else "the client"
                self._log.warn(pair.accepted, f"{who} is hung up on: {error}")
            end.has_ended = end.is_broken = True
            end.outgoing.clear()
        return data

    def _write(self, pair: Pair, end: End) -> None:
        try:
            while end.outgoing:
                count = end.socket.send(end.outgoing)
                del end.outgoing[:count]
                end.sent += count
                pair.active_at = time.monotonic()
        except WOULD_WAIT:
            pass
        except OSError:
            end.outgoing.clear()
            end.is_broken = True

    def _settle(self, pair: Pair) -> None:
        """Pass on that an end sends no more, when all that it sent is; and close what is over."""
        for end, other in pair.ends:
            is_all_sent = not end.outgoing and not other.unwritten
            if other.has_ended and is_all_sent and not end.is_told:
                end.is_told = True
                self._tell(pair, end)
        if pair.is_over:
            self._close(pair)
        else:
            self._watch(pair)

    def _tell(self, pair: Pair, end: End) -> None:
        """Have an end see that the other sends no more. It may wait for an answer, or send one.

        OpenSSL cannot say so and then read what is on its way already: a server with TLS is left
        to answer; of a client with TLS nothing is wanted any more.
        """
        if end.has_tls and end is pair.server:
            return
        try:
            _say_goodbye(end)
            end.is_ignored = end.has_tls
            end.socket.shutdown(socket.SHUT_WR)
        except OSError:  # it is gone
            end.has_ended = end.is_broken = True

    def _watch(self, pair: Pair) -> None:
        for end, other in pair.ends:
            most = 0 if self._held > _MOST_HELD_OF_ALL else _MOST_HELD
            is_held = len(other.outgoing) > most
            is_unread = is_held or end.has_ended or end.writing is not None
            read = 0 if is_unread else selectors.EVENT_READ
            events = read | (selectors.EVENT_WRITE if end.outgoing else 0)
            is_watched = end.socket in self._selector.get_map()
            if events and is_watched:
                self._selector.modify(end.socket, events, (pair, end))
            elif events:
                self._selector.register(end.socket, events, (pair, end))
            elif is_watched:
                self._selector.unregister(end.socket)

    def _close(self, pair: Pair, is_client_kept: bool = False) -> None:
        pair.is_closed = True
        self.pairs.remove(pair)
        self._held -= pair.held
        for end, _ in pair.ends:
            self._unwritten.pop(end, None)
            if end.socket in self._selector.get_map():
                self._selector.unregister(end.socket)
            if is_client_kept and end is pair.client:
                continue
            if not end.is_broken:
                _say_goodbye(end)
            end.socket.close()
        self._writer.write(Event.ENDED, pair.number)


def _has_unread(end: End) -> bool:
    return isinstance(end.socket, TLSSocket) and end.socket.pending() > 0


def _say_goodbye(end: End) -> None:
    """Close TLS, if there is some, as its standard wants; what comes now is lost."""
    if isinstance(end.socket, TLSSocket):
        with contextlib.suppress(OSError, ValueError):
            end.socket.unwrap()


def _taken(end: End) -> int:
    return end.sent - unacknowledged(end.socket)
