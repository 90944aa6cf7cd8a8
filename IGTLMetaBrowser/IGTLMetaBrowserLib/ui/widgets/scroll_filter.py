"""Scrolling by dragging in a widget, or by the wheel above it."""

from __future__ import annotations

import qt

# Of the wheel: eighths of a degree (QWheelEvent), one step of most mice is 15 degrees.
_STEP = 120


class ScrollFilter(qt.QObject):
    """An event filter of ``widget``.

    ``onDragged`` is called with how far the mouse was dragged up, in heights of the widget, and
    ``onTurned`` with steps of the wheel; ``onDoubleClicked`` and ``onResized`` with nothing.
    """

    def __init__(self, widget, onDragged, onTurned, onDoubleClicked, onResized):
        qt.QObject.__init__(self)
        self._widget = widget
        self._onDragged = onDragged
        self._onTurned = onTurned
        self._actions = {
            int(qt.QEvent.MouseButtonDblClick): onDoubleClicked,
            int(qt.QEvent.Resize): onResized,
        }
        self._lastY = None
        widget.installEventFilter(self)

    def close(self):
        """Watch no longer."""
        self._widget.removeEventFilter(self)
        self.delete()

    def eventFilter(self, watched, event):
        kind = int(event.type())
        if kind == int(qt.QEvent.Wheel):
            self._onTurned(event.angleDelta().y() / _STEP)
            return True  # the panel does not scroll as well
        if kind == int(qt.QEvent.MouseButtonPress):
            self._lastY = event.pos().y()
            return True
        if kind == int(qt.QEvent.MouseMove) and self._lastY is not None:
            y = event.pos().y()
            self._onDragged((self._lastY - y) / max(1, watched.height))
            self._lastY = y
            return True
        if kind == int(qt.QEvent.MouseButtonRelease):
            self._lastY = None
        action = self._actions.get(kind)
        if action is not None:
            action()
        return kind == int(qt.QEvent.MouseButtonDblClick)
