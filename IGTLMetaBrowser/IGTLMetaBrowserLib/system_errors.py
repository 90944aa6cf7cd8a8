"""What the system says of what it could not do, in words, and what to do about it.

What helps follows from the error's number: of too many open files, no other folder does. Texts of
Python's (``[Errno 24] Too many open files: 'a.nrrd'``) are for programmers.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NO_ROOM = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
# These have nothing to do with what was to be opened, listened at or connected to.
_OF_ANYTHING = {
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "close other programs, or raise the system's limit of open files",
    errno.ENOMEM: "close other programs, or raise the limit of memory (ulimit)",
    errno.ENOBUFS: "close other programs, or raise the system's limits of memory for sockets",
}


def reason_of(error: BaseException | None) -> str:
    """Return what has happened: the system's words if it has said any, else those of the error."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


def nobody_reads(error: OSError) -> bool:
    """Whether something could not be written because its reader is gone, as ``| head`` is."""
    is_windows_way = os.name == "nt" and error.errno == errno.EINVAL
    return isinstance(error, BrokenPipeError) or is_windows_way


def with_advice(error: BaseException, advice: str) -> str:
    """Return what has happened, and what to try: ``advice``, unless the number says otherwise."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None)
    return f"{reason_of(error)}; {_OF_ANYTHING.get(number, advice)}"


def why_not_written(error: OSError, path: Path, what: str = "") -> str:
    """Return why a file cannot be written, and what to do; ``what`` it is comes before its path."""
    if error.errno in _NO_ROOM:
        reason = f"the disk of {str(path.parent)!r} is full; make room, or choose another folder"
    elif error.errno in _NOT_ALLOWED:
        # What is written beside its place has another name in the error.
        is_itself = error.filename == str(path) and os.path.exists(path)  # noqa: PTH110 - no errors
        whose = "it" if is_itself else f"the folder {str(path.parent)!r}"
        reason = (
            f"{whose} may not be written to ({reason_of(error)}); "
            f"change its permissions, or choose another {'file' if is_itself else 'folder'}"
        )
    elif error.errno == errno.EFBIG:
        reason = "files may not become so large there; raise the limit, or choose another folder"
    elif error.errno == errno.EEXIST and error.filename == str(path):
        reason = "there is one already; choose another name, or move it away"
    elif isinstance(error, BlockingIOError):
        reason = "another process is writing it; wait until it has finished"
    else:
        reason = with_advice(error, "check the folder, or choose another")
    return f"{what + ' ' if what else ''}{str(path)!r} cannot be written: {reason}"


def why_not_read(error: OSError, path: Path, what: str = "") -> str:
    """Return why a file cannot be read, and what to do; ``what`` it is comes before its path."""
    not_allowed = error.errno in _NOT_ALLOWED
    advice = "check who may read it" if not_allowed else "check the path, and who may read it"
    return f"{what + ' ' if what else ''}{str(path)!r} cannot be read: {with_advice(error, advice)}"
