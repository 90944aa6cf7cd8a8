"""When a folder that is served is looked at again: when clients ask for a list of what is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, cast

from ..net.source import NotReadyError

if TYPE_CHECKING:
    from .background import Background

Result = TypeVar("Result")

# How long what was found is believed when clients ask for a list.
_SECONDS_BETWEEN_SCANS = 2.0
# How long who asks for a list waits for a scan; then the list of before has to do.
_SECONDS_FOR_A_SCAN = 1.0
_SCAN = "scan"


class FolderScans:
    """The scans of one folder, in the thread of ``background``; without it, while one waits.

    The folder has just been looked at.
    """

    def __init__(self, background: Background | None) -> None:
        self._background = background
        self._scanned = time.monotonic()

    def is_busy(self) -> bool:
        """Whether the thread scans, or is going to."""
        return self._background is not None and self._background.is_busy(_SCAN)

    def scan_next_time(self) -> None:
        """Believe nothing any more: what was found is known to be of before."""
        self._scanned = -float("inf")

    def new(self, scan: Callable[[], Result | None]) -> Result | None:
        """Return what ``scan`` returns; None if it is too early for one, or it takes long.

        Raises what ``scan`` does, and ``NotReadyError`` for a second at most: a scan that takes
        longer is for the next who asks.
        """
        is_scanning = self._background is not None and self._background.is_begun(_SCAN)
        since = time.monotonic() - self._scanned
        if not is_scanning:
            if since <= _SECONDS_BETWEEN_SCANS:
                return None
            self._scanned, since = time.monotonic(), 0.0
        try:
            found = self._found(scan)
        except NotReadyError:
            if since < _SECONDS_FOR_A_SCAN:
                raise
            return None
        self._scanned = time.monotonic()
        return found

    def _found(self, scan: Callable[[], Result | None]) -> Result | None:
        if self._background is None:
            return scan()
        if not self._background.is_begun(_SCAN):
            self._background.begin(_SCAN, scan)
        return cast("Result | None", self._background.take(_SCAN))
