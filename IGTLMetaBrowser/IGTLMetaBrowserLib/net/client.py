"""A client that never waits, and calls that wait with it.

``Client.step`` does what can be done at once and returns what happened; Slicer's window calls it
from Qt's event loop. ``list_images``, ``get_image`` and ``get_trajectories`` call it in a loop of
their own, for scripts.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeVar

from .. import codec
from .address import DEFAULT_PORT, format_address
from .client_events import ClientEvent, Connected, Disconnected, Finished, Unsolicited
from .connecting import Connecting
from .connection import Connection
from .errors import (
    AnswerError,
    CancelledError,
    ConnectionFailedError,
    ConnectionLostError,
    NetworkError,
    TimeOutError,
)
from .host_lookup import SocketAddress
from .queries import WRONG_SERVER_HINT, Queries, Query
from .settings import ConnectionSettings

# One more piece than fits is read: where fresh memory is slow to come, that is 6 ms more.
_STEP_SECONDS = 0.004
_MAX_ATTEMPTS = 2

ProgressCallback = Callable[[int, int], None]
MessageType = TypeVar("MessageType", bound=codec.Message)


class Client:
    """Asks one server for images and trajectories.

    A query connects by itself where there is no connection. A query that is lost with its
    connection before any of its answer came (some servers close after a number of queries) is
    asked once more on a new one. ``changes`` are fields of ``ConnectionSettings`` that differ from
    those of ``settings``: ``Client("localhost", answer_timeout=60)``.

    The first ``connect`` looks the host's name up, which can wait for a name server (not for a
    numeric address or ``localhost``); the addresses at which it was found serve from then on.
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
        self._connecting: Connecting | None = None
        self._connection: Connection | None = None
        self._queries = Queries(self.settings.answer_timeout)
        self._unsent: list[Query] = []

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What a caller with an event loop needs

    @property
    def address(self) -> str:
        """Host and port as a user writes them."""
        return format_address(self.host, self.port)

    @property
    def answer_timeout(self) -> float:
        """Seconds without a byte from the server after which a query fails."""
        return self._queries.timeout

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self._connection is not None

    @property
    def is_connecting(self) -> bool:
        """Whether a connection is being made."""
        return self._connecting is not None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is waited for."""
        return bool(self._unsent) or any(not query.is_abandoned for query in self._queries.waiting)

    @property
    def socket(self) -> socket.socket | None:
        """The socket to wait for, or None where there is none; each connection has its own."""
        channel = self._connection or self._connecting
        return None if channel is None else channel.socket

    @property
    def wants_write(self) -> bool:
        """Whether ``step`` should be called when the socket can be written to."""
        if self._connection is not None:
            return self._connection.wants_write
        return self._connecting is not None

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        if self._connecting is not None:
            return self._connecting.deadline
        return 0.0 if self._unsent else self._queries.next_deadline

    def progress(self, query: Query) -> codec.Progress | None:
        """Return how much of the answer to ``query`` has arrived, or None before it begins."""
        progress = None if self._connection is None else self._connection.receiver.progress
        if progress is None or self._queries.expected(progress.header) is not query:
            return None
        return progress

    def connect(self) -> None:
        """Begin to connect, where there is no connection. ``step`` tells how it went."""
        if self._connection is None and self._connecting is None:
            now, seconds = time.monotonic(), self.settings.connect_timeout
            known = self._addresses.get((self.host, self.port), [])
            self._connecting = Connecting(self.host, self.port, now, seconds, known)

    def close(self) -> None:
        """Close the connection; queries that wait are cancelled."""
        self._drop_connection()
        for query in [*self._queries.take_all(), *self._unsent]:
            query.error = CancelledError(f"{query} was cancelled: the connection was closed")
        self._unsent = []

    def ask(self, data_type: str, device_name: str = "") -> Query:
        """Ask for a message; ``step`` sends the question and tells when the query is finished.

        Raises ``codec.EncodeError`` where the name is too long to be asked for.
        """
        codec.pack(codec.GetMessage(data_type, device_name=device_name))
        query = Query(data_type, device_name)
        self._unsent.append(query)
        self.connect()
        return query

    def send(self, message: codec.Message) -> None:
        """Send a message that nobody has asked for, such as trajectories.

        Raises ``codec.EncodeError``, or ``ConnectionLostError`` where there is no connection.
        """
        if self._connection is None:
            raise ConnectionLostError(
                f"{self.address} is not connected; connect, and send it again"
            )
        self._connection.send(message)

    def cancel(self, query: Query) -> None:
        """Give a query up. The connection stays: what still arrives for it is passed over."""
        if query.is_done:
            return
        query.error = CancelledError(f"{query} was cancelled")
        if query in self._unsent:
            self._unsent.remove(query)
            return
        is_arriving = self.progress(query) is not None
        if is_arriving and self._connection is not None and self._connection.receiver.discard():
            self._queries.waiting.remove(query)
        else:
            query.is_abandoned = True

    def step(self, seconds: float = _STEP_SECONDS) -> list[ClientEvent]:
        """Do what can be done without waiting, for about ``seconds``; return what happened."""
        events: list[ClientEvent] = []
        if self._connecting is not None:
            events += self._go_on_connecting(self._connecting)
        if self._connection is not None:
            self._send_unsent(self._connection)
            events += self._exchange(self._connection, seconds)
        events += self._expire()
        return events

    # Calls that wait

    def list_images(self) -> Sequence[codec.ImageMetaItem]:
        """Return the images that the server offers. Raises ``NetworkError``."""
        return self._wait_for("IMGMETA", "", codec.ImageMetaMessage).items

    def get_image(
        self, image_id: str, progress: ProgressCallback | None = None
    ) -> codec.ImageMessage:
        """Return one image. Raises ``NetworkError``.

        ``progress`` is called with the number of bytes that have arrived and of all bytes: while
        parts arrive, and at the end with all of them.
        """
        return self._wait_for("IMAGE", image_id, codec.ImageMessage, progress)

    def get_trajectories(self) -> Sequence[codec.TrajectoryItem]:
        """Return the planned trajectories, their points in RAS mm. Raises ``NetworkError``."""
        return self._wait_for("TRAJ", "", codec.TrajectoryMessage).items

    def wait(self, query: Query, progress: ProgressCallback | None = None) -> codec.Message:
        """Return the answer to ``query``, or raise its error. Other events are dropped."""
        size = 0
        while not query.is_done:
            self.wait_for_socket()
            self.step()
            arrived = self.progress(query)
            if progress is not None and arrived is not None:
                size = arrived.body_size
                progress(arrived.received, size)
        if query.answer is None:
            raise query.error or AnswerError(f"{query} has no answer")
        if progress is not None:
            size = size or query.answer_size
            progress(size, size)
        return query.answer

    # How it is done

    def _wait_for(
        self,
        data_type: str,
        device_name: str,
        message_class: type[MessageType],
        progress: ProgressCallback | None = None,
    ) -> MessageType:
        query = self.ask(data_type, device_name)
        try:
            answer = self.wait(query, progress)
        except BaseException:
            self.cancel(query)
            raise
        if not isinstance(answer, message_class):
            raise AnswerError(f"{query} came as {type(answer).__name__}")
        return answer

    def wait_for_socket(self) -> None:
        """Sleep until there is something for ``step`` to do."""
        deadline = self.next_deadline
        seconds = None if deadline is None else max(0.0, deadline - time.monotonic())
        if self.socket is None:
            return
        with selectors.DefaultSelector() as selector:
            write = selectors.EVENT_WRITE if self.wants_write else 0
            selector.register(self.socket, selectors.EVENT_READ | write)
            selector.select(seconds)

    def _go_on_connecting(self, connecting: Connecting) -> list[ClientEvent]:
        try:
            sock = connecting.step(time.monotonic())
        except ConnectionFailedError as error:
            self._connecting = None
            return [Disconnected(error), *self._fail([*self._unsent], error)]
        if sock is None:
            return []
        self._connecting = None
        self._addresses[connecting.host, connecting.port] = connecting.addresses
        self._connection = Connection(sock, codec.Receiver(self.settings.max_body_size))
        return [Connected()]

    def _send_unsent(self, connection: Connection) -> None:
        for query in self._unsent:
            query.attempts += 1
            self._queries.add(query, time.monotonic())
            # Version 1 and no body: old servers do not read a query's body.
            connection.send(codec.GetMessage(query.data_type, device_name=query.device_name))
        self._unsent = []

    def _exchange(self, connection: Connection, seconds: float) -> list[ClientEvent]:
        connection.write()
        before = connection.receiver.bytes_received
        received = connection.read(seconds)
        if connection.receiver.bytes_received != before and self._is_answering(connection):
            self._queries.bytes_arrived(time.monotonic())
        events: list[ClientEvent] = []
        for event in received:
            events += self._take(event)
            if isinstance(event, codec.Rejected) and isinstance(event.error, codec.BodySizeError):
                events += self._lose(connection, f"{event.error}; {WRONG_SERVER_HINT}")
                return events
        if connection.lost is not None:
            events += self._lose(connection, connection.describe_loss(self.address))
        return events

    def _is_answering(self, connection: Connection) -> bool:
        """Whether what arrives is wanted, or was: not a stream or a keep-alive."""
        progress = connection.receiver.progress
        if progress is None:
            return connection.receiver.is_passing_over
        return self._queries.expected(progress.header) is not None

    def _take(self, event: codec.Message | codec.Rejected) -> list[ClientEvent]:
        query = self._queries.match(event)
        if query is None:
            return [Unsolicited(event)]
        self._queries.bytes_arrived(time.monotonic())
        for waiting in self._queries.waiting:
            # The server works: only connections without any answer count as attempts.
            waiting.attempts = 1
        return [] if query.is_abandoned else [Finished(query)]

    def _lose(self, connection: Connection, reason: str) -> list[ClientEvent]:
        """Give the connection up; ask again what was lost with it, unless it was half answered."""
        interrupted = connection.receiver.progress
        half_answered = None if interrupted is None else self._queries.expected(interrupted.header)
        self._drop_connection()
        error = ConnectionLostError(reason)
        lost = [query for query in self._queries.take_all() if not query.is_abandoned]
        again = [
            query for query in lost if query is not half_answered and query.attempts < _MAX_ATTEMPTS
        ]
        failed = [query for query in lost if query not in again]
        self._ask_again(again)
        return [Disconnected(error), *self._fail(failed, error)]

    def _expire(self) -> list[ClientEvent]:
        now, deadline = time.monotonic(), self._queries.next_deadline
        if deadline is None or deadline > now:
            return []
        error = TimeOutError(self._describe_time_out())
        expired = self._queries.take_expired(now)
        # An answer that still came would be taken for the answer to another query: begin anew.
        self._drop_connection()
        self._ask_again([query for query in self._queries.take_all() if not query.is_abandoned])
        failed = [query for query in expired if not query.is_abandoned]
        return [Disconnected(error), *self._fail(failed, error)]

    def _describe_time_out(self) -> str:
        connection, seconds = self._connection, self._queries.timeout
        if (
            connection is not None
            and connection.receiver.progress is not None
            and self._is_answering(connection)
        ):
            return connection.describe_stall(self.address, seconds)
        words = self._queries.servers_last_words
        return (
            f"{self.address} did not answer in {seconds:g} s"
            + (f"; it last said: {words}" if words else "")
            + "; check that it is an OpenIGTLink server that has what was asked for"
        )

    def _ask_again(self, queries: list[Query]) -> None:
        if queries:
            self._unsent = [*queries, *self._unsent]
            self.connect()

    def _fail(self, queries: list[Query], error: NetworkError) -> list[ClientEvent]:
        for query in queries:
            query.error = error
        self._unsent = [query for query in self._unsent if query not in queries]
        return [Finished(query) for query in queries]

    def _drop_connection(self) -> None:
        if self._connecting is not None:
            self._connecting.close()
        if self._connection is not None:
            self._connection.close()
        self._connecting = self._connection = None
