"""A file of a series whose pixels are received into their place in the volume."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterator

import numpy as np

from ....dicom_index.headers.header_reader import FileContent
from ....dicom_index.headers.image_header import ImageHeader


class FileInVolume:
    """A file in pieces: what comes before its pixels, these, and ``size_after`` bytes behind them.

    The pixels lie in ``place``, slice ``k`` of a volume, so that there is one copy of them in
    memory: to get memory for another takes the system as long as a third of the download. There
    they are rescaled; what was added is taken off again when the file is written.
    """

    def __init__(
        self,
        before: bytes,
        header: FileContent,
        image: ImageHeader,
        k: int,
        place: np.ndarray,
        size_after: int,
    ) -> None:
        self.header = header
        self.image = image
        self.k = k
        self.place = place
        self._before, self._after = before, bytearray(size_after)
        self._added = 0
        self._outside: bytes | None = None

    def __len__(self) -> int:
        return len(self._before) + self.place.nbytes + len(self._after)

    def buffers(self) -> list[memoryview]:
        """Return what the pixels, and what comes after them, are received into."""
        return [_bytes_of(self.place), memoryview(self._after)]

    def on_rescaled(self, added: int) -> None:
        """Note what was added to the stored values. They are integers, and may wrap around."""
        self._added = added

    def leave(self) -> bytes:
        """Return the file as one piece, which it is from now on: its place is for another."""
        if self._outside is None:
            self._outside = b"".join(self.pieces())
        return self._outside

    def pieces(self) -> list[bytes | bytearray | memoryview]:
        """Return the bytes of the file, as it was received."""
        if self._outside is not None:
            return [self._outside]
        stored = self.place
        if self._added:
            stored = stored - np.array(self._added).astype(stored.dtype)
        return [self._before, _bytes_of(stored), self._after]


FileBytes = bytes | memoryview | FileInVolume
"""The bytes of a file."""


class RoomForFile:
    """Where a file is received: its header into ``memory``, its pixels into a volume, perhaps.

    ``find_place`` is called with the first ``size_before`` bytes. What it returns is filled with
    the rest; else that goes into ``memory`` as well. ``content`` is the file then.
    """

    def __init__(
        self,
        memory: memoryview,
        size_before: int,
        find_place: Callable[[bytes], FileInVolume | None],
    ) -> None:
        self.content: memoryview | FileInVolume = memory
        self._memory = memory
        self._size_before = size_before
        self._find_place = find_place

    def buffers(self) -> Iterator[memoryview]:
        """Yield what comes next is to be received into, when what was yielded before is filled."""
        yield self._memory[: self._size_before]
        place = self._find_place(bytes(self._memory[: self._size_before]))
        if place is None:
            yield self._memory[self._size_before :]
            return
        self.content = place
        yield from place.buffers()


class FilesInMemory(UserDict[str, FileBytes]):
    """Files by their names; each is given as one piece."""

    def __getitem__(self, name: str) -> bytes | memoryview:
        content = self.data[name]
        return b"".join(content.pieces()) if isinstance(content, FileInVolume) else content

    def clear(self) -> None:
        """Let go of all; else each would be made one piece before (``MutableMapping.popitem``)."""
        self.data.clear()


def _bytes_of(pixels: np.ndarray) -> memoryview:
    return memoryview(pixels.reshape(-1).view(np.uint8))
