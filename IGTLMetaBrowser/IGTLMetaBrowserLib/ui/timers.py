"""Timers that end with their owner."""

from __future__ import annotations

import qt


class SingleShotTimer:
    """Calls ``callback`` once, so many milliseconds after ``start``; each start begins anew."""

    def __init__(self, callback):
        self._callback = callback
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(callback)

    def isActive(self):
        """Whether a call is due."""
        return self._timer.isActive()

    def start(self, milliseconds=0):
        """Call back after that time, and not when an earlier start would have done so."""
        self._timer.start(milliseconds)

    def startIfIdle(self, milliseconds):
        """Call back after that time at the latest: a call that is due already stays due."""
        if not self._timer.isActive():
            self._timer.start(milliseconds)

    def stop(self):
        """Do not call back."""
        self._timer.stop()

    def close(self):
        """Do not call back any more, for good."""
        self._timer.stop()
        # In PythonQt a connected signal and the owner of the method keep each other alive.
        if self._callback is not None:
            self._timer.timeout.disconnect(self._callback)
            self._callback = None
