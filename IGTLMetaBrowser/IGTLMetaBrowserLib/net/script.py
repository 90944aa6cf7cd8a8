"""What a server sent in a recorded conversation, by what it was asked."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from .. import codec
from .recording import Event, Record, RecordingError
from .waiting_queries import Asked, Key, WaitingQueries

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
