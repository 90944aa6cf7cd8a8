"""Files that are written as a whole or not at all, whatever happens meanwhile.

A file is written beside its place, under a name that begins with a dot and ends in ``.part``,
brought to the disk, and then renamed: nobody sees half of it, and an older file stays until the new
one is there. What a process left that was killed is removed by the next one that writes into the
folder. A file that replaces another has its permissions, and its owner and group if the system lets
them be kept; of a symbolic link it replaces the file that the link leads to.

Some network file systems know no locks (NFS without its lock service, Lustre as it is often
mounted): there, what was left is not removed, as its process may be alive.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from .regular_file import NO_FILE

_cleaned: set[Path] = set()
# What file systems answer that do not know what they are asked for.
_NOT_POSSIBLE = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
_NO_LOCKS = {*_NOT_POSSIBLE, errno.ENOLCK}


@contextlib.contextmanager
def replaced_at_end(
    path: Path, part: Path | None = None, *, is_synced: bool = True
) -> Iterator[Path]:
    """Yield the path of an empty file to write to; it becomes ``path`` when the block ends.

    If the block raises, it is removed. ``part`` is its path, if it must have a certain one: then
    only one process at a time can write it, and others get ``BlockingIOError``. What is not
    ``is_synced`` is not waited for until it is on the disk: after a power cut, a file can be
    damaged. Raises ``OSError``.
    """
    replaced = _replaced(path)
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    if part is None:
        _remove_left_overs(path.parent, path.suffix)
    part, file = _open_locked(path, part, 0o666 if replaced is None else 0o600)
    with file:  # as long as it is locked, it belongs to somebody who is alive
        try:
            yield part
            if replaced is not None:
                _hand_over(part, file, replaced)
            if is_synced:
                _sync(file.fileno())
            _close_on_windows(file)
            part.replace(path)
        except BaseException:
            _close_on_windows(file)
            part.unlink(missing_ok=True)
            raise
    if is_synced:
        _sync_folder(path.parent)


def _remove_left_overs(folder: Path, suffix: str) -> None:
    """Remove the unfinished files of processes that are gone, once for each folder."""
    if (key := folder / f"*{suffix}") in _cleaned:
        return
    _cleaned.add(key)
    left_over = re.compile(rf"\..+{re.escape(suffix)}\.\d+\.[0-9a-f]{{8}}\.part")
    with contextlib.suppress(OSError):
        for path in [path for path in folder.iterdir() if left_over.fullmatch(path.name)]:
            # Of a process that is alive it is locked; on Windows it cannot be removed then.
            with contextlib.suppress(OSError), path.open("rb") as file:
                lock(file)
                _close_on_windows(file)
                path.unlink()


def _replaced(path: Path) -> os.stat_result | None:
    """Return what the system knows of the file that is there, or None if there is none.

    Raises ``OSError`` if it is no file: a pipe or a device would be gone, and whoever waits for it
    would get nothing.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, NO_FILE, str(path))
    return found


def _hand_over(part: Path, file: BinaryIO, replaced: os.stat_result) -> None:
    """Give a file the owner, the group and the permissions of another, as far as is allowed.

    The file that is open, and not what has its path by now: in a folder of somebody else, that
    could be a link to a file of the system.
    """
    mode = stat.S_IMODE(replaced.st_mode) & 0o777
    if not hasattr(os, "fchown"):  # Windows, which has neither
        with contextlib.suppress(OSError):
            part.chmod(mode)
        return
    for owner, group in ((replaced.st_uid, -1), (-1, replaced.st_gid)):
        with contextlib.suppress(OSError):
            os.fchown(file.fileno(), owner, group)
    with contextlib.suppress(OSError):
        os.fchmod(file.fileno(), mode)


def _open_locked(path: Path, part: Path | None, mode: int) -> tuple[Path, BinaryIO]:
    """Open an empty file that nobody else writes, and lock it. Raises ``OSError``.

    The number of the process is not enough for a name of its own: containers that share a folder
    have the same ones.
    """
    while True:
        name = f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part"
        own = part or path.with_name(name)
        if part and os.name == "nt":
            return own, _opened_alone_on_windows(own)
        # "x" opens only what is new, "a" does not truncate what another process may be writing.
        file = open(own, "ab" if part else "xb", opener=partial(os.open, mode=mode))  # noqa: SIM115
        try:
            lock(file)
            if _is_at(own, file):
                file.truncate(0)
                return own, file
        except BlockingIOError:
            if part:
                file.close()
                raise
        except OSError as error:
            if not part and error.errno in _NO_LOCKS:
                return own, file  # nobody else has a file of this name
            file.close()
            if not part:
                own.unlink(missing_ok=True)
            raise
        file.close()  # another process took it for a left-over, or has just renamed it


def _opened_alone_on_windows(path: Path) -> BinaryIO:
    """Open an empty file; raise ``BlockingIOError`` if another process has it open.

    It could not be removed then, which is as good as a lock.
    """
    try:
        path.unlink(missing_ok=True)
        return path.open("xb")
    except (PermissionError, FileExistsError) as error:
        if not path.exists():
            raise
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), str(path)) from error


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether an open file still has this path."""
    if os.name == "nt":
        return True  # Windows removes and renames no file that somebody has open
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _close_on_windows(file: BinaryIO) -> None:
    """Close a file that is to be renamed or removed, where it has to be; elsewhere it stays locked
    until that is done."""
    if os.name == "nt":
        file.close()


def lock(file: BinaryIO) -> None:
    """Lock a file for this process. Raises ``OSError`` if another one has locked it."""
    try:
        import fcntl
    except ImportError:
        return  # Windows removes no file that somebody has open
    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync(number: int) -> None:
    """Bring a file to the disk, if its file system can. Raises ``OSError`` if the disk is full."""
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in _NOT_POSSIBLE:
            raise


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, too, if the system can."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
