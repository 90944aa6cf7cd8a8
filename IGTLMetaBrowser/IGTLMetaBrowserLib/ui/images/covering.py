"""What shows a long list is made in turns of the event loop, such as the pseudonyms of patients."""

from __future__ import annotations

import time

from ..timers import SingleShotTimer

# What shows so many entries is made in 20 ms; that of more of them in turns.
_MADE_AT_ONCE = 5_000
_TURN_SECONDS = 0.008


class ListCovering:
    """Makes ``Listing.table`` if that was not done, or patients are hidden or shown since.

    ``onDone`` is called when the list can be shown. ``browser`` prepares lists that arrive.
    """

    def __init__(self, browser, onDone):
        self._browser = browser
        self._listing = None
        self._work = None
        self._timer = SingleShotTimer(self._goOn)
        self._doneTimer = SingleShotTimer(onDone)  # to show the list is a turn of its own

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()
        self._doneTimer.close()

    def isDone(self, listing, images):
        """Whether a list can be shown at once; if not, what is needed is begun, or goes on.

        ``images`` is the ``ImageList`` that was shown last.
        """
        entries, patients = listing.entries, self._browser.patients
        known = [table for table in (images, listing.table) if table is not None]
        isKnown = any(table.is_of(entries, patients) for table in known)
        if isKnown or len(entries) <= _MADE_AT_ONCE:
            self._work = self._listing = None
            self._timer.stop()
            self._doneTimer.stop()
            return True
        if self._work is None or self._listing is not listing:
            self._listing, self._work = listing, listing.prepare_table(patients)
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
        self._doneTimer.start()
