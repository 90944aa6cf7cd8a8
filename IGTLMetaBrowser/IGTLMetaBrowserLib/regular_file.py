"""Files that are opened to be read: only if they are files.

A pipe would be waited for as long as nobody writes to it, and some devices (``/dev/zero``) never
end. Neither is found out before it is opened: what was looked at may be something else by then.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

NO_FILE = "it is a pipe or a device, and no file"
MOST_BYTES = 64 << 20
"""Of what somebody has written, or keeps, for a command: lists of revoked certificates have some
MB, as markups 10,000 trajectories have 10 MB."""


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


def opened(path: str | bytes | Path) -> BinaryIO:
    """Open a file to read its bytes. Raises ``OSError``."""
    return open(path, "rb", opener=open_regular)


def read_small(path: Path) -> bytes:
    """Return what is in a file of at most ``MOST_BYTES``. Raises ``OSError``.

    One that is sparse can be larger than the memory, and needs no place on the disk.
    """
    with opened(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(errno.EFBIG, f"it has more than the limit of {MOST_BYTES >> 20} MiB")
    return data
