"""Lists the files below a folder, with what shows whether they have changed.

Folders are not followed through links, which may lead in a circle; files are. All paths and names
are bytes, as the operating system has them.
"""
# ruff: noqa: PTH118 - pathlib has no paths of bytes

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator
from typing import NamedTuple

from .header_reader import OTHER, REFUSED

_NOT_KNOWN = -1
# What SQLite holds: the year 2262. File systems have later ones, and anybody can set them.
_LATEST_NS = 2**63 - 1


class Entry(NamedTuple):
    """A file in a folder. ``kind`` is empty if it takes reading to know it.

    The name is empty if it is the folder itself that cannot be read; size and time are -1 if
    they are not known.
    """

    name: bytes
    size: int
    mtime_ns: int
    kind: str = ""
    reason: str = ""


def walk(root: bytes, ignored: Collection[bytes]) -> Iterator[tuple[bytes, Iterator[Entry]]]:
    """Yield the folders below ``root``, itself included, as relative paths, and what files are in.

    The files of each are to be taken before the next folder is. Those whose whole paths are in
    ``ignored`` are left out.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        yield folder, _entries(os.path.join(root, folder), folder, waiting, ignored)


def files_in(root: bytes, folder: bytes, ignored: Collection[bytes]) -> Iterator[Entry]:
    """Yield the files that ``walk`` gives for one folder."""
    return _entries(os.path.join(root, folder), folder, [], ignored)


def _entries(
    path: bytes, folder: bytes, folders: list[bytes], ignored: Collection[bytes]
) -> Iterator[Entry]:
    """Yield the files in ``path``, and add the folders in it to ``folders``."""
    try:
        with os.scandir(path) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(os.path.join(folder, entry.name))
                elif entry.path not in ignored:
                    yield _entry(entry)
    except OSError as error:
        reason = f"its files cannot be listed: {error.strerror or error}"
        yield Entry(b"", _NOT_KNOWN, _NOT_KNOWN, REFUSED, reason)


def _entry(found: os.DirEntry[bytes]) -> Entry:
    try:
        status = found.stat()
    except OSError as error:  # gone since it was listed, or a link to nothing
        reason = f"cannot be read: {error.strerror or error}"
        return Entry(found.name, _NOT_KNOWN, _NOT_KNOWN, REFUSED, reason)
    # Pipes and devices are not read: one might wait for them for ever.
    kind = "" if stat.S_ISREG(status.st_mode) else OTHER
    return Entry(found.name, status.st_size, modified_ns(status), kind)


def modified_ns(status: os.stat_result) -> int:
    """Return when a file was last written, in ns since 1970, as the index has it."""
    return min(status.st_mtime_ns, _LATEST_NS)
