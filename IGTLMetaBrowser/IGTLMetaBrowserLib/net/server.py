"""A server that offers a source to any number of clients, in one thread."""

from __future__ import annotations

import logging
import selectors
import socket
from collections import deque
from dataclasses import dataclass, field, replace
from types import TracebackType

from .. import codec
from .address import DEFAULT_PORT
from .connection import Connection
from .source import Source, SourceError

_logger = logging.getLogger(__name__)

# Nobody sends a server an image; who claims to send more than this is hung up on.
_MAX_BODY_SIZE = 16 << 20
_STEP_SECONDS = 0.02

_Code = codec.StatusCode


@dataclass
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

    Raises ``OSError`` where it cannot listen there.
    """

    def __init__(self, source: Source, host: str = "127.0.0.1", port: int = DEFAULT_PORT) -> None:
        self._source = source
        self._listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
        self._listener.setblocking(False)
        self.host: str
        self.port: int
        self.host, self.port = self._listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._clients: dict[int, _Client] = {}

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

    def serve_forever(self) -> None:
        """Serve until an exception (as Ctrl-C raises) ends it."""
        while True:
            self.step(None)

    def step(self, seconds: float | None = 0.0) -> None:
        """Serve what is to be served; wait up to ``seconds`` for it, None for ever."""
        for key, _ in self._selector.select(seconds):
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._serve(key.data)

    def close(self) -> None:
        """Close all connections and listen no longer."""
        for client in [*self._clients.values()]:
            self._drop(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        try:
            sock, address = self._listener.accept()
        except OSError as error:
            _logger.warning("a client could not be accepted: %s", error)
            return
        _logger.info("client %s:%s connected", *address[:2])
        client = _Client(Connection(sock, codec.Receiver(_MAX_BODY_SIZE)))
        descriptor = client.connection.fileno()
        self._clients[descriptor] = client
        self._selector.register(descriptor, selectors.EVENT_READ, client)

    def _serve(self, client: _Client) -> None:
        connection = client.connection
        connection.write()
        if not client.is_owed:
            for event in connection.read(_STEP_SECONDS):
                self._take(client, event)
        if client.questions and not connection.wants_write and not connection.is_broken:
            # One answer a turn, so that the other clients have theirs in between.
            self._reply(connection, client.questions.popleft())
        # Who closes only its own half of the connection waits for what it has asked.
        if connection.is_broken or (connection.lost is not None and not client.is_owed):
            _logger.info("a client left: %s", connection.lost)
            self._drop(client)
            return
        interest = selectors.EVENT_WRITE if client.is_owed else selectors.EVENT_READ
        self._selector.modify(connection.fileno(), interest, client)

    def _take(self, client: _Client, event: codec.Message | codec.Rejected) -> None:
        if isinstance(event, codec.Rejected):
            _logger.warning("a client sent what cannot be read: %s", event.error)
            if isinstance(event.error, codec.BodySizeError):
                client.connection.lost = ConnectionAbortedError(str(event.error))
        elif not isinstance(event, codec.QueryMessage):
            _logger.info("a client sent %s, which is not kept", codec.printable(event.type_name))
        elif not isinstance(event, codec.ReturnMessage):
            client.questions.append(event)

    def _reply(self, connection: Connection, query: codec.QueryMessage) -> None:
        try:
            answer = self._answer(query)
            if answer is not None:
                connection.send(_addressed(answer, query))
                return
            code, words = _Code.UNKNOWN_INSTRUCTION, f"{query.type_name} is not known here"
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

    def _answer(self, query: codec.QueryMessage) -> codec.Message | None:
        """Return the answer to a query, or None where this server knows no such query."""
        if not isinstance(query, codec.GetMessage):
            return None
        if query.data_type == "IMGMETA":
            images = self._source.images()
            # Clients put their own name there, too: what is no id asks for the whole list.
            name = query.device_name
            chosen = [image for image in images if name and image.id == name]
            return codec.ImageMetaMessage(items=chosen or images)
        if query.data_type == "IMAGE":
            return self._source.image(query.device_name)
        if query.data_type == "TRAJ":
            return codec.TrajectoryMessage(items=self._source.trajectories())
        if query.data_type == "STATUS":
            return codec.StatusMessage(message="ready")
        return None

    def _drop(self, client: _Client) -> None:
        descriptor = client.connection.fileno()
        del self._clients[descriptor]
        self._selector.unregister(descriptor)
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
