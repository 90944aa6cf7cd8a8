"""Whether series on disk are still as they came, found out before they are read once more.

They are compared when they are opened (``fetcher``), and may stay open for weeks.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ....net.source import NotReadyError
from ..lists.queries import RETRY_SECONDS
from .fetched_series import OpenedSeries

if TYPE_CHECKING:
    from concurrent.futures import Future

# What is read comes in several turns, the first of which was just after the comparison.
SECONDS_BELIEVED = 5.0


class DiskChecks:
    """Compares in a thread of its own, one series at a time."""

    def __init__(self) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._executor = ThreadPoolExecutor(1, "disk check")
        self._is_closed = False
        self._running: WeakKeyDictionary[OpenedSeries, Future[bool]] = WeakKeyDictionary()
        self._checked_at: WeakKeyDictionary[OpenedSeries, float] = WeakKeyDictionary()

    def close(self) -> None:
        """End the comparison that runs after the file that is read."""
        self._is_closed = True
        self._executor.shutdown(cancel_futures=True)

    def is_unchanged(self, opened: OpenedSeries) -> bool:
        """Whether the files of a series are still as they came, or were some seconds ago.

        Raises ``NotReadyError`` while they are compared, and ``SourceError`` when this is closed.
        """
        since = time.monotonic() - self._checked_at.setdefault(opened, opened.opened_at)
        if opened in self._running:
            check = self._running[opened]
        elif opened.is_in_memory or since < SECONDS_BELIEVED:
            return True
        else:
            check = self._executor.submit(opened.cached.is_unchanged, lambda: self._is_closed)
            self._running[opened] = check
        if not check.done():
            raise NotReadyError(RETRY_SECONDS)
        del self._running[opened]
        self._checked_at[opened] = time.monotonic()
        return check.result()
