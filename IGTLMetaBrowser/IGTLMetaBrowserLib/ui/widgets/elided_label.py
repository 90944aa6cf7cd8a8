"""Labels of one line: a long text is cut, and whole in the tool tip."""

from __future__ import annotations

import html

import qt

from .resize_filter import ResizeFilter


class ElidedLabel:
    """Writes on ``label``, whose horizontal size policy is Ignored, so that it widens nothing."""

    def __init__(self, label):
        self._label = label
        self._text = ""
        self._resizing = ResizeFilter(self._elide)
        label.installEventFilter(self._resizing)

    def close(self):
        """Let go of the label."""
        self._resizing.delete()

    def setText(self, text):
        """Show a text; an empty one keeps its place beside what is in its row."""
        if text == self._text:
            return
        self._text = text
        self._label.toolTip = f"<p>{html.escape(text)}</p>" if text else ""
        self._elide()

    def _elide(self):
        metrics = self._label.fontMetrics()
        shown = metrics.elidedText(self._text, qt.Qt.ElideRight, self._label.width)
        if self._label.text != shown:
            self._label.text = shown
