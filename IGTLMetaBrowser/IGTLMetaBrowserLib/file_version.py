"""By what a file is told from another that has been, or will be, in its place.

Size and time are not enough: another patient's file may have both of this one. ``cp -p`` and
exports set a time, and some file systems have no more than even seconds. A file's number, and when
the system has last changed what it knows of the file, nobody sets. Some network and removable file
systems make up a number whenever they look a file up: then a file that has not changed is read
again, which is better than to take one for another.
"""

from __future__ import annotations

import os
from typing import NamedTuple

# What SQLite holds of a number. Numbers of files have a bit more, and times can be set to any.
_BITS = 2**63 - 1


class FileVersion(NamedTuple):
    """Size in bytes, when it was last written (ns), its number, and when that was last changed.

    All but the size are 0 if they are not known, as of a file that was read before it was written.
    On Windows the last is when the file was made.
    """

    size: int
    mtime_ns: int = 0
    inode: int = 0
    ctime_ns: int = 0

    def may_be(self, other: FileVersion) -> bool:
        """Whether nothing that is known of both is different."""
        if any(self[1:]) and any(other[1:]):
            return self == other
        return self.size == other.size


def version_of(status: os.stat_result) -> FileVersion:
    """Return the version of a file of which the system says this (``os.stat``)."""
    size, modified, changed = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    # As FileVersion(...), in two thirds of the time: a scan makes one of each file.
    return tuple.__new__(
        FileVersion, (size, modified & _BITS, status.st_ino & _BITS, changed & _BITS)
    )
