"""The connection to a server, and the queries that are asked over it.

``BaseClient.step`` does what can be done at once and returns what happened; Slicer's window calls
it from Qt's event loop. ``wait`` calls it in a loop of its own.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ... import codec
from ..address import DEFAULT_PORT, format_address
from ..connection import MAX_PARSED_SIZE, Connection, Reading
from ..connection_attempt import ConnectionAttempt
from ..errors import (
    AnswerError,
    CancelledError,
    ConnectionFailedError,
    ConnectionLostError,
    RefusedError,
    TimeOutError,
)
from ..host_lookup import SocketAddress
from ..settings import LONGEST_WAIT_SECONDS, ConnectionSettings
from ..tls.tls_client import open_attempt
from .diameters import to_radii
from .events import ClientEvent, Connected, Disconnected, failed_with
from .header_versions import server_version
from .queries import Queries
from .query import Query
from .session import Session, SessionEnd

# One more piece than fits is read: on machines where fresh memory comes slowly, 6 ms more.
_STEP_SECONDS = 0.004
# Often enough for a clock that shows seconds.
_PREPARING_STEP_SECONDS = 0.5
# What a server may offer beyond the protocol, and what to do if it does not.
_OFFERS = {
    "IMGPART": ("parts of images", "ask for whole images"),
    "IMGTHUMB": ("thumbnails of images", "ask for the images"),
}

ProgressCallback = Callable[[int, int], None]
PreparingCallback = Callable[[float], None]
EventsCallback = Callable[[Sequence[ClientEvent]], None]


class BaseClient:
    """Asks one server for images and trajectories; for one thread, as it has no locks.

    A query connects if there is no connection. A query that is lost with its connection before any
    of its answer came (some servers close after a number of queries) is asked once more on a new
    one. ``changes`` are fields of ``ConnectionSettings`` that differ from those of ``settings``:
    ``Client("localhost", answer_timeout=60)``.

    The addresses at which the host was found serve until a connection fails.
    """

    def __init__(
        self,
        host: str,
        port: int = DEFAULT_PORT,
        settings: ConnectionSettings | None = None,
        **changes: Any,
    ) -> None:
        self.host = host
        self.port = port
        self.settings = replace(settings or ConnectionSettings(), **changes)
        self._addresses: dict[tuple[str, int], list[SocketAddress]] = {}
        self._attempt: ConnectionAttempt | None = None
        self._session: Session | None = None
        self._interrupted: Session | None = None  # by Ctrl-C, and nobody has been told
        self._queries = Queries(self.settings.answer_timeout)
        self._unsent: list[Query] = []
        self._last_message_id = 0
        self.connections = 0
        """How many were made: each may be to another server at the same address."""

    def __enter__(self) -> BaseClient:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # What a caller with an event loop needs

    @property
    def address(self) -> str:
        """Host and port as a user writes them."""
        return format_address(self.host, self.port)

    @property
    def answer_timeout(self) -> float:
        """Seconds without a byte of the answer after which a query fails."""
        return self.settings.answer_timeout

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._session is not None

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made, the look-up of the host's name included."""
        return self._attempt is not None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._unsent) or (self._session is not None and self._session.is_waiting)

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait for, or None if there is none; each connection has its own."""
        if self._session is not None:
            return self._session.connection.socket
        return None if self._attempt is None else self._attempt.socket

    @property
    def wants_write(self) -> bool:
        """Whether ``step`` should be called when the socket can be written to."""
        if self._session is not None:
            return self._session.connection.wants_write
        return self._attempt is not None and self._attempt.wants_write

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        if self._attempt is not None:
            return self._attempt.deadline
        if self._unsent or self._interrupted is not None:
            return 0.0
        if self._session is None:
            return None
        return 0.0 if self._session.connection.has_unread else self._session.next_deadline

    @property
    def reading(self) -> Reading | None:
        """What has been read of the connection so far; None if there is none."""
        return None if self._session is None else self._session.connection.reading

    def progress(self, query: Query) -> codec.Progress | None:
        """Return how much of the answer to ``query`` has arrived, or None before it begins."""
        return None if self._session is None else self._session.progress(query)

    def reuse_memory_of(self, part: codec.ImagePartMessage | None) -> None:
        """Receive the next part into the memory of one that nobody uses; None: keep none."""
        if self._session is not None:
            self._session.connection.receiver.reuse(None if part is None else part.data)

    def seconds_preparing(self, query: Query) -> float | None:
        """Return for how long the server has been preparing the answer to ``query``.

        None unless it shows that it is alive, by keep-alives or a stream, and nothing of the answer
        has come yet.
        """
        session = self._session
        if session is None or query.is_done or query.asked_at is None or query in self._unsent:
            return None
        if not session.is_alive_for(query) or session.progress(query) is not None:
            return None
        return time.monotonic() - query.asked_at

    def connect(self) -> None:
        """Begin to connect, if there is no connection. ``step`` says how it went."""
        if self._session is None and self._attempt is None:
            now, seconds = time.monotonic(), self.settings.connect_timeout
            known = self._addresses.get((self.host, self.port), [])
            self._attempt = open_attempt(
                self.host, self.port, now, seconds, known, self.settings.tls
            )

    def close(self) -> None:
        """Close the connection; queries that wait are cancelled."""
        waiting = [*self._queries.remove_all(), *self._unsent]
        if self._session is not None and self._session.held is not None:
            waiting.append(self._session.held)
        self._drop_connection()
        self._interrupted = None
        for query in waiting:
            query.error = CancelledError(f"{query} was cancelled: the connection was closed")
        self._unsent = []

    def ask(
        self, data_type: str, device_name: str = "", metadata: Mapping[str, str] | None = None
    ) -> Query:
        """Ask for a message; ``step`` sends the question and says when the query is finished.

        ``metadata`` are sent with it to servers that speak header version 2. Raises
        ``codec.EncodeError`` if the name is too long to be asked for.
        """
        codec.pack(codec.GetMessage(data_type, device_name=device_name))
        query = Query(data_type, device_name, metadata=metadata or {})
        if data_type == "IMGMETA":  # by its number the answer can be told from other lists
            self._last_message_id = query.message_id = self._last_message_id + 1
        self._unsent.append(query)
        self.connect()
        return query

    def offers(self, data_type: str) -> bool | None:
        """Whether the server answers queries for a type; None if that is not known (yet).

        ``CapabilityKnown`` says when it is; of servers that do not say who they are, it never is.
        """
        return None if self._session is None else self._session.capability.offers(data_type)

    @property
    def is_offer_awaited(self) -> bool:
        """Whether the server may still say what it ``offers``."""
        return self._session is not None and self._session.is_capability_awaited

    def check_offer(self, data_type: str) -> None:
        """Raise ``RefusedError`` if the server answers no queries for a type.

        Raises ``TimeOutError`` if it has not said so yet, and ``ConnectionLostError`` if it cannot,
        as there is no connection any more.
        """
        if self.offers(data_type):
            return
        what, instead = _OFFERS[data_type]
        if not self.is_connected:
            raise ConnectionLostError(
                f"{self.address} closed the connection before it said whether it sends {what}; try "
                f"again, or {instead}"
            )
        if self.is_offer_awaited:
            raise TimeOutError(
                f"{self.address} has not said yet whether it sends {what}; try again, allow more "
                f"time, or {instead}",
                "answer_timeout",
            )
        raise RefusedError(f"{self.address} does not send {what}; {instead}")

    @property
    def has_list(self) -> bool:
        """Whether an answer came on this connection, and a list of the server on any."""
        is_listed = server_version(self.host, self.port).has_name is not None
        return is_listed and self._session is not None and self._session.has_answered

    @property
    def offers_parts(self) -> bool | None:
        """Whether the server sends parts of images (IMGPART), as ``offers``."""
        return self.offers("IMGPART")

    @property
    def offers_thumbnails(self) -> bool | None:
        """Whether the server sends thumbnails (IMGTHUMB), as ``offers``."""
        return self.offers("IMGTHUMB")

    def ask_part(self, request: codec.GetImagePartMessage) -> Query:
        """Ask for a part of the image ``request.device_name``.

        Its answer is the ``ImagePartMessage`` that was asked for, and no other. It is not asked
        again if the connection is lost. Raises ``codec.EncodeError``, ``ConnectionLostError`` if
        there is no connection, ``RefusedError`` if the server does not offer parts, or
        ``TimeOutError`` if it has not said yet whether it does.
        """
        codec.pack(request)
        if self._session is None:
            raise ConnectionLostError(f"{self.address} is not connected; connect first")
        self.check_offer("IMGPART")
        query = Query("IMGPART", request.device_name, request=request)
        self._unsent.append(query)
        return query

    def send(self, message: codec.Message) -> None:
        """Send a message that nobody has asked for, such as trajectories.

        Raises ``codec.EncodeError``, or ``ConnectionLostError`` if there is no connection.
        """
        if self._session is None:
            raise ConnectionLostError(
                f"{self.address} is not connected; connect, and send it again"
            )
        is_radius = self.settings.diameter_is_radius
        self._session.connection.send(to_radii(message) if is_radius else message)

    def cancel(self, query: Query) -> None:
        """Give a query up. The connection stays: what still arrives for it is passed over."""
        if query.is_done:
            return
        query.error = CancelledError(f"{query} was cancelled")
        if query in self._unsent:
            self._unsent.remove(query)
        elif self._session is not None:
            self._session.cancel(query)

    def step(self, seconds: float = _STEP_SECONDS) -> list[ClientEvent]:
        """Do what can be done without blocking, for about ``seconds``; return what happened.

        Ctrl-C in here costs the connection, as what was read may be lost: the next call says so.
        """
        try:
            return self._step(seconds)
        except KeyboardInterrupt:
            self._interrupted = self._session
            self._drop_connection()
            raise

    def wait(
        self,
        query: Query,
        progress: ProgressCallback | None = None,
        preparing: PreparingCallback | None = None,
        on_events: EventsCallback | None = None,
    ) -> codec.Message:
        """Return the answer to ``query`` as it came, or raise its error.

        What happens meanwhile is for ``on_events``. What is raised here cancels the query.
        """
        size, most = 0, None if preparing is None else _PREPARING_STEP_SECONDS
        try:
            while not query.is_done:
                self.wait_for_socket(most)
                events = self.step()
                if on_events is not None:
                    on_events(events)
                seconds = self.seconds_preparing(query)
                if preparing is not None and seconds is not None:
                    preparing(seconds)
                arrived = self.progress(query)
                if progress is not None and arrived is not None:
                    size = arrived.body_size
                    progress(arrived.received, size)
        finally:
            self.cancel(query)
        if query.answer is None:
            raise query.error or AnswerError(f"{query} has no answer")
        if progress is not None:
            size = size or query.answer_size
            progress(size, size)
        return query.answer

    def wait_for_socket(self, most: float | None = None) -> None:
        """Sleep until there is something for ``step`` to do, for ``most`` seconds at most."""
        deadline = self.next_deadline
        seconds = LONGEST_WAIT_SECONDS if most is None else min(most, LONGEST_WAIT_SECONDS)
        if deadline is not None:
            seconds = max(0.0, min(seconds, deadline - time.monotonic()))
        if self._attempt is not None and self._attempt.lookup is not None:
            self._attempt.lookup.wait(seconds)
        if self.socket is None:
            return
        with selectors.DefaultSelector() as selector:
            write = selectors.EVENT_WRITE if self.wants_write else 0
            selector.register(self.socket, selectors.EVENT_READ | write)
            selector.select(seconds)

    def _step(self, seconds: float) -> list[ClientEvent]:
        interrupted, self._interrupted = self._interrupted, None
        if interrupted is not None:
            return interrupted.interrupt() + self._on_end(interrupted.end)
        if self._unsent:
            self.connect()  # Ctrl-C may have ended the attempt
        events: list[ClientEvent] = []
        if self._attempt is not None:
            events += self._continue_attempt(self._attempt)
        session = self._session
        if session is not None:
            while self._unsent:
                query = self._unsent.pop(0)
                if query.request is None or self.offers_parts:
                    session.ask(query)
                else:  # it was for the connection before
                    lost = ConnectionLostError(f"{query} was lost with its connection; ask again")
                    events += failed_with(lost, [query])
            events += session.step(seconds)
            if session.end is not None:
                self._drop_connection()
                events += self._on_end(session.end)
        return events

    def _continue_attempt(self, attempt: ConnectionAttempt) -> list[ClientEvent]:
        try:
            sock = attempt.step(time.monotonic())
        except ConnectionFailedError as error:
            # It may have moved: then its name has another address by now.
            self._addresses.pop((attempt.host, attempt.port), None)
            self._attempt, failed, self._unsent = None, self._unsent, []
            return [Disconnected(error), *failed_with(error, failed)]
        if sock is None:
            return []
        self._attempt, settings = None, self.settings
        self._addresses[attempt.host, attempt.port] = attempt.addresses
        receiver = codec.Receiver(
            settings.max_body_size,
            # Every TLS record is authenticated (RFC 8446, 5.2), which finds more than a CRC does.
            check_crc=settings.tls is None,
            accept_missing_crc=settings.accept_missing_checksum,
            max_parsed_size=MAX_PARSED_SIZE,
        )
        known = self._queries, server_version(attempt.host, attempt.port)
        self._session = Session(Connection(sock, receiver), self.address, settings, *known)
        self.connections += 1
        return [Connected()]

    def _on_end(self, end: SessionEnd | None) -> list[ClientEvent]:
        if end is None:
            return []
        # What was interrupted may have been cancelled since.
        again, failed = ([q for q in some if not q.is_done] for some in (end.again, end.failed))
        if again:
            self._unsent = [*again, *self._unsent]
            self.connect()
        return [Disconnected(end.error), *failed_with(end.error, failed)]

    def _drop_connection(self) -> None:
        if self._attempt is not None:
            self._attempt.close()
        if self._session is not None:
            self._session.connection.close()
        self._attempt = self._session = None
