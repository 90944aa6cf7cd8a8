"""A recorded conversation between clients and a server: a file of what each end sent, and when.

The file begins with the line ``OpenIGTLink recording 1`` and goes on with records, until its end
or until the first record that is not whole: a recorder that crashes loses what it was writing, and
nothing else. A record, all numbers big-endian:

======  ======  ==========  =======================================================================
offset  type    field       meaning
======  ======  ==========  =======================================================================
0       u8      event       0 the client has connected, 1 the client sent bytes, 2 the server sent
                            bytes, 3 the connection ended
1       u8      encoding    0 as they are, 1 zlib (RFC 1950)
2       u32     connection  1 for the first connection, and so on
6       u64     time        microseconds since the beginning of the recording
14      u32     size        of the data
18      bytes   data        what was sent, in the pieces in which it came
18 + n  u32     checksum    CRC-32 (of zlib) of all before it
======  ======  ==========  =======================================================================
"""

from __future__ import annotations

import logging
import struct
import time
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...codec.wire import Buffer
from ...system_errors import why_not_read, why_not_written
from ...turns import at_once

MOST_BYTES = 16 << 30
"""Of a file: a device that streams for days would fill the disk."""
FIRST_LINE = b"OpenIGTLink recording 1\n"
_LAYOUT = struct.Struct(">BBIQI")
_CHECKSUM = struct.Struct(">I")
_PLAIN, _ZLIB = 0, 1
# Large pieces are pixels, which the fastest level makes a third smaller at 100 MB/s.
_LEVEL = 1
# A header is 58 bytes: deflate makes less than this no smaller.
_SMALLEST_COMPRESSED = 64
# A larger size is that of a damaged file; it also bounds what a piece can be inflated to.
_LARGEST_PIECE = 64 << 20
# What is larger is written in several records, of which each is made smaller by itself.
_LARGEST_WRITTEN = 1 << 20


_logger = logging.getLogger(__name__)


class RecordingError(Exception):
    """A recording cannot be written or read; the text says why."""


class Event(IntEnum):
    """What a record is about."""

    CONNECTED = 0
    CLIENT_SENT = 1
    SERVER_SENT = 2
    ENDED = 3


class Record(NamedTuple):
    """One of them; ``seconds`` are since the beginning of the recording."""

    event: Event
    connection: int
    seconds: float
    data: bytes = b""


_EVENTS = {event.value: event for event in Event}


class RecordingWriter:
    """Writes a new file of up to ``most_bytes``.

    Raises ``RecordingError``, also for one that is there already, or when it is full.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._bytes_left = most_bytes
        self._most_bytes = most_bytes
        self._begin = time.monotonic()
        try:
            self._file: BinaryIO = path.open("xb")
            self._file.write(FIRST_LINE)
        except OSError as error:
            raise self._error(error) from None

    def write(self, event: Event, connection: int, data: Buffer = b"") -> None:
        """Write a record of now, through to the system; several for many bytes."""
        at_once(self.writing(event, connection, data))

    def writing(self, event: Event, connection: int, data: Buffer) -> Iterator[None]:
        """Write as ``write`` does, a record at each step."""
        view = memoryview(data).cast("B")
        for begin in range(0, len(view) or 1, _LARGEST_WRITTEN):
            self._write_record(event, connection, bytes(view[begin : begin + _LARGEST_WRITTEN]))
            yield

    def _write_record(self, event: Event, connection: int, data: bytes) -> None:
        encoding = _PLAIN
        if len(data) >= _SMALLEST_COMPRESSED:
            packed = zlib.compress(data, _LEVEL)
            if len(packed) < len(data):
                data, encoding = packed, _ZLIB
        microseconds = round((time.monotonic() - self._begin) * 1e6)
        record = _LAYOUT.pack(event, encoding, connection, microseconds, len(data)) + data
        self._bytes_left -= len(record)
        if self._bytes_left < 0:
            raise RecordingError(
                f"the recording {str(self._path)!r} has reached its limit of "
                f"{self._most_bytes >> 20} MiB, and has all up to here; go on with another file, "
                "or with a higher --max-size"
            )
        try:
            self._file.write(record + _CHECKSUM.pack(zlib.crc32(record)))
            self._file.flush()
        except OSError as error:
            raise self._error(error) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _error(self, error: OSError) -> RecordingError:
        return RecordingError(why_not_written(error, self._path, "the recording"))


def read_recording(path: Path) -> Iterator[Record]:
    """Yield the records of a file, up to the first that is not whole. Raises ``RecordingError``."""
    count = 0
    try:
        with path.open("rb") as file:  # perhaps a pipe from a program that decompresses it
            if file.readline(len(FIRST_LINE)) != FIRST_LINE:
                raise RecordingError(
                    f"{str(path)!r} is not a recording of igtlmeta record; check the path"
                )
            try:
                while (record := _read_record(file)) is not None:
                    count += 1
                    yield record
            except _DamagedError:
                words = "%r is damaged or cut off after %d records: the rest is left out"
                _logger.warning(words, str(path), count)
    except OSError as error:
        raise RecordingError(why_not_read(error, path)) from None


class _DamagedError(Exception):
    """A record is not whole, or not as it was written."""


def _read_record(file: BinaryIO) -> Record | None:
    """Return the next record, or None at the end of the file. Raises ``_DamagedError``."""
    head = file.read(_LAYOUT.size)
    if not head:
        return None
    if len(head) < _LAYOUT.size:
        raise _DamagedError
    event, encoding, connection, microseconds, size = _LAYOUT.unpack(head)
    if size > _LARGEST_PIECE or event not in _EVENTS or encoding not in (_PLAIN, _ZLIB):
        raise _DamagedError
    data = file.read(size)
    checksum = file.read(_CHECKSUM.size)
    if checksum != _CHECKSUM.pack(zlib.crc32(head + data)):
        raise _DamagedError
    if encoding == _ZLIB:
        data = _inflated(data)
    return Record(_EVENTS[event], connection, microseconds / 1e6, data)


def _inflated(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, _LARGEST_PIECE)
    except zlib.error:
        raise _DamagedError from None
    if not unpacker.eof:  # a part of it would shift all that follows
        raise _DamagedError
    return data
