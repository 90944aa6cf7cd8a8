"""The parts of a multipart/related message (RFC 2387, PS3.18 8.6.1.2.1), as they arrive.

dicomweb-client parses each part with pydicom; here the bytes of a file are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from email.message import Message
from http.client import HTTPException
from typing import Any, Protocol, TypeGuard

import numpy as np

from ..archive import LARGEST_FILE, FindRoom

_HEADER_END = b"\r\n\r\n"
_LONGEST_HEADER = 64 << 10
_BLOCK = 16 << 20
# Headers of parts are received in small chunks, parts that do not say their length in large ones.
_SMALL = 4 << 10
_LARGE = 256 << 10
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class MultipartError(Exception):
    """A message is no multipart message."""


class UnfinishedError(MultipartError):
    """A message ends before its end."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names. Raises ``MultipartError``."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_maintype() != "multipart" or not isinstance(boundary, str):
        raise MultipartError(f"an answer of the type {content_type or 'unknown'!r}")
    return boundary.encode()


class MessageBody(Protocol):
    """A message that can be received into memory."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer; return how many bytes there were, fewer only at the end.

        Raises ``HTTPException`` if the end is missing.
        """
        ...


def parts(
    body: MessageBody | Iterable[bytes], boundary: bytes, find_room: FindRoom | None = None
) -> Iterator[Any]:
    """Yield the content of each part. Raises ``UnfinishedError`` if the last boundary is missing,
    ``MultipartError`` if it is no such message.

    ``body`` is the message, or its bytes in chunks. Parts that say their length (Orthanc's do) are
    copied once, and not searched for the boundary. ``find_room`` is asked for each of them.
    """
    blocks = _Blocks()
    delimiter = b"\r\n--" + boundary
    stream = _Stream(body)
    stream.read_until(delimiter[2:], _LONGEST_HEADER)  # the first boundary has no line before it
    size, head = 0, b""  # most parts are as long as the one before, with the same header
    while True:
        if not stream.passes(head):
            begin = stream.read(2)
            if begin == b"--":
                return
            header = stream.read_until(_HEADER_END, _LONGEST_HEADER)
            length = _LENGTH.search(header)
            if length is None:
                yield memoryview(stream.read_until(delimiter, LARGEST_FILE, _LARGE))
                continue
            size, head = int(length[1]), begin + header + _HEADER_END
            if size > LARGEST_FILE:
                raise MultipartError(f"a part of {size} bytes")
        content = blocks.take(size)
        room = None if find_room is None else find_room(content)
        for buffer in (content,) if room is None else room.buffers():
            stream.read_into(buffer)
        if room is not None and room.content is not content:
            blocks.give_back(content)
        yield content if room is None else room.content
        if stream.read(len(delimiter)) != delimiter:
            raise MultipartError("a part that is not as long as it says")


class _Stream:
    """Reads what comes in chunks of any size. Its methods raise ``UnfinishedError`` at the end."""

    def __init__(self, source: MessageBody | Iterable[bytes]) -> None:
        self._body = source if _is_body(source) else None
        self._chunks = iter(()) if _is_body(source) else iter(source)
        self._chunk = b""
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return so many bytes."""
        if self._position == len(self._chunk):
            self._next_chunk()
        end = self._position + size
        if end <= len(self._chunk):
            begin, self._position = self._position, end
            return self._chunk[begin:end]
        content = bytearray(size)
        self.read_into(memoryview(content))
        return bytes(content)

    def passes(self, expected: bytes) -> bool:
        """Pass over these bytes, if they come next; False if they do not, or are not seen yet."""
        if not expected:
            return False
        if self._position == len(self._chunk):
            self._next_chunk()
        is_next = self._chunk.startswith(expected, self._position)
        self._position += len(expected) if is_next else 0
        return is_next

    def read_into(self, content: memoryview) -> None:
        """Read so many bytes as there is room for."""
        done = 0
        while done < len(content):
            if self._position == len(self._chunk):
                if self._body is not None and len(content) - done >= _SMALL:
                    done += _received(self._body, content[done:])
                    continue
                self._next_chunk()
            piece = memoryview(self._chunk)[self._position :][: len(content) - done]
            content[done : done + len(piece)] = piece
            done += len(piece)
            self._position += len(piece)

    def read_until(self, mark: bytes, most: int, chunk_size: int = _SMALL) -> bytes:
        """Return what comes before ``mark``, which is passed over; at most so many bytes."""
        end = self._chunk.find(mark, self._position)
        if end >= 0:
            begin, self._position = self._position, end + len(mark)
            return self._chunk[begin:end]
        data = bytearray(memoryview(self._chunk)[self._position :])
        while (end := data.find(mark, max(0, len(data) - len(self._chunk) - len(mark)))) < 0:
            if len(data) > most:
                raise MultipartError(f"a part, or its header, without an end in {most} bytes")
            self._next_chunk(chunk_size)
            data += self._chunk
        self._position = len(self._chunk) - (len(data) - end - len(mark))
        return bytes(memoryview(data)[:end])

    def _next_chunk(self, size: int = _SMALL) -> None:
        self._chunk, self._position = next(self._chunks, b""), 0
        if self._body is not None:
            content = bytearray(size)
            count = _received(self._body, memoryview(content))
            self._chunk = bytes(memoryview(content)[:count])
        if not self._chunk:
            raise UnfinishedError("an answer that ends before its end")


def _is_body(source: MessageBody | Iterable[bytes]) -> TypeGuard[MessageBody]:
    return hasattr(source, "readinto")


def _received(body: MessageBody, content: memoryview) -> int:
    try:
        count = body.readinto(content)
    except HTTPException:
        count = 0
    if not count:
        raise UnfinishedError("an answer that ends before its end")
    return count


class _Blocks:
    """Memory for parts, in blocks so large that the system gives it in huge pages (Linux).

    To get 157 MB of it in small pages takes as long as half of the download.
    """

    def __init__(self) -> None:
        self._block = self._before = memoryview(b"")

    def take(self, size: int) -> memoryview:
        """Return room for so many bytes."""
        if size > _BLOCK // 2:
            return memoryview(np.empty(size, np.uint8))
        if size > len(self._block):
            self._block = memoryview(np.empty(_BLOCK, np.uint8))
        self._before = self._block
        taken, self._block = self._block[:size], self._block[size:]
        return taken

    def give_back(self, taken: memoryview) -> None:
        """Have what was taken last be taken again: nobody uses it."""
        if len(taken) <= _BLOCK // 2:
            self._block = self._before
