"""Copying from the image table to the clipboard."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...codec import printable
from ..plurals import Plural
from ..widgets.row_copying import RowCopying
from .column_numbers import PREVIEW


class ImageCopying(RowCopying):
    """Copies the rows of the selected images, or their ids."""

    def __init__(self, view, model, columns, selection, browser, localeTexts, statusLine):
        done = Plural(localeTexts, _("1 image is copied."), _("{count} images are copied."))
        shown = lambda: [column for column in columns.shown() if column != PREVIEW]  # noqa: E731
        RowCopying.__init__(self, view, model, shown, done, statusLine)
        self._selection = selection
        self._redact = browser.patients.redact

    def copyIds(self):
        """Copy the ids of the selected images."""
        ids = self._selection.imageIds()
        self.copy(self._redact(printable(imageId)) for imageId in ids)
