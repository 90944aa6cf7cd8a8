"""Network work in Qt's event loop: no threads, and no step takes long."""

from __future__ import annotations

import time
from selectors import EVENT_READ, EVENT_WRITE

import qt
import slicer

# QTimer counts milliseconds in an int: 24 days, and a deadline may be later or infinite.
_LONGEST_PAUSE_MS = 3_600_000
# Others that have kept the event loop for longer, as drawing does, are followed first by those who
# waited for them as well; but network work waits no longer than this for its next step.
_LATE_SECONDS = 0.01
_LONGEST_WAIT_SECONDS = 0.15
_SCENE_CHANGE_MS = 20


class Pump:
    """Calls ``worker.step`` when one of its sockets is ready or its time has come.

    ``worker`` is a ``Browser`` or a ``net.Server``: its ``sockets`` say what to wait for, its
    ``next_deadline`` how long.

    Call ``update`` after everything else that was done with the worker; ``close`` at the end.

    No step is made while the scene is being loaded, closed or brought back: what a step put into it
    would be there twice, or the older voxels of a file would come over it. Slicer shows a progress
    dialog meanwhile, in which the event loop goes on.

    Steps are made by a timer alone. A socket that is always ready would be served twice in a turn
    of Qt's event loop before the timers of others have theirs, and so it only starts this timer.
    """

    def __init__(self, worker):
        self.worker = worker
        self._notifiers = Notifiers(self._onReady)
        self._isStepping = False
        self._isClosed = False
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._onTime)
        self._dueAt = self._steppedAt = 0.0

    def close(self):
        """Wait for nothing any more, for good; also in the middle of a step."""
        self._waitForNothing()
        if not self._isClosed:
            self._isClosed = True
            # In Slicer, a timer keeps alive whom it calls; that one keeps the timer.
            self._timer.timeout.disconnect(self._onTime)

    def update(self):
        """Wait for what the worker now waits for."""
        if self._isClosed:
            return
        self._notifiers.watch(self.worker.sockets)
        deadline = self.worker.next_deadline
        if deadline is None:
            self._timer.stop()
            return
        # One millisecond more: a timer that is early finds nothing to do, and is started again.
        seconds = max(0.0, deadline - time.monotonic())
        self._start(min(int(seconds * 1000) + (seconds > 0), _LONGEST_PAUSE_MS))

    def step(self):
        """Do what can be done without waiting."""
        if self._isStepping:
            # An observer has opened a dialog, in which the event loop goes
            # on: the step that is under way is ended first.
            self._waitForNothing()
            return
        self._isStepping = True
        try:
            self.worker.step()
        finally:
            self._isStepping = False
            self._steppedAt = time.monotonic()
            self.update()

    def _onTime(self):
        """Step, or give way to others who have waited as well."""
        if _isSceneChanging():
            self._start(_SCENE_CHANGE_MS)
            return
        now = time.monotonic()
        isLate = now - self._dueAt > _LATE_SECONDS
        if isLate and now - self._steppedAt < _LONGEST_WAIT_SECONDS:
            self._start(0)
        else:
            self.step()

    def _start(self, milliseconds):
        self._dueAt = time.monotonic() + milliseconds / 1000
        self._timer.start(milliseconds)

    def _waitForNothing(self):
        self._timer.stop()
        self._notifiers.watch({})

    def _onReady(self):
        self._notifiers.pause()
        self._start(0)


def _isSceneChanging():
    scene = slicer.mrmlScene
    return bool(scene.IsImporting() or scene.IsClosing() or scene.IsRestoring())


class Notifiers:
    """The QSocketNotifiers of a changing set of sockets; each calls ``onReady``."""

    def __init__(self, onReady):
        # No method: of each connection to one, PySide6 keeps a weak reference for good.
        self._onActivated = lambda *_descriptorAndType: onReady()
        # With a parent, or PythonQt would delete notifiers at once when they are let go of, which
        # happens in a slot of their own.
        self._parent = qt.QObject()
        self._ofSocket = {}

    def watch(self, sockets):
        """Wait for these sockets, a dictionary with what to wait for, and no others."""
        # First those that are gone: the number of a closed socket may be that of a new one.
        for socket in [socket for socket in self._ofSocket if socket not in sockets]:
            for notifier in self._ofSocket.pop(socket).values():
                notifier.setEnabled(False)
                notifier.deleteLater()
        for socket, events in sockets.items():
            if socket not in self._ofSocket:
                self._ofSocket[socket] = self._makeNotifiers(socket)
            for event, notifier in self._ofSocket[socket].items():
                notifier.setEnabled(bool(events & event))

    def pause(self):
        """Wait for none of them, until ``watch`` is called again."""
        for notifiers in self._ofSocket.values():
            for notifier in notifiers.values():
                notifier.setEnabled(False)

    def _makeNotifiers(self, socket):
        types = {EVENT_READ: qt.QSocketNotifier.Read, EVENT_WRITE: qt.QSocketNotifier.Write}
        notifiers = {}
        for event, notifierType in types.items():
            notifier = qt.QSocketNotifier(socket.fileno(), notifierType, self._parent)
            notifier.activated.connect(self._onActivated)
            notifiers[event] = notifier
        return notifiers
