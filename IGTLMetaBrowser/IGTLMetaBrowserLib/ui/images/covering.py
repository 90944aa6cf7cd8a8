"""Covering the names of patients in a long list, in turns of the event loop."""

from __future__ import annotations

import time

from ...privacy.redacted_list import is_redacted, redact_in_turns
from ..timers import SingleShotTimer

# So many entries are redacted in 10 ms; more of them in turns.
_COVERED_AT_ONCE = 3_000
_TURN_SECONDS = 0.008


class ListCovering:
    """Redacts a list of ``browser``; ``onDone`` is called when it can be shown."""

    def __init__(self, browser, onDone):
        self._browser = browser
        self._onDone = onDone
        self._entries = None
        self._work = None
        self._timer = SingleShotTimer(self._goOn)

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()

    @property
    def isActive(self):
        """Whether a list is being redacted."""
        return self._work is not None

    def isDone(self, entries, tables):
        """Whether a list can be shown at once: if not, that is begun, or goes on.

        ``tables`` are the ``EntryTable`` or ``ImageList`` that may have it as it is to be seen.
        """
        patients = self._browser.patients
        isShort = not patients.is_hidden or len(entries) <= _COVERED_AT_ONCE
        if isShort or any(table.is_of(entries, patients) for table in tables if table is not None):
            self._work = self._entries = None
            self._timer.stop()
            return True
        if self._work is None or self._entries is not entries:
            self._entries, self._work = entries, redact_in_turns(entries, patients)
        if is_redacted(entries, patients):
            self._work = self._entries = None
            return True
        self._timer.start()
        return False

    def _goOn(self):
        if self._work is None:
            return
        end = time.monotonic() + _TURN_SECONDS
        if any(time.monotonic() >= end for _turn in self._work):
            self._timer.start()
            return
        self._work = None  # it begins again if more patients have become known meanwhile
        self._onDone()
