"""Lists the files below a folder, with what shows whether they have changed.

Folders are not followed through links, which may lead in a circle; files are. All paths and names
are bytes, as the operating system has them.
"""
# ruff: noqa: PTH116, PTH118, PTH119, PTH120 - pathlib has no paths of bytes

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from ..file_version import FileVersion, version_of
from ..system_errors import reason_of
from .headers.header_reader import OTHER, REFUSED

_NOT_KNOWN = FileVersion(-1)
# Windows lists folders without the numbers of files (os.DirEntry.stat).
_ARE_LISTED_WITH_NUMBERS = os.name != "nt"


class FolderEntry(NamedTuple):
    """A file in a folder. ``kind`` is empty if it takes reading to know it.

    The name is empty if it is the folder itself that cannot be read; the size is -1 if it is not
    known.
    """

    name: bytes
    version: FileVersion
    kind: str = ""
    reason: str = ""


def walk(root: bytes, ignored: Collection[bytes]) -> Iterator[tuple[bytes, Iterator[FolderEntry]]]:
    """Yield the folders below ``root``, itself included, as relative paths, and what files are in.

    The files of each are to be taken before the next folder is. Those whose whole paths are in
    ``ignored`` are left out. Raises ``OSError`` if ``root`` itself cannot be listed: a share that
    is away has not lost its files.
    """
    waiting = [b""]
    while waiting:
        folder = waiting.pop()
        yield folder, _entries(os.path.join(root, folder), folder, waiting, ignored)


def files_in(root: bytes, folder: bytes, ignored: Collection[bytes]) -> Iterator[FolderEntry]:
    """Yield the files that ``walk`` gives for one folder. Raises ``OSError`` as that does."""
    return _entries(os.path.join(root, folder), folder, [], ignored)


def _entries(
    path: bytes, folder: bytes, folders: list[bytes], ignored: Collection[bytes]
) -> Iterator[FolderEntry]:
    """Yield the files in ``path``, and add the folders in it to ``folders``."""
    own = {os.path.basename(one) for one in ignored if _folder_of(one) == os.path.join(path, b"")}
    try:
        with os.scandir(path) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(os.path.join(folder, entry.name))
                elif entry.name not in own:
                    yield _entry(entry)
    except OSError as error:
        if not folder:
            raise
        reason = f"its files cannot be listed: {reason_of(error)}"
        yield FolderEntry(b"", _NOT_KNOWN, REFUSED, reason)


def _folder_of(path: bytes) -> bytes:
    return os.path.join(os.path.dirname(path), b"")


def _entry(found: os.DirEntry[bytes]) -> FolderEntry:
    try:
        status = found.stat() if _ARE_LISTED_WITH_NUMBERS else os.stat(found.path)
    except OSError as error:  # gone since it was listed, or a link to nothing
        reason = f"cannot be read: {reason_of(error)}"
        return FolderEntry(found.name, _NOT_KNOWN, REFUSED, reason)
    # Pipes and devices are not read: one might wait for them for ever.
    kind = "" if found.is_file() else OTHER
    return FolderEntry(found.name, version_of(status), kind)
