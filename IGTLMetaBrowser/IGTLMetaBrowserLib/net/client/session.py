"""One connection to a server, and what is asked on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from ... import codec
from ..connection import Connection
from ..errors import ConnectionLostError, NetworkError, TimeOutError
from ..other_protocols import error_of_other
from ..settings import SLOWEST_BYTES_PER_SECOND, ConnectionSettings
from ..tls.certificates import REQUIRES_TLS
from .capabilities import CapabilityFinder
from .diameters import to_diameters
from .events import CapabilityKnown, ClientEvent, Finished, Unsolicited
from .header_versions import ServerVersion, VersionFinder
from .queries import Queries
from .query import Query
from .query_errors import WRONG_SERVER_HINT, is_wrong_server, time_out

# How often a query is asked: it is lost with a connection that ends before any of its answer came,
# as with servers that close after a number of queries.
_MAX_ATTEMPTS = 2
# What is passed over is waited for no longer; to connect anew is faster.
_PASS_OVER_SECONDS = 3.0
# Packets of one message are late by less; a longer silence in it is the server's.
_STALLED_SECONDS = 1.0
_DAMAGED = "sent a damaged answer; connecting anew"
_STOPPED = "stopped in the middle of a message that is passed over; connecting anew"


@dataclass
class SessionEnd:
    """Why a connection is given up; which queries fail with it, and which to ask once more."""

    error: NetworkError
    failed: list[Query]
    again: list[Query]


class Session:
    """Asks on one connection, and matches what comes. ``end`` is None as long as it stands.

    A query that stays without an answer while other messages arrive fails alone; if nothing at all
    arrives, or the server stops in the middle of a message, the connection is given up.
    """

    def __init__(
        self,
        connection: Connection,
        address: str,
        settings: ConnectionSettings,
        queries: Queries,
        server: ServerVersion,
    ) -> None:
        self.connection = connection
        self.end: SessionEnd | None = None
        self._address = address
        self._settings = settings
        self._queries = queries
        self._versions = VersionFinder(server, connection, queries, settings.header_version)
        self.capability = CapabilityFinder(server, connection)
        # Whether the answer to any query has come on this connection.
        self.has_answered = False
        # What has come, and waits until the first of it is prepared; nothing is read meanwhile.
        self._unhandled: deque[codec.Message | codec.Rejected] = deque()
        self._preparation: Iterator[None] | None = None
        self._last_bytes_at = time.monotonic()
        self._is_answer_passed_over = False
        self._is_damaged = False
        self._passing_over_since: float | None = None
        # When enough had come the last time to wait longer, and how many bytes that were.
        self._progress_at, self._progress_bytes = self._last_bytes_at, 0

    @property
    def is_waiting(self) -> bool:
        """Whether somebody waits for an answer."""
        is_held = self._versions.held is not None
        return is_held or any(not query.is_abandoned for query in self._queries.waiting)

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        if self._unhandled:
            return 0.0
        times = (self._queries.next_deadline, self._versions.deadline, self._passing_over_until)
        return min((moment for moment in times if moment is not None), default=None)

    @property
    def held(self) -> Query | None:
        """The query for a list whose answer is kept back, see ``header_versions``."""
        return self._versions.held

    def ask(self, query: Query) -> None:
        """Send a question."""
        query.attempts += 1
        query.bytes_before = self.connection.receiver.bytes_received
        self._versions.ask(query, time.monotonic())

    def progress(self, query: Query) -> codec.Progress | None:
        """Return how much of the answer to ``query`` has arrived, or None before it begins."""
        progress = self.connection.receiver.progress
        if progress is None or self._queries.expected(progress.header) is not query:
            return None
        return progress

    def is_alive_for(self, query: Query) -> bool:
        """Whether anything has come since ``query`` was asked, and goes on coming."""
        receiver = self.connection.receiver
        seconds = time.monotonic() - self._progress_at
        is_stalled = not receiver.is_between_messages and seconds >= self._settings.answer_timeout
        return receiver.bytes_received != query.bytes_before and not is_stalled

    def cancel(self, query: Query) -> None:
        """Give a query up. What still arrives for it is passed over."""
        self._versions.cancel(query)
        if query not in self._queries.waiting:
            return
        if self.progress(query) is not None and self.connection.receiver.discard():
            self._is_answer_passed_over = True
            self._queries.pass_over(query)
        else:
            self._queries.abandon(query)

    def interrupt(self) -> list[ClientEvent]:
        """Give the connection up, as somebody has interrupted ``step``; return what happened."""
        return self._give_up(f"the connection with {self._address} was interrupted; ask again")

    def step(self, seconds: float) -> list[ClientEvent]:
        """Send and receive for about ``seconds``; return what happened."""
        connection = self.connection
        connection.write()
        before = connection.receiver.bytes_received
        if not self._unhandled:
            self._unhandled.extend(connection.read(seconds))
        if connection.receiver.bytes_received != before:
            self._last_bytes_at = time.monotonic()
            self._on_progress(self._last_bytes_at)
        events: list[ClientEvent] = []
        if (error := error_of_other(self.connection.beginning, self._address)) is not None:
            return events + self._give_up_for_good(error)
        end = time.monotonic() + seconds
        while self._unhandled:
            if not self._is_prepared(self._unhandled[0], end):
                return events
            event = self._unhandled.popleft()
            events += self._handle(event)
            if isinstance(event, codec.Rejected) and is_wrong_server(event):
                return events + self._give_up(f"{event.error}; {WRONG_SERVER_HINT}")
            # Hundreds come in a few KiB. After damage nothing is to be asked here any more.
            if self._unhandled and time.monotonic() >= end and not self._is_damaged:
                return events
        if self._is_damaged:
            # Damage in a header can shift where the next message begins.
            return events + self._give_up(f"{self._address} {_DAMAGED}")
        if connection.lost is not None:
            said = self._queries.last_server_error
            setting = "tls" if REQUIRES_TLS in said else ""
            return events + self._give_up(connection.describe_loss(self._address, said), setting)
        events += self._check_times(time.monotonic())
        if self._may_ask_for_capability:
            self.capability.ask()
        return events

    def _is_prepared(self, event: codec.Message | codec.Rejected, end: float) -> bool:
        """Go on until ``end`` with what takes long before a message is handled; return if done."""
        if self._preparation is None:
            self._preparation = self._prepare(event)
        for _ in self._preparation:
            if time.monotonic() >= end:
                return False
        self._preparation = None
        return True

    def _prepare(self, event: codec.Message | codec.Rejected) -> Iterator[None]:
        if self._settings.diameter_is_radius and not isinstance(event, codec.Rejected):
            yield from to_diameters(event)
        yield from self._queries.prepare(event)

    @property
    def is_capability_awaited(self) -> bool:
        """Whether the server may still say what it offers."""
        capability = self.capability
        if self._settings.header_version == 1 or capability.types is not None:
            return False
        # It was asked, or will be as soon as nobody waits for anything else.
        if capability.is_awaited or (self._versions.is_2_seen and capability.may_be_asked):
            return True
        # The second list is still to come, which says whether it may be asked.
        return any(q.is_abandoned and q.data_type == "IMGMETA" for q in self._queries.waiting)

    @property
    def _may_ask_for_capability(self) -> bool:
        """Whether the server has shown by an answer that a question more does it no harm.

        Nobody waits for anything else: a refusal that comes next is that of this question.
        """
        is_good = self.has_answered and self._versions.is_2_seen and self.end is None
        return is_good and self._settings.header_version != 1 and not self.is_waiting

    def _on_progress(self, now: float) -> None:
        """Wait longer for the answers, if enough of one has come since that was done last."""
        receiver = self.connection.receiver
        if not receiver.is_passing_over:
            self._passing_over_since = None
        elif self._passing_over_since is None:
            self._passing_over_since = now
        enough = SLOWEST_BYTES_PER_SECOND * self._settings.answer_timeout
        is_enough = receiver.bytes_received - self._progress_bytes >= enough
        if not is_enough and not receiver.is_between_messages:
            return
        self._progress_at, self._progress_bytes = now, receiver.bytes_received
        if self._is_answering:
            progress = receiver.progress
            query = None if progress is None else self._queries.expected(progress.header)
            self._queries.bytes_arrived(now, query)
            self._versions.bytes_arrived(now)

    @property
    def _is_answering(self) -> bool:
        """Whether what arrives is wanted, or was: not a stream or a keep-alive."""
        receiver = self.connection.receiver
        progress = receiver.progress
        if progress is None:
            return receiver.is_passing_over and self._is_answer_passed_over
        return self._queries.is_awaited(progress.header)

    @property
    def _passing_over_until(self) -> float | None:
        if not self.connection.receiver.is_passing_over or not self.is_waiting:
            return None
        if self._is_answer_passed_over or self._passing_over_since is None:
            return self._last_bytes_at + _PASS_OVER_SECONDS
        # It can claim to have any size, which says nothing of how long the server will go on.
        return self._passing_over_since + _PASS_OVER_SECONDS

    def _handle(self, event: codec.Message | codec.Rejected) -> list[ClientEvent]:
        now = time.monotonic()
        self.capability.on_message(event)
        if self.capability.is_answer(event):
            return [CapabilityKnown(self.capability.types or frozenset())]
        if isinstance(event, codec.ImageMessage):
            event.metadata.pop(codec.FILLER, None)  # it is nothing of the image
        query = self._queries.match(event, now)
        if isinstance(event, codec.Rejected):
            # Perhaps for its size: then the rest of it is still to come, and is no answer.
            self._is_answer_passed_over = False
            self._is_damaged |= query is not None and type(event.error) is codec.ChecksumError
        if query is None:
            is_probe_answer = self._versions.is_probe_answer(event)
            self._versions.on_message(event, now)
            is_behind_list = self.held is not None and self.held.data_type == "IMGMETA"
            return [] if is_probe_answer else [Unsolicited(event, is_behind_list)]
        if not query.is_copy:
            self._on_answer(query, now)
        self._versions.on_message(event, now)
        if query.is_abandoned or self._versions.hold(query, now):
            return []
        if self._versions.fall_back(query, event, now):
            return []
        self._versions.on_answer(query)
        return [Finished(query)]

    def _on_answer(self, query: Query, now: float) -> None:
        """Note that the server works; what it sends for a second time says nothing of that."""
        self._queries.bytes_arrived(now, query)
        self.has_answered = True
        self.capability.on_other_answer()
        for waiting in self._queries.waiting:
            # Only connections without any answer count as attempts.
            waiting.attempts = 1

    def _check_times(self, now: float) -> list[ClientEvent]:
        released = self._versions.release(now)
        done = [released] if released is not None else []
        for query in self._queries.accept_candidates(now):
            if query.is_done:
                self._versions.on_answer(query)
                done.append(query)
            else:
                self._versions.ask(query, now)
        events: list[ClientEvent] = [Finished(query) for query in done]
        if released is not None and self._is_stalled(now):
            # The list that came again stopped in the middle: nothing else can come after it.
            return events + self._give_up(f"{self._address} {_STOPPED}")
        expired = self._queries.expired(now)
        for query in expired:
            if not self.is_alive_for(query):
                return events + self._time_out(expired)
            events += self._fail_alone(query, now)
        until = self._passing_over_until
        if until is not None and until <= now:
            events += self._give_up(f"{self._address} {_STOPPED}")
        return events

    def _is_stalled(self, now: float) -> bool:
        """Whether nothing comes any more in the middle of a message."""
        silence = now - self._last_bytes_at
        return not self.connection.receiver.is_between_messages and silence >= _STALLED_SECONDS

    def _fail_alone(self, query: Query, now: float) -> list[ClientEvent]:
        if query is self.held:
            self._versions.on_silence(query)
            return self._finish_held()
        if self._versions.is_for_version_1(query):
            self._queries.replace(
                query, Query(query.data_type, query.device_name, is_abandoned=True)
            )
            self._versions.ask(query, now)
            return []
        seconds, said = self._settings.answer_timeout, self._queries.last_server_error
        query.error = time_out(query, self._address, seconds, said, is_alive=True)
        self._queries.abandon(query)
        return [Finished(query)]

    def _time_out(self, expired: list[Query]) -> list[ClientEvent]:
        """Give the connection up, as nothing has come on it for too long."""
        events = self._finish_held()
        seconds, said = self._settings.answer_timeout, self._queries.last_server_error
        is_silent = time.monotonic() - self._last_bytes_at >= seconds
        if self.connection.receiver.progress is not None and self._is_answering:
            error = TimeOutError(self.connection.describe_stall(self._address, seconds, is_silent))
        else:
            error = time_out(expired[0], self._address, seconds, said, is_alive=False)
        lost = [query for query in expired if not query.is_done]
        failed = [
            query
            for query in lost
            if query.request is not None or not self._versions.is_for_version_1(query)
        ]
        waiting = [query for query in self._queries.remove_all() if not query.is_abandoned]
        self.end = SessionEnd(error, failed, [query for query in waiting if query not in failed])
        return events

    def _give_up(self, reason: str, setting: str = "") -> list[ClientEvent]:
        """Give the connection up; ask again what was lost with it, unless it was half answered."""
        interrupted = self.connection.receiver.progress
        half_answered = None if interrupted is None else self._queries.expected(interrupted.header)
        self._versions.on_loss()
        events = self._finish_held()
        lost = [query for query in self._queries.remove_all() if not query.is_abandoned]
        # Two attempts in version 2 leave one in version 1.
        in_version_1 = [
            query
            for query in lost
            if self._versions.is_for_version_1(query, query.attempts >= _MAX_ATTEMPTS)
        ]
        again = [
            query
            for query in lost
            if query is not half_answered
            # Whether it may be asked there at all, the next connection has to tell first.
            and query.request is None
            and (query.attempts < _MAX_ATTEMPTS or query in in_version_1)
        ]
        failed = [query for query in lost if query not in again]
        self.end = SessionEnd(ConnectionLostError(reason, setting), failed, again)
        return events

    def _give_up_for_good(self, error: NetworkError) -> list[ClientEvent]:
        """Give the connection up; nothing is asked again."""
        events = self._finish_held()
        failed = [query for query in self._queries.remove_all() if not query.is_abandoned]
        self.end = SessionEnd(error, failed, [])
        return events

    def _finish_held(self) -> list[ClientEvent]:
        """Answer the query for a list that was kept back with what there is."""
        query = self._versions.release(float("inf"))
        return [] if query is None else [Finished(query)]
