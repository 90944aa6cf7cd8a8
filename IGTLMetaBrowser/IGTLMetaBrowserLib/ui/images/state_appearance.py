"""How far an image has come, in the words and the colors of the table."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...browser.events import ImageStatus

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


class StateColors:
    """Colors that can be read on the background of ``widget``, be it light or dark."""

    def __init__(self, widget):
        self._widget = widget

    @property
    def red(self):
        return self._color(_RED)

    @property
    def green(self):
        return self._color(_GREEN)

    @property
    def blue(self):
        return self._color(_BLUE)

    @property
    def amber(self):
        return self._color(_AMBER)

    @property
    def plain(self):
        """That of a usual text."""
        return self._widget.palette.color(qt.QPalette.Active, qt.QPalette.Text)

    @property
    def faint(self):
        """That of a text which cannot be used."""
        return self._widget.palette.color(qt.QPalette.Disabled, qt.QPalette.Text)

    @property
    def selected(self):
        """That of a text in a row that is selected."""
        return self._widget.palette.color(qt.QPalette.Active, qt.QPalette.HighlightedText)

    @property
    def boldFont(self):
        font = qt.QFont(self._widget.font)
        font.setBold(True)
        return font

    def progressBrush(self, fraction):
        """Return a brush that fills a cell from the left as far as an image has come."""
        edge = min(max(fraction, 0.001), 0.998)
        color = self._color(_PROGRESS)
        gradient = qt.QLinearGradient(0.0, 0.0, 1.0, 0.0)
        gradient.setCoordinateMode(qt.QGradient.ObjectBoundingMode)
        gradient.setColorAt(0.0, color)
        gradient.setColorAt(edge, color)
        gradient.setColorAt(edge + 0.001, qt.QColor(0, 0, 0, 0))
        return qt.QBrush(gradient)

    def _color(self, pair):
        isDark = self._widget.palette.color(qt.QPalette.Base).lightness() < 128
        return qt.QColor(pair[isDark])


class StateTexts:
    """States in a few words. They are translated once: ``_()`` costs 9 µs a call in Slicer."""

    def __init__(self):
        self._texts = {
            ImageStatus.NOT_LOADED: "",
            ImageStatus.WAITING: _("waiting"),
            ImageStatus.LOADING: _("{percent} %"),
            ImageStatus.LOADED: _("loaded"),
            ImageStatus.FAILED: _("failed: {reason}"),
            ImageStatus.CANCELLED: _("cancelled"),
        }
        self._live = _("live, {frames} received")
        self._withNote = _("{state} (note)")
        self._calibrated = _("calibrated")
        self._stateAndCalibrated = _("{state}, calibrated")

    def text(self, state, liveState=None, isCalibrated=False):
        """Return what is said of an image in that state."""
        text = self._stateText(state, liveState)
        if not isCalibrated:
            return text
        return self._stateAndCalibrated.format(state=text) if text else self._calibrated

    def _stateText(self, state, liveState):
        if isLive(state, liveState):
            return self._live.format(frames=liveState.frames)
        text = self._texts[state.status].format(percent=percent(state), reason=state.reason)
        return self._withNote.format(state=text) if state.notes else text


def rank(state):
    """Return the place of a state where the table is sorted by it."""
    return _RANKS[state.status]


def percent(state):
    """Return how much of an image has arrived."""
    return 100 * state.received // state.size if state.size else 0


def isLive(state, liveState):
    """Whether an image that the server sends on its own is in no other state."""
    quiet = (ImageStatus.NOT_LOADED, ImageStatus.LOADED)
    return liveState is not None and state.status in quiet
