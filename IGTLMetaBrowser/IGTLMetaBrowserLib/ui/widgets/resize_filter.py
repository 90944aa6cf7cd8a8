"""What is to happen when a widget gets another size."""

from __future__ import annotations

import qt


class ResizeFilter(qt.QObject):
    """An event filter that calls ``onResized`` when a widget has another size."""

    def __init__(self, onResized):
        qt.QObject.__init__(self)
        self._onResized = onResized

    def eventFilter(self, watched, event):
        if event.type() == qt.QEvent.Resize:
            self._onResized()
        return False
