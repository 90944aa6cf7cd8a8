"""Files that are written as a whole or not at all, whatever happens meanwhile.

A file is written beside its place, under a name that begins with a dot and ends in ``.part``,
brought to the disk, and then renamed: nobody sees half of it, and an older file stays until the new
one is there. What a process left that was killed is removed by the next one that writes into the
folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_cleaned: set[Path] = set()


@contextlib.contextmanager
def replaced_at_end(
    path: Path, part: Path | None = None, *, is_synced: bool = True
) -> Iterator[Path]:
    """Yield the path of an empty file to write to; it becomes ``path`` when the block ends.

    If the block raises, it is removed. ``part`` is its path, if it must have a certain one. What is
    not ``is_synced`` is not waited for until it is on the disk: after a power cut, a file can be
    damaged. Raises ``OSError``.
    """
    if part is None:
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        _remove_left_overs(path.parent, path.suffix)
    try:
        with part.open("wb") as file:
            _lock(file)  # as long as it is, it belongs to somebody who is alive
            yield part
            if is_synced:
                os.fsync(file.fileno())
        part.replace(path)
        if is_synced:
            _sync_folder(path.parent)
    finally:
        part.unlink(missing_ok=True)


def why(error: OSError, path: Path) -> str:
    """Return in words why a file cannot be written, and what to do about it."""
    if error.errno in _NO_ROOM:
        reason = f"the disk of {str(path.parent)!r} is full; make room, or choose another folder"
    elif error.errno in _NOT_ALLOWED:
        reason = (
            f"the folder {str(path.parent)!r} may not be written to ({error.strerror}); "
            "change its permissions, or choose another folder"
        )
    elif error.errno == errno.EFBIG:
        reason = "files may not become so large there; raise the limit, or choose another folder"
    else:
        reason = f"{error.strerror or error}; check the folder, or choose another"
    return f"{str(path)!r} cannot be written: {reason}"


def _remove_left_overs(folder: Path, suffix: str) -> None:
    """Remove the unfinished files of processes that are gone, once for each folder."""
    if (key := folder / f"*{suffix}") in _cleaned:
        return
    _cleaned.add(key)
    left_over = re.compile(rf"\..+{re.escape(suffix)}\.\d+\.part")
    with contextlib.suppress(OSError):
        for path in [path for path in folder.iterdir() if left_over.fullmatch(path.name)]:
            # Of a process that is alive it is locked; on Windows it cannot be removed then.
            with contextlib.suppress(OSError), path.open("rb") as file:
                _lock(file)
                path.unlink()


def _lock(file: BinaryIO) -> None:
    """Lock a file for this process. Raises ``OSError`` if another one has locked it."""
    try:
        import fcntl
    except ImportError:
        return  # Windows removes no file that somebody has open
    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, too, if the system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
