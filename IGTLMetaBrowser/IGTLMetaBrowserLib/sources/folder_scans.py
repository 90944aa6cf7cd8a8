"""When a folder that is served is looked at again: when clients ask for a list of what is in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar, cast

from ..net.source import NotReadyError
from .background import RETRY_SECONDS, Background

Result = TypeVar("Result")

# How long what was found is believed when clients ask for a list.
_SECONDS_BETWEEN_SCANS = 2.0
# How long who asks for a list waits for a scan; then the list of before has to do.
_SECONDS_FOR_A_SCAN = 1.0
_SCAN = "scan"


class FolderScans:
    """The scans of one folder, while one waits; or, if it is served, in a thread.

    It is their own: what is known of the folder is not to wait behind a scan, which can take
    minutes. ``close`` ends it. The folder has just been looked at.
    """

    def __init__(self, is_served: bool) -> None:
        self._background = Background() if is_served else None
        self._scanned = time.monotonic()  # or when the present scan began
        self._is_outdated = False

    def close(self, interrupt: Callable[[], None] = lambda: None) -> None:
        """End the thread, see ``Background.close``."""
        if self._background is not None:
            self._background.close(interrupt)

    def have_ended(self) -> bool:
        """Whether the thread uses nothing that belongs to the folder.

        Raises ``NotReadyError`` for a second at most: a scan that takes longer is not waited for.
        """
        if self._background is None or not self._background.is_busy(_SCAN):
            return True
        if time.monotonic() - self._scanned < _SECONDS_FOR_A_SCAN:
            raise NotReadyError(RETRY_SECONDS)
        return False

    def scan_next_time(self) -> None:
        """Believe nothing any more: what was found is known to be of before.

        Nor what a scan finds that has begun.
        """
        self._is_outdated = True

    def new(self, scan: Callable[[], Result | None]) -> Result | None:
        """Return what ``scan`` returns; None if it is too early for one, or it takes long.

        Raises what ``scan`` does, and ``NotReadyError`` for a second at most: a scan that takes
        longer is for the next who asks.
        """
        is_scanning = self._background is not None and self._background.is_begun(_SCAN)
        since = time.monotonic() - self._scanned
        if not is_scanning:
            if since <= _SECONDS_BETWEEN_SCANS and not self._is_outdated:
                return None
            self._scanned, since, self._is_outdated = time.monotonic(), 0.0, False
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
