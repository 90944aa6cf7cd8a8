"""What a server sent in a recorded conversation, by what it was asked."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ... import codec
from .recording import Event, Record, RecordingError
from .waiting_queries import Key, WaitingQueries, WaitingQuery

# Bytes of memory for each, besides what was sent: a small file can have very many of them.
_COST_OF_CONNECTION = 1000
_COST_OF_QUERY = 2500
_COST_OF_MESSAGE = 200

_logger = logging.getLogger(__name__)

MOST_REPLAYED = 2 << 30
"""Of what was sent, in bytes: it is held in memory, and a file can be a thousandth of it."""


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

    @property
    def is_cut(self) -> bool:
        """Whether a message has begun that is not whole."""
        return bool(self._data)

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


class _Budget:
    """The memory that a replay may still take."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = self._left = most_bytes

    def take(self, byte_count: int) -> None:
        """Take some of it. Raises ``RecordingError`` if it is not there."""
        self._left -= byte_count
        if self._left < 0:
            raise RecordingError(
                f"the recording takes more than the limit of {self.most_bytes >> 20} MiB of "
                "memory; replay a shorter one, or choose a higher --max-size"
            )


def make_scripts(records: Iterable[Record], most_bytes: int = MOST_REPLAYED) -> list[Script]:
    """Return what the server sent on each connection of a recording on which anything was sent.

    Raises ``RecordingError`` if that takes more than ``most_bytes``.
    """
    readers: dict[int, _ScriptReader] = {}
    budget = _Budget(most_bytes)
    for record in records:
        if record.event is Event.CONNECTED:
            budget.take(_COST_OF_CONNECTION)
            readers[record.connection] = _ScriptReader(record.seconds, budget)
        elif record.connection in readers:
            budget.take(len(record.data))
            readers[record.connection].add(record)
    cut = [reader for reader in readers.values() if reader.is_cut]
    if cut:
        _logger.warning(
            "%d connections of the recording end in the middle of a message: it is left out",
            len(cut),
        )
    # Port scans and tests whether a port is open would take the places of clients.
    return [reader.script for reader in readers.values() if not reader.is_silent]


class _ScriptReader:
    """Tells which message answers which query of one connection."""

    def __init__(self, begin: float, budget: _Budget) -> None:
        self.script = Script()
        self.is_silent = True
        self._begin = begin
        self._budget = budget
        self._client, self._server = (_Messages(budget.most_bytes) for _ in range(2))
        self._waiting = WaitingQueries()

    @property
    def is_cut(self) -> bool:
        """Whether the beginning of a message has come from the server, and not its rest."""
        return self._server.is_cut

    def add(self, record: Record) -> None:
        self.is_silent = self.is_silent and not record.data
        if record.event is Event.CLIENT_SENT:
            for header, data in self._client.feed(record.data):
                if header.type_name.startswith(("GET_", "STT_", "STP_")):
                    self._budget.take(_COST_OF_QUERY)
                    key = (header.type_name, header.device_name, _content_of(data))
                    asked = WaitingQuery(key, record.seconds)
                    self.script.answers[key].append(asked.answer)
                    self._waiting.add(asked)
        elif record.event is Event.SERVER_SENT:
            for header, data in self._server.feed(record.data):
                self._budget.take(_COST_OF_MESSAGE)
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
