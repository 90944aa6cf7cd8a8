"""What stands in a table without rows."""

from __future__ import annotations

import qt


class EmptyTableText:
    """Says in the middle of ``view`` why it has no rows, and what to do."""

    def __init__(self, view):
        viewport = view.viewport()
        self._label = qt.QLabel(viewport)
        self._label.wordWrap = True
        self._label.alignment = qt.Qt.AlignCenter
        self._label.enabled = False  # in the color of placeholders, in any style
        self._label.setAttribute(qt.Qt.WA_TransparentForMouseEvents)
        # Neither the viewport nor Slicer keeps it alive for Python.
        self._layout = qt.QVBoxLayout(viewport)
        self._layout.setContentsMargins(4, 0, 4, 0)
        self._layout.addWidget(self._label)
        self._label.visible = False

    def show(self, text):
        """Show a text, or nothing."""
        if self._label.text != text:
            self._label.text = text
        if self._label.isHidden() == (text != ""):
            self._label.visible = text != ""
