"""Drives a browser from Qt's event loop: no threads, and no step takes long."""

from __future__ import annotations

import time

import qt


class Pump:
    """Calls ``browser.step`` when its socket is ready or its time has come.

    Call ``update`` after everything else that was done with the browser; ``close`` at the end.
    """

    def __init__(self, browser):
        self._browser = browser
        self._socket = None
        self._readNotifier = None
        self._writeNotifier = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._onTimeout)

    def close(self):
        """Wait for nothing any more."""
        self._timer.stop()
        self._releaseNotifiers()

    def update(self):
        """Wait for what the browser now waits for."""
        socket = self._browser.socket
        if socket is not self._socket:
            self._releaseNotifiers()
            if socket is not None:
                self._makeNotifiers(socket)
        if self._writeNotifier is not None:
            self._writeNotifier.setEnabled(self._browser.wants_write)
        deadline = self._browser.next_deadline
        if deadline is None:
            self._timer.stop()
        else:
            # One millisecond more: a timer that is early would find nothing to do.
            seconds = max(0.0, deadline - time.monotonic())
            self._timer.start(min(int(seconds * 1000) + (seconds > 0), 3_600_000))

    def _makeNotifiers(self, socket):
        self._socket = socket
        # With a parent, or PythonQt would delete them at once when they are let go of, which
        # happens in a slot of their own.
        number, parent = socket.fileno(), self._timer
        self._readNotifier = qt.QSocketNotifier(number, qt.QSocketNotifier.Read, parent)
        self._writeNotifier = qt.QSocketNotifier(number, qt.QSocketNotifier.Write, parent)
        self._readNotifier.activated.connect(self._onActivated)
        self._writeNotifier.activated.connect(self._onActivated)

    def _releaseNotifiers(self):
        for notifier in (self._readNotifier, self._writeNotifier):
            if notifier is not None:
                notifier.setEnabled(False)
                notifier.deleteLater()
        self._readNotifier = self._writeNotifier = self._socket = None

    def _onActivated(self, _descriptor=None, _type=None):
        self._step()

    def _onTimeout(self):
        self._step()

    def _step(self):
        try:
            self._browser.step()
        finally:
            self.update()
