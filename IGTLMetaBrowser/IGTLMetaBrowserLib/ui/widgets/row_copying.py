"""Copying rows of a table to the clipboard: many of them in turns."""

from __future__ import annotations

import time

import qt
from slicer.i18n import tr as _

from ..timers import SingleShotTimer
from .table_views import selectedRows

_SECONDS_A_TURN = 0.01


class RowCopying:
    """Copies what is selected in ``view``, each row as a line.

    ``columns`` returns those to copy, from left to right. If the table changes before all rows have
    had their turn, nothing is copied. ``done`` returns what is said then of a number of them.
    """

    def __init__(self, view, model, columns, done, statusLine):
        self._view = view
        self._model = model
        self._columns = columns
        self._done = done
        self._statusLine = statusLine
        self._lines, self._copied = iter(()), []
        self._timer = SingleShotTimer(self._goOn)
        model.modelReset.connect(self._onModelReset)

    def close(self):
        """Copy nothing any more."""
        self._timer.close()

    def copyRows(self):
        """Copy the selected rows, with tabs between their cells."""
        columns = self._columns()
        self.copy(self._model.lines([row], columns) for row in selectedRows(self._view))

    def copy(self, lines):
        """Copy what an iterator returns of each selected row."""
        self._lines, self._copied = lines, []
        if not self._isDone():
            self._statusLine.show(_("Copying …"))

    def _goOn(self):
        if self._isDone():
            self._statusLine.show(self._done(len(self._copied)))

    def _isDone(self):
        """Make lines for one turn; copy them if these were the last, or go on in the next turn."""
        end = time.monotonic() + _SECONDS_A_TURN
        for line in self._lines:
            self._copied.append(line)
            if time.monotonic() > end:
                self._timer.start()
                return False
        if self._copied:
            qt.QApplication.clipboard().setText("\n".join(self._copied))
        return True

    def _onModelReset(self):
        if self._timer.isActive():
            self._timer.stop()
            self._statusLine.show(_("Nothing was copied, as the table has changed; copy again."))
