"""The parts of a multipart/related message (RFC 2387, PS3.18 8.6.1.2.1), as they arrive.

dicomweb-client parses each part with pydicom; here the bytes of a file are kept as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message

_HEADER_END = b"\r\n\r\n"


class MultipartError(Exception):
    """A message is no multipart message, or ends before its end."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names. Raises ``MultipartError``."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_maintype() != "multipart" or not isinstance(boundary, str):
        raise MultipartError(f"an answer of the type {content_type or 'unknown'!r}")
    return boundary.encode()


def parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[bytes]:
    """Yield the content of each part. Raises ``MultipartError`` if the last boundary is missing."""
    delimiter = b"\r\n--" + boundary
    data = bytearray(b"\r\n")  # the first boundary has no line before it
    begin: int | None = None  # of the part that is being read; None for what comes before the first
    searched = 0
    for chunk in chunks:
        data += chunk
        while (end := data.find(delimiter, searched)) >= 0:
            after = end + len(delimiter)
            if len(data) < after + 2:
                break
            if begin is not None:
                yield _content(data, begin, end)
            if data[after : after + 2] == b"--":
                return
            del data[:after]
            begin, searched = 0, 0
        else:
            searched = max(0, len(data) - len(delimiter))
    raise MultipartError("an answer that ends before its end")


def _content(data: bytearray, begin: int, end: int) -> bytes:
    header_end = data.find(_HEADER_END, begin, end)
    if header_end < 0:
        raise MultipartError("a part without a header")
    return bytes(memoryview(data)[header_end + len(_HEADER_END) : end])
