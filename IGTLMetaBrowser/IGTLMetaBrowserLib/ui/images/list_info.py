"""The line above the image table: when the list was read, and what all images have in common."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..widgets.elided_label import ElidedLabel


class ListInfo:
    """Writes on ``label``; what all images have in common is ``columns.common``."""

    def __init__(self, label, browser, columns, localeTexts):
        self._label = ElidedLabel(label)
        self._browser = browser
        self._columns = columns
        self._localeTexts = localeTexts
        self._shown = None
        self._listed = _("Read at {moment}")
        self._noList = _("This server offers no list of images")
        self._listedBefore = _("Read at {moment}; not connected now")
        self._common = _("All images: {values}")

    def close(self):
        """Let go of the label."""
        self._label.close()

    def update(self):
        """Show it as it is now."""
        parts = [self._commonText(), self._listedText()]
        if not self._isConnected:
            parts.reverse()  # the end may be cut
        text = ". ".join(filter(None, parts))
        if text != self._shown:
            self._shown = text
            self._label.setText(text)

    @property
    def _isConnected(self):
        return self._browser.connection.is_connected

    def _listedText(self):
        moment = self._browser.images.listing.listed_at
        if moment is None:
            return self._noList if self._browser.images.list_requests.is_unanswered else ""
        text = self._listed if self._isConnected else self._listedBefore
        return text.format(moment=self._localeTexts.recentMoment(moment))

    def _commonText(self):
        values = [*filter(None, self._columns.common)]
        return self._common.format(values=" · ".join(values)) if values else ""
