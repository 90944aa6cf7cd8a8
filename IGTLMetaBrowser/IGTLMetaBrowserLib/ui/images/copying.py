"""Copying from the image table to the clipboard."""

from __future__ import annotations

import time

import qt
from slicer.i18n import tr as _

from ...codec import printable
from ..plurals import Plural
from ..timers import SingleShotTimer
from ..widgets.table_views import selectedRows
from .table import PREVIEW

_SECONDS_A_TURN = 0.01


class ImageCopying:
    """Copies the selected images, each as a line: many of them in turns.

    If the table changes before all have had theirs, nothing is copied.
    """

    def __init__(self, view, model, columns, selection, browser, localeTexts, statusLine):
        self._view = view
        self._model = model
        self._columns = columns
        self._selection = selection
        self._redact = browser.patients.redact
        self._statusLine = statusLine
        self._done = Plural(localeTexts, _("1 image is copied."), _("{count} images are copied."))
        self._lines, self._copied = iter(()), []
        self._timer = SingleShotTimer(self._goOn)
        model.modelReset.connect(self._onModelReset)

    def close(self):
        """Copy nothing any more."""
        self._timer.close()

    def copyIds(self):
        """Copy the ids of the selected images."""
        ids = self._selection.imageIds()
        self._begin(self._redact(printable(imageId)) for imageId in ids)

    def copyRows(self):
        """Copy the selected rows with the columns that are shown, with tabs between them."""
        columns = [column for column in self._columns.shown() if column != PREVIEW]
        self._begin(self._model.lines([row], columns) for row in selectedRows(self._view))

    def _begin(self, lines):
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
