"""Memory for the volume that is fetched next, got from the system before its voxels come.

The system gives a page when it is first written to, filled with zeros: for 157 MB that takes 25 ms,
in a virtual machine up to 100, as long as half of the download.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ..archive import SIZE_KEYWORDS

if TYPE_CHECKING:
    from concurrent.futures import Executor

# What is held while nobody has asked for an image yet.
_LARGEST_SPARE = 256 << 20
# Of what an archive only says, not more: it has to send a larger volume first.
_LARGEST = 512 << 20
# Of an unsigned integer of 16 bits (PS3.5 6.2).
_MOST_DIGITS = 5
_PAGE = 4 << 10
# Each time, other Python in its way is kept waiting for some ms; but who comes next waits for it.
_PIECE = 8 << 20


class VolumeMemory:
    """So many bytes; a thread gets their pages, while others use what there is already."""

    def __init__(self, size: int, executor: Executor) -> None:
        self.bytes = np.empty(size, np.uint8)
        self._lock = threading.Lock()
        self._done = 0
        self._is_over = False
        executor.submit(self._get_pages)

    def use(self, end: int) -> None:
        """Have nothing be written any more into the bytes before ``end``."""
        if end > self._done and not self._is_over:
            self._is_over = True
            with self._lock:  # a piece may be just being written
                pass

    def _get_pages(self) -> None:
        """Write to all pages, from the first on, as long as nobody needs the next."""
        while self._done < len(self.bytes):
            with self._lock:
                if self._is_over:
                    return
                end = self._done + _PIECE
                self.bytes[self._done : end : _PAGE] = 0
                self._done = end


class SpareMemory:
    """Has memory ready for the largest of the volumes that a user will perhaps choose."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._spare: deque[VolumeMemory] = deque(maxlen=1)

    def prepare(self, size: int) -> None:
        """Have memory for a volume of so many bytes, unless it is much."""
        is_there = any(size <= len(spare.bytes) for spare in [*self._spare])
        if not is_there and 0 < size <= _LARGEST_SPARE:
            self._spare.append(VolumeMemory(size, self._executor))

    def take(self, size: int) -> VolumeMemory | None:
        """Return memory of just this size, for a volume that comes now; None if it is too much."""
        with suppress(IndexError):
            spare = self._spare.pop()  # first: two threads would have one memory for two images
            if size == len(spare.bytes):
                return spare
            self._spare.append(spare)
        return VolumeMemory(size, self._executor) if 0 < size <= _LARGEST else None


def bytes_of_volume(instance: Mapping[str, str], count: int) -> int:
    """Return how large a volume of such slices is, by ``archive.SIZE_KEYWORDS``; 0: not known."""
    texts = [instance.get(keyword, "") for keyword in SIZE_KEYWORDS]
    if not all(text.isdecimal() and len(text) <= _MOST_DIGITS for text in texts):
        return 0
    rows, columns, bits = map(int, texts)
    return rows * columns * (bits // 8) * count
