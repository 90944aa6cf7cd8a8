"""A file of which no more is read than the header of an image, or a plan, can have.

What a file says of its lengths is not believed: one of a few KiB can claim 4 GiB, and be as long as
that on a disk that stores no zeros (a sparse file); and it can hold a million elements of 8 bytes,
each of which becomes an object. Deflated, it can have a thousand times the bytes.
"""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...regular_file import RegularFile
from .buffer_file import BufferFile

LONGEST = 256 << 20
"""Bytes that are read of a header: one of 100,000 frames has half of that."""
# A functional MRI of 10,000 frames has 150 in each, of which Philips' private ones are the most.
_MOST_ELEMENTS = 2_000_000
# pydicom reads the header of an element, and its value.
_READS_AN_ELEMENT = 2
# A functional MRI of 20,000 frames has 13 for each. It takes long to read half a million of them
# (20 to 30 s), but to refuse such an image would be worse.
_MOST_ITEMS = 500_000
# They say nothing; half a million of them took 4 MB and 15 s.
_MOST_EMPTY_ITEMS = 10_000
ITEM_TAGS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
"""The tag of a sequence's item, in little and in big endian (PS3.5 7.5)."""
_COUNTED_AT_ONCE = 1 << 20
_INFLATED_AT_ONCE = 1 << 20


class TooLargeError(Exception):
    """There is more than can be a header."""


class ElementCount:
    """How many elements of a file were looked at, and items of sequences that are parsed."""

    def __init__(self) -> None:
        self.count = 0
        self._items = 0
        self._empty_items = 0

    def add(self) -> None:
        """Count one more. Raises ``TooLargeError`` if a header cannot have so many."""
        self.count += 1
        if self.count > _MOST_ELEMENTS:
            raise TooLargeError(f"its header has more than {_MOST_ELEMENTS} elements")

    def add_item(self, is_empty: bool) -> None:
        """Count an item of a sequence. Raises ``TooLargeError`` if a header cannot have so many."""
        self._items += 1
        self._empty_items += is_empty
        if self._items > _MOST_ITEMS:
            raise TooLargeError(f"its header has more than {_MOST_ITEMS} items of sequences")
        if self._empty_items > _MOST_EMPTY_ITEMS:
            raise TooLargeError(f"its header has more than {_MOST_EMPTY_ITEMS} empty items")


class LimitedFile(RegularFile):
    """The file at ``path``; reading raises ``TooLargeError`` beyond the limit, before it reads."""

    def __init__(self, path: str | bytes | Path) -> None:
        super().__init__(path)
        self._bytes_left = LONGEST

    def readinto(self, buffer: Any) -> int:
        """Read what fits ``buffer``."""
        check_length(LONGEST - self._bytes_left + len(buffer))
        count = super().readinto(buffer)
        self._bytes_left -= count
        return count


class _CountingItems(io.RawIOBase):
    """Counts items, too: pydicom makes objects of those that say how long they are only later."""

    _items = 0

    def readinto(self, buffer: Any) -> int:
        """Read what fits ``buffer``."""
        count = super().readinto(buffer) or 0  # of the file that this is mixed in with
        self._items += sum(
            bytes(buffer[start : min(count, start + _COUNTED_AT_ONCE)]).count(tag)
            for start in range(0, count, _COUNTED_AT_ONCE)
            for tag in ITEM_TAGS
        )
        if self._items > _MOST_ITEMS:
            raise TooLargeError(f"its header has more than {_MOST_ITEMS} items of sequences")
        return count


class _FileForPydicom(_CountingItems, LimitedFile):
    pass


class _BytesForPydicom(_CountingItems, BufferFile):
    name = "bytes in memory"  # pydicom asks for one


class _CountingReader(io.BufferedReader):
    """Counts how often is read, by which pydicom's work is known."""

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__(file)
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if self._reads > _MOST_ELEMENTS * _READS_AN_ELEMENT:
            raise TooLargeError(f"its header has more than {_MOST_ELEMENTS} elements")
        data = super().read(size)
        if size is None or size < 0:  # pydicom reads all of what is deflated, and inflates it
            _check_inflated(data)
        return data


def _check_inflated(data: bytes) -> None:
    count = 0
    with suppress(zlib.error):  # which pydicom raises, too
        for piece in _inflated(data):
            count += len(piece)
            if count > LONGEST:
                raise TooLargeError(f"it inflates to more than {LONGEST >> 20} MiB")


def _inflated(data: bytes) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for begin in range(0, len(data), _INFLATED_AT_ONCE):  # what is left is copied each time
        left = data[begin : begin + _INFLATED_AT_ONCE]
        while left and not inflater.eof:
            yield inflater.decompress(left, _INFLATED_AT_ONCE)
            left = inflater.unconsumed_tail


def check_length(count: int) -> None:
    """Raise ``TooLargeError`` if a header cannot have so many bytes."""
    if count > LONGEST:
        raise TooLargeError(f"its header has more than {LONGEST >> 20} MiB")


def open_limited(source: Path | bytes | memoryview) -> io.BufferedReader:
    """Return a file, or its bytes, for pydicom, which reads small pieces. Raises ``OSError``."""
    if isinstance(source, Path):
        return _CountingReader(_FileForPydicom(os.fspath(source)))  # pydicom adds it to texts
    return _CountingReader(_BytesForPydicom(source))
