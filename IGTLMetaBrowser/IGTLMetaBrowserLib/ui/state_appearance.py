"""How far an image has come, in the words and the colours of the table."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..browser.events import ImageStatus

# What is going on comes first when the table is sorted by state.
_RANKS = {
    ImageStatus.LOADING: 0,
    ImageStatus.WAITING: 1,
    ImageStatus.FAILED: 2,
    ImageStatus.CANCELLED: 3,
    ImageStatus.LOADED: 4,
    ImageStatus.NOT_LOADED: 5,
}
LAST_RANK = len(_RANKS)

# Each as it can be read on a light and on a dark background.
_RED = ("#b3261e", "#ff8a80")
_GREEN = ("#1b6e2f", "#7bd88f")
_BLUE = ("#0b57a4", "#8ab8ff")
_AMBER = ("#8a5300", "#ffc04d")
_PROGRESS = ("#bcd8f5", "#24507d")


class StateColours:
    """Colours that can be read on the background of ``widget``, be it light or dark."""

    def __init__(self, widget):
        self._widget = widget

    @property
    def red(self):
        return self._colour(_RED)

    @property
    def green(self):
        return self._colour(_GREEN)

    @property
    def blue(self):
        return self._colour(_BLUE)

    @property
    def amber(self):
        return self._colour(_AMBER)

    @property
    def plain(self):
        """That of a usual text."""
        return self._widget.palette.color(qt.QPalette.Active, qt.QPalette.Text)

    @property
    def faint(self):
        """That of a text which cannot be used."""
        return self._widget.palette.color(qt.QPalette.Disabled, qt.QPalette.Text)

    @property
    def boldFont(self):
        font = qt.QFont(self._widget.font)
        font.setBold(True)
        return font

    def progressBrush(self, fraction):
        """Return a brush that fills a cell from the left as far as an image has come."""
        edge = min(max(fraction, 0.001), 0.998)
        colour = self._colour(_PROGRESS)
        gradient = qt.QLinearGradient(0.0, 0.0, 1.0, 0.0)
        gradient.setCoordinateMode(qt.QGradient.ObjectBoundingMode)
        gradient.setColorAt(0.0, colour)
        gradient.setColorAt(edge, colour)
        gradient.setColorAt(edge + 0.001, qt.QColor(0, 0, 0, 0))
        return qt.QBrush(gradient)

    def _colour(self, pair):
        isDark = self._widget.palette.color(qt.QPalette.Base).lightness() < 128
        return qt.QColor(pair[isDark])


def rank(state):
    """Return the place of a state where the table is sorted by it."""
    return _RANKS[state.status]


def percent(state):
    """Return how much of an image has arrived."""
    return 100 * state.received // state.size if state.size else 0


def isLive(state, liveState):
    """Whether what the server sends by itself is all there is to say of an image."""
    quiet = (ImageStatus.NOT_LOADED, ImageStatus.LOADED)
    return liveState is not None and state.status in quiet


def stateText(state, liveState=None):
    """Return a state in a few words."""
    if isLive(state, liveState):
        return _("live, {frames} received").format(frames=liveState.frames)
    words = {
        ImageStatus.NOT_LOADED: "",
        ImageStatus.WAITING: _("waiting"),
        ImageStatus.LOADING: _("{percent} %").format(percent=percent(state)),
        ImageStatus.LOADED: _("loaded"),
        ImageStatus.FAILED: _("failed: {reason}").format(reason=state.reason),
        ImageStatus.CANCELLED: _("cancelled"),
    }
    text = words[state.status]
    return _("{state} (note)").format(state=text) if state.notes else text
