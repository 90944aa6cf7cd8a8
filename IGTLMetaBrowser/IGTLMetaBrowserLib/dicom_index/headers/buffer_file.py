"""Bytes in memory as a file to read from: of BytesIO, which copies all that is no ``bytes``."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

Contents = Mapping[str, bytes | memoryview]
"""The bytes of files that are in memory, by their names."""


class BufferFile(io.RawIOBase):
    """Reads from a buffer of bytes, without a copy of it."""

    name = ""  # for which pydicom asks whatever io.BufferedReader reads

    def __init__(self, buffer: bytes | memoryview) -> None:
        self._buffer = memoryview(buffer)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """Fill a buffer as far as there are bytes; return how many they are."""
        source = self._buffer[self._position :][: len(target)]
        target[: len(source)] = source
        self._position += len(source)
        return len(source)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which may be behind the end, as in a file."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._buffer)}
        self._position = max(0, start[whence] + offset)
        return self._position
