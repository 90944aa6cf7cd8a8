"""The words above the table for as long as the list is not all that the server has."""

from __future__ import annotations

from ..widgets.wrapped_label import WrappedLabel


class ListNotice:
    """Writes on ``ui.noticeLabel`` what the server says of its list."""

    def __init__(self, ui, browser, colors):
        self._label = ui.noticeLabel
        self._browser = browser
        self._colors = colors
        self._label.visible = False
        self._wrapping = WrappedLabel(self._label)

    def close(self):
        """Let go of the label."""
        self._wrapping.delete()

    def update(self):
        """Show the words of the last list."""
        text = self._browser.patients.redact(self._browser.images.listing.notice)
        if text == self._label.text and self._label.visible == bool(text):
            return
        self._label.text = text
        self._label.styleSheet = f"color: {self._colors.amber.name()}"
        self._label.visible = bool(text)
