"""Labels of one line, whatever is written on them: a long text is cut, and whole in the tool tip."""

from __future__ import annotations

import html

import qt


class ElidedLabel(qt.QObject):
    """Writes on ``label``, whose horizontal size policy is Ignored, so that it widens nothing."""

    def __init__(self, label):
        qt.QObject.__init__(self)
        self._label = label
        self._text = ""
        label.installEventFilter(self)

    def setText(self, text):
        """Show a text; nothing is shown of an empty one."""
        self._text = text
        self._label.toolTip = f"<p>{html.escape(text)}</p>" if text else ""
        self._label.visible = bool(text)
        self._elide()

    def eventFilter(self, watched, event):
        if event.type() == qt.QEvent.Resize:
            self._elide()
        return False

    def _elide(self):
        metrics = self._label.fontMetrics()
        shown = metrics.elidedText(self._text, qt.Qt.ElideRight, self._label.width)
        if self._label.text != shown:
            self._label.text = shown
