"""A file of which no more is read than the header of an image, or a plan, can have.

What a file says of its lengths is not believed: one of a few KiB can claim 4 GiB, and be as long as
that on a disk that stores no zeros (a sparse file); and it can hold a million items of 8 bytes,
each of which becomes an object of 1 KiB.
"""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

LONGEST = 256 << 20
"""Bytes that are read of a header: one of 100,000 frames has half of that."""
_MOST_ITEMS = 500_000
_MOST_SECONDS = 20.0  # of the processor
# The tag of a sequence's item, in little and in big endian (PS3.5 7.5).
_ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
_COUNTED_AT_ONCE = 1 << 20


class TooLargeError(Exception):
    """There is more than can be a header."""


class LimitedFile(io.FileIO):
    """The file at ``path``; reading raises ``TooLargeError`` beyond the limits, before it reads."""

    def __init__(self, path: str | bytes | Path) -> None:
        super().__init__(path, "rb")
        self._bytes_left = LONGEST
        self._items = 0
        self._end = time.thread_time() + _MOST_SECONDS

    def readinto(self, buffer: Any) -> int | None:
        """Read what fits ``buffer``."""
        check_length(LONGEST - self._bytes_left + len(buffer))
        count = super().readinto(buffer) or 0
        self._bytes_left -= count
        self._items += count_items(buffer[:count])
        check_items(self._items)
        if time.thread_time() > self._end:
            raise TooLargeError(f"its header takes more than {_MOST_SECONDS:.0f} s to read")
        return count


def check_length(count: int) -> None:
    """Raise ``TooLargeError`` if a header cannot have so many bytes."""
    if count > LONGEST:
        raise TooLargeError(f"its header has more than {LONGEST >> 20} MiB")


def open_limited(path: Path) -> io.BufferedReader:
    """Return the file for who reads it in small pieces. Raises ``OSError``."""
    return io.BufferedReader(LimitedFile(path))


def count_items(data: memoryview | bytes) -> int:
    """Return how many items of sequences there are about in the bytes of a file."""
    pieces = range(0, len(data), _COUNTED_AT_ONCE)
    return sum(
        bytes(data[start : start + _COUNTED_AT_ONCE]).count(tag)
        for start in pieces
        for tag in _ITEM_TAGS
    )


def check_items(count: int) -> None:
    """Raise ``TooLargeError`` if there are more than a header can have."""
    if count > _MOST_ITEMS:
        raise TooLargeError(f"its header has more than {_MOST_ITEMS} items of sequences")
