"""A server that offers a source to any number of clients, in one thread."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import time
from collections import deque
from dataclasses import dataclass, field, replace
from types import TracebackType

from .. import codec
from .address import DEFAULT_PORT
from .answers import answer
from .connection import Connection
from .source import NotReadyError, Source, SourceError, TakesMessages

_logger = logging.getLogger(__name__)

# Nobody sends a server an image; who claims to send more than this is hung up on.
_MAX_BODY_SIZE = 16 << 20
_STEP_SECONDS = 0.02
# Who cannot be accepted for want of these stays where the system told of it, and would be told of
# again and again.
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE_SECONDS = 1.0

_Code = codec.StatusCode


@dataclass(eq=False)
class _Client:
    connection: Connection
    # Questions are answered one by one, each when the answer before it is sent: a client that asks
    # for a thousand images and reads none costs the memory of one.
    questions: deque[codec.QueryMessage] = field(default_factory=deque)

    @property
    def is_owed(self) -> bool:
        """Whether an answer is still to be made or sent."""
        return bool(self.questions) or self.connection.wants_write


class Server:
    """Listens on ``host`` and ``port``; port 0 picks a free one, which ``port`` then says.

    The host ``::`` means all addresses, those of IPv4 too. Raises ``OSError`` where it cannot
    listen there. ``serve_forever`` waits by itself; a caller with an event loop of its own waits
    for ``sockets`` and ``next_deadline``, and calls ``step``.
    """

    def __init__(self, source: Source, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        self._source = source
        self._listener = socket.create_server(
            (host, port),
            family=socket.AF_INET6 if ":" in host else socket.AF_INET,
            dualstack_ipv6=host == "::" and socket.has_dualstack_ipv6(),
        )
        self._listener.setblocking(False)
        self.host: str
        self.port: int
        self.host, self.port = self._listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._clients: set[_Client] = set()
        self._listen_again_at: float | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """Return the number of the listening socket."""
        return self._listener.fileno()

    @property
    def sockets(self) -> dict[socket.socket, int]:
        """The sockets to wait for, and for what: ``selectors.EVENT_READ`` or ``EVENT_WRITE``."""
        watched = self._selector.get_map() or {}  # None once it is closed
        return {key.fileobj: key.events for key in watched.values()}

    @property
    def next_deadline(self) -> float | None:
        """When to call ``step`` at the latest, in ``time.monotonic`` seconds; None for never."""
        return self._listen_again_at

    def serve_forever(self) -> None:
        """Serve until an exception (as Ctrl-C raises) ends it."""
        while True:
            self.step(None)

    def step(self, seconds: float | None = 0.0) -> None:
        """Serve what is to be served; wait up to ``seconds`` for it, None for ever."""
        if self._listen_again_at is not None:
            left = max(0.0, self._listen_again_at - time.monotonic())
            seconds = left if seconds is None else min(seconds, left)
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._serve(key.data)
        if self._listen_again_at is not None and time.monotonic() >= self._listen_again_at:
            self._selector.register(self._listener, selectors.EVENT_READ)
            self._listen_again_at = None

    def close(self) -> None:
        """Close all connections and listen no longer."""
        for client in [*self._clients]:
            self._drop(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            _logger.warning("a client could not be accepted: %s", error)
            if error.errno in _OUT_OF_RESOURCES:
                self._selector.unregister(self._listener)
                self._listen_again_at = time.monotonic() + _PAUSE_SECONDS
            return
        _logger.info("client %s:%s connected", *address[:2])
        client = _Client(Connection(sock, codec.Receiver(_MAX_BODY_SIZE)))
        self._clients.add(client)
        self._selector.register(sock, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        connection = client.connection
        connection.write()
        if not client.is_owed:
            for event in connection.read(_STEP_SECONDS):
                self._take(client, event)
        if client.questions and not connection.wants_write and not connection.is_broken:
            # One answer a turn, so that the other clients have theirs in between.
            self._reply_to_next(client)
        # Who closes only its own half of the connection waits for what it has asked.
        if connection.is_broken or (connection.lost is not None and not client.is_owed):
            _logger.info("a client left: %s", connection.lost)
            self._drop(client)
            return
        interest = selectors.EVENT_WRITE if client.is_owed else selectors.EVENT_READ
        self._selector.modify(connection.socket, interest, client)

    def _take(self, client: _Client, event: codec.Message | codec.Rejected) -> None:
        if isinstance(event, codec.Rejected):
            _logger.warning("a client sent what cannot be read: %s", event.error)
            if isinstance(event.error, codec.BodySizeError):
                client.connection.lost = ConnectionAbortedError(str(event.error))
        elif not isinstance(event, codec.QueryMessage):
            self._hand_over(event)
        elif not isinstance(event, codec.ReturnMessage):
            client.questions.append(event)

    def _hand_over(self, message: codec.Message) -> None:
        """Give the source what a client sent unasked, where the source takes that."""
        what = codec.printable(message.type_name)
        if not isinstance(self._source, TakesMessages):
            _logger.info("a client sent %s, which is not kept", what)
            return
        try:
            self._source.receive(message)
        except SourceError as error:
            _logger.warning("a client sent %s, which is not kept: %s", what, error)
        except Exception:  # what one client sends must not end the server
            _logger.exception("a client sent %s, which could not be taken", what)

    def _reply_to_next(self, client: _Client) -> None:
        query = client.questions.popleft()
        try:
            self._reply(client.connection, query)
        except NotReadyError:
            client.questions.appendleft(query)

    def _reply(self, connection: Connection, query: codec.QueryMessage) -> None:
        try:
            message = answer(self._source, query)
            if message is not None:
                connection.send(_addressed(message, query))
                return
            code, words = _Code.UNKNOWN_INSTRUCTION, f"{query.type_name} is not known here"
        except NotReadyError:
            raise
        except SourceError as error:
            code, words = _Code.NOT_FOUND, str(error)
        except Exception as error:  # one image that cannot be read must not end the server
            _logger.exception("%s failed", query.type_name)
            code, words = _Code.UNKNOWN_ERROR, str(error)
        words = codec.printable(" ".join(words.split()))
        _logger.info("%s is refused: %s", codec.printable(query.type_name), words)
        # The words in a STATUS; then, as the protocol has it, RTS_ with an error (``query.md``).
        status = codec.StatusMessage(code=code, error_name=code.name[:20], message=words)
        connection.send(_addressed(status, query))
        connection.send(_addressed(codec.ReturnMessage(query.data_type, b"\1"), query))

    def _drop(self, client: _Client) -> None:
        self._clients.remove(client)
        self._selector.unregister(client.connection.socket)
        client.connection.close()


def _addressed(message: codec.Message, query: codec.QueryMessage) -> codec.Message:
    """Return a message under the name and in the header version of the query it answers."""
    return replace(
        message,
        device_name=query.device_name,
        header_version=query.header_version,
        message_id=query.message_id,
        metadata=message.metadata if query.header_version > 1 else {},
    )
