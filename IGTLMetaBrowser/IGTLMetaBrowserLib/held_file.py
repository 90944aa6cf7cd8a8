"""A file that a process holds while it works beside it, and by which others know that it does.

However the process ends, the system lets go of it: nothing of it has to be counted or written, and
no clock is asked. Where the file system knows no locks (see ``whole_file``), there is no such file,
and nobody can tell.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import BinaryIO

from .whole_file import lock


def hold(path: Path) -> BinaryIO | None:
    """Make a file that is held until it is closed; None where nobody could tell.

    Raises ``OSError``.
    """
    if os.name == "nt":
        return path.open("xb")  # it cannot be removed until it is closed
    new = path.with_name(f".{path.name}")
    file = new.open("xb")
    try:
        lock(file)
        new.rename(path)  # now it is locked: nobody finds it while it is not
    except OSError:
        file.close()
        new.unlink(missing_ok=True)
        return None
    return file


def is_left(path: Path) -> bool:
    """Whether the process that has held a file is gone; not if there is none, or none can tell."""
    with contextlib.suppress(OSError):
        if os.name == "nt":
            path.unlink()
            return True
        with path.open("r+b") as file:
            lock(file)
            return True
    return False
