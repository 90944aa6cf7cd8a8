"""A recorded server, again: it answers what its clients asked as it did, and as fast."""

from __future__ import annotations

import heapq
import logging
import selectors
import ssl
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from .. import codec
from .connection import Connection
from .limited_log import LimitedLog
from .recording import Event, Record, RecordingError
from .tls_server import Acceptor, listen
from .waiting_queries import Asked, Key, WaitingQueries

_logger = logging.getLogger(__name__)

MOST_REPLAYED = 2 << 30
"""Of what was sent, in bytes: it is held in memory, and a file can be a thousandth of it."""
_STEP_SECONDS = 0.02
_HANDSHAKE_SECONDS = 10.0


@dataclass
class Script:
    """What a server sent on one connection.

    ``unasked`` are messages with their seconds since the client connected; ``answers`` are by
    query, in the order in which it was asked: for each the messages, with the seconds since then.
    """

    unasked: list[tuple[float, bytes]] = field(default_factory=list)
    answers: dict[Key, list[list[tuple[float, bytes]]]] = field(
        default_factory=lambda: defaultdict(list)
    )


class _Messages:
    """Cuts what one end sent into whole messages."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._data = bytearray()
        self._has_ended = False

    def feed(self, data: bytes) -> Iterable[tuple[codec.Header, bytes]]:
        """Yield the messages that are whole now; nothing more after one that is too large."""
        if self._has_ended:
            return
        self._data += data
        while len(self._data) >= codec.HEADER_SIZE:
            header = codec.Header.unpack(self._data)
            # So do port scans and HTTP requests, too, when they are read as a header.
            if header.body_size > self._most_bytes:
                self._has_ended = True
                self._data.clear()
                _logger.warning(
                    "a message of %d bytes is in the recording: it and what its sender sent after "
                    "it are not replayed; choose a higher --max-size if it is a real message",
                    header.body_size,
                )
                return
            size = codec.HEADER_SIZE + header.body_size
            if len(self._data) < size:
                return
            yield header, bytes(self._data[:size])
            del self._data[:size]


def make_scripts(records: Iterable[Record], most_bytes: int = MOST_REPLAYED) -> list[Script]:
    """Return what the server sent on each connection of a recording.

    Raises ``RecordingError`` if more than ``most_bytes`` were sent.
    """
    readers: dict[int, _ScriptReader] = {}
    bytes_left = most_bytes
    for record in records:
        bytes_left -= len(record.data)
        if bytes_left < 0:
            raise RecordingError(
                f"the recording has more than the limit of {most_bytes >> 20} MiB when it is "
                "inflated; replay a shorter one, or choose a higher --max-size"
            )
        if record.event is Event.CONNECTED:
            readers[record.connection] = _ScriptReader(record.seconds, most_bytes)
        elif record.connection in readers:
            readers[record.connection].add(record)
    return [reader.script for reader in readers.values()]


class _ScriptReader:
    """Tells which message answers which query of one connection."""

    def __init__(self, begin: float, most_bytes: int) -> None:
        self.script = Script()
        self._begin = begin
        self._client, self._server = _Messages(most_bytes), _Messages(most_bytes)
        self._waiting = WaitingQueries()

    def add(self, record: Record) -> None:
        if record.event is Event.CLIENT_SENT:
            for header, data in self._client.feed(record.data):
                if header.type_name.startswith(("GET_", "STT_", "STP_")):
                    key = (header.type_name, header.device_name, _content_of(data))
                    asked = Asked(key, record.seconds)
                    self.script.answers[key].append(asked.answer)
                    self._waiting.add(asked)
        elif record.event is Event.SERVER_SENT:
            for header, data in self._server.feed(record.data):
                self._attribute(header, data, record.seconds)

    def _attribute(self, header: codec.Header, data: bytes, seconds: float) -> None:
        asked = self._waiting.oldest_for(header.type_name, header.device_name)
        if asked is None:
            self.script.unasked.append((seconds - self._begin, data))
            return
        asked.answer.append((seconds - asked.seconds, data))
        is_refusal = header.type_name == "STATUS" and asked.key[0] != "GET_STATUS"
        asked.is_answered = not is_refusal  # RTS_ follows a refusal


def _content_of(data: bytes) -> bytes:
    """Return the content of a query; of one that cannot be read none, as nobody asks so again."""
    try:
        message = codec.unpack(data, check_crc=False)
    except codec.DecodeError:
        return b""
    return message.content if isinstance(message, codec.QueryMessage) else b""


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
    ) -> None:
        self._scripts = scripts or [Script()]
        self._speed = speed
        self._log = LimitedLog(_logger)
        listener = listen(host, port)
        self.host, self.port = listener.getsockname()[:2]
        self._selector = selectors.DefaultSelector()
        self._acceptor = Acceptor(listener, self._selector, tls, _HANDSHAKE_SECONDS, self._log)
        self._numbers = count()
        self._due: list[tuple[float, int, _Client, bytes]] = []
        self._accepted = 0

    def step(self, seconds: float) -> None:
        """Send what is due, take what comes; wait up to ``seconds``."""
        if self._due:
            seconds = min(seconds, max(0.0, self._due[0][0] - time.monotonic()))
        for key, _ in self._selector.select(seconds):
            if key.data is self._acceptor:
                self._accept(key.fileobj)
            else:
                self._serve(key.data)
        self._acceptor.drop_late()
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, client, data = heapq.heappop(self._due)
            if not client.is_gone:
                client.connection.queue([data])
                self._serve(client)

    def close(self) -> None:
        """End all connections."""
        for key in [*self._selector.get_map().values()]:
            key.fileobj.close()
        self._selector.close()

    def _accept(self, ready: Any) -> None:
        accepted = self._acceptor.step(ready)
        if accepted is None:
            return
        sock, address = accepted
        script = self._scripts[min(self._accepted, len(self._scripts) - 1)]
        self._accepted += 1
        client = _Client(
            Connection(sock, codec.Receiver(check_crc=False)), address[0], script, self._log
        )
        self._selector.register(sock, selectors.EVENT_READ, client)
        self._schedule(client, script.unasked)

    def _schedule(self, client: _Client, messages: Iterable[tuple[float, bytes]]) -> None:
        now = time.monotonic()
        for seconds, data in messages:
            entry = (now + seconds / self._speed, next(self._numbers), client, data)
            heapq.heappush(self._due, entry)

    def _serve(self, client: _Client) -> None:
        connection = client.connection
        connection.write()
        for event in connection.read(_STEP_SECONDS):
            if isinstance(event, codec.QueryMessage):
                self._schedule(client, client.next_answer(event))
        if connection.lost is not None:
            client.is_gone = True
            self._selector.unregister(connection.socket)
            connection.close()
            return
        write = selectors.EVENT_WRITE if connection.wants_write else 0
        self._selector.modify(connection.socket, selectors.EVENT_READ | write, client)


class _Client:
    def __init__(self, connection: Connection, host: str, script: Script, log: LimitedLog) -> None:
        self.connection = connection
        self.host = host
        self._log = log
        self.is_gone = False
        self._answers = {key: deque(answers) for key, answers in script.answers.items()}

    def next_answer(self, query: codec.QueryMessage) -> list[tuple[float, bytes]]:
        """Return how this query was answered; what was never asked has no answer."""
        answers = self._answers.get((query.type_name, query.device_name, query.content))
        if not answers:
            what = codec.printable(query.type_name)
            self._log.write(
                logging.WARNING,
                self.host,
                f"client {self.host}: {what} is not in the recording: it is not answered",
            )
            return []
        return answers.popleft() if len(answers) > 1 else answers[0]
