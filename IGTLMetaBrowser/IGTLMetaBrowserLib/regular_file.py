"""Files that are opened to be read: only if they are files.

A pipe would be waited for as long as nobody writes to it, and some devices (``/dev/zero``) never
end. Neither is found out before it is opened: what was looked at may be something else by then.

A pipe that a user names is another thing (``--deidentify-key <(pass show key)``): through it a
shell hands over what is on no disk. It is read for a time.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

Result = TypeVar("Result")

NO_FILE = "it is a pipe or a device, and no file"
MOST_BYTES = 64 << 20
"""Of what somebody has written, or keeps, for a command: lists of revoked certificates have some
MB, as markups 10,000 trajectories have 10 MB."""
_SECONDS_FOR_PIPE = 60.0
_AT_ONCE = 64 << 10


def open_regular(path: str | bytes | Path, flags: int) -> int:
    """Open a file, as an opener of Python's; a folder, a pipe or a device raises ``OSError``."""
    number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(number).st_mode
    if stat.S_ISREG(mode):
        return number
    os.close(number)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    raise OSError(errno.EINVAL, NO_FILE)


class RegularFile(io.FileIO):
    """A file as ``open_regular`` opens it, without a buffer; reading raises ``OSError``.

    Some of the system's files (``/proc/kmsg``) are regular, and have nothing to be read just now:
    Python returns None then, and a buffer of Python's, too.
    """

    def __init__(self, path: str | bytes | Path) -> None:
        super().__init__(os.fspath(path), "rb", opener=open_regular)

    def readinto(self, buffer: Any) -> int:
        """Read what fits ``buffer``."""
        return _required(super().readinto(buffer))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to ``size`` bytes, or all."""
        return _required(super().read(-1 if size is None else size))

    def readall(self) -> bytes:
        """Read all."""
        return _required(super().readall())


def _required(read: Result | None) -> Result:
    if read is None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return read


def opened(path: str | bytes | Path) -> BinaryIO:
    """Open a file to read its bytes. Raises ``OSError``, and so does reading."""
    return io.BufferedReader(RegularFile(path))


def read_small(path: Path) -> bytes:
    """Return what is in a file of at most ``MOST_BYTES``. Raises ``OSError``.

    One that is sparse can be larger than the memory, and needs no place on the disk.
    """
    with opened(path) as file:
        return _of_limited_size(file.read(MOST_BYTES + 1))


def is_readable_pipe(path: Path) -> bool:
    """Whether ``read_small_or_pipe`` reads it as a pipe; on Windows, nothing can be waited for."""
    return hasattr(select, "poll") and path.is_fifo()


def read_small_or_pipe(path: Path) -> bytes:
    """Return what is in a file, or comes through a pipe until its end. Raises ``OSError``.

    For what a user names, and not for what is found in a folder. Of a pipe the end has to come
    within a minute: who writes into it may ask the user for a password before.
    """
    if not is_readable_pipe(path):
        return read_small(path)
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else it waits for somebody who writes
    try:
        return _read_pipe(number)
    finally:
        os.close(number)


def _read_pipe(number: int) -> bytes:
    ends_at = time.monotonic() + _SECONDS_FOR_PIPE
    poll = select.poll()
    poll.register(number, select.POLLIN)
    data = bytearray()
    while poll.poll(1e3 * max(0.0, ends_at - time.monotonic())):
        with suppress(BlockingIOError):  # somebody else has read it
            piece = os.read(number, _AT_ONCE)
            data += piece
            if not piece or len(data) > MOST_BYTES:
                return _of_limited_size(bytes(data))
    words = f"it is a pipe, whose end has not come within {_SECONDS_FOR_PIPE:.0f} s"
    raise TimeoutError(errno.ETIMEDOUT, words)


def _of_limited_size(data: bytes) -> bytes:
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than the limit of {MOST_BYTES >> 20} MiB")
    return data
