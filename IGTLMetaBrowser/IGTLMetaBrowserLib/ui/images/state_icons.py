"""The icons of the image table: how far an image has come, and whether a group is open."""

from __future__ import annotations

import qt

_SIZE = 16
_PIXELS = 32  # sharp on screens of twice the usual density, too
_FRACTION_STEPS = 16


class StateIcons:
    """Icons in ``colors``, a StateColors. Each has a shape of its own, for who sees no colors."""

    def __init__(self, colors):
        self._colors = colors
        self._icons = {}

    def loaded(self, hasNotes):
        """A check mark, with a dot beside it if there is more to say."""
        return self._icon("loaded", self._colors.green, hasNotes)

    def waiting(self):
        """Three dots."""
        return self._icon("waiting", self._colors.plain)

    def loading(self, fraction):
        """A disk that fills up."""
        step = round(min(max(fraction, 0.0), 1.0) * _FRACTION_STEPS)
        return self._icon("loading", self._colors.blue, step / _FRACTION_STEPS)

    def failed(self):
        """A cross."""
        return self._icon("failed", self._colors.red)

    def cancelled(self):
        """A circle with a bar."""
        return self._icon("cancelled", self._colors.faint)

    def live(self):
        """A dot, as of a recorder."""
        return self._icon("live", self._colors.blue)

    def unusable(self):
        """A dash."""
        return self._icon("unusable", self._colors.faint)

    def arrow(self, isOpen):
        """A triangle to the right, or downward."""
        return self._icon("open" if isOpen else "closed", self._colors.plain)

    def _icon(self, shape, color, detail=None):
        key = (shape, color.name(), detail)
        if key not in self._icons:
            self._icons[key] = self._draw(_SHAPES[shape], color, detail)
        return self._icons[key]

    def _draw(self, drawShape, color, detail):
        icon = qt.QIcon(self._pixmap(drawShape, color, detail))
        selected = self._pixmap(drawShape, self._colors.selected, detail)
        icon.addPixmap(selected, qt.QIcon.Selected)
        return icon

    def _pixmap(self, drawShape, color, detail):
        pixmap = qt.QPixmap(_PIXELS, _PIXELS)
        pixmap.fill(qt.QColor(0, 0, 0, 0))
        painter = qt.QPainter(pixmap)
        painter.setRenderHint(qt.QPainter.Antialiasing)
        pen = qt.QPen(color)
        pen.setWidth(4)
        pen.setCapStyle(qt.Qt.RoundCap)
        painter.setPen(pen)
        painter.setBrush(qt.QBrush(color))
        drawShape(painter, detail, self._colors)
        painter.end()
        pixmap.setDevicePixelRatio(_PIXELS / _SIZE)
        return pixmap


def _drawLoaded(painter, hasNotes, colors):
    painter.drawLine(6, 17, 12, 24)
    painter.drawLine(12, 24, 25, 8)
    if hasNotes:
        painter.setPen(qt.QPen(colors.amber))
        painter.setBrush(qt.QBrush(colors.amber))
        painter.drawEllipse(22, 21, 9, 9)


def _drawWaiting(painter, _detail, _colors):
    for x in (5, 14, 23):
        painter.drawEllipse(x, 15, 3, 3)


def _drawLoading(painter, fraction, _colors):
    # Angles in sixteenths of a degree, counter-clockwise from three o'clock.
    painter.drawPie(4, 4, 24, 24, 90 * 16, -int(360 * 16 * fraction))
    painter.setBrush(qt.QBrush())
    painter.drawEllipse(4, 4, 24, 24)


def _drawFailed(painter, _detail, _colors):
    painter.drawLine(8, 8, 24, 24)
    painter.drawLine(24, 8, 8, 24)


def _drawCancelled(painter, _detail, _colors):
    painter.setBrush(qt.QBrush())
    painter.drawEllipse(5, 5, 22, 22)
    painter.drawLine(10, 22, 22, 10)


def _drawLive(painter, _detail, _colors):
    painter.drawEllipse(10, 10, 12, 12)


def _drawUnusable(painter, _detail, _colors):
    painter.drawLine(9, 16, 23, 16)


def _drawOpen(painter, _detail, _colors):
    painter.drawLine(9, 13, 16, 20)
    painter.drawLine(16, 20, 23, 13)


def _drawClosed(painter, _detail, _colors):
    painter.drawLine(13, 9, 20, 16)
    painter.drawLine(20, 16, 13, 23)


_SHAPES = {
    "loaded": _drawLoaded,
    "waiting": _drawWaiting,
    "loading": _drawLoading,
    "failed": _drawFailed,
    "cancelled": _drawCancelled,
    "live": _drawLive,
    "unusable": _drawUnusable,
    "open": _drawOpen,
    "closed": _drawClosed,
}
