"""Drawing the views one after the other, so that the window is not kept waiting for all of them.

Slicer draws all views that show a volume in one turn of the event loop, a sixtieth of a second
after it has changed; in software that takes 30 ms a view. Views that are asked again meanwhile draw
in the middle of the change (``ctkVTKAbstractView::scheduleRender``), and once more after it. And
after each turn in which a view was drawn, Qt puts the whole window together anew, which takes half
as long as a view.
"""

from __future__ import annotations

import time

import slicer

from ..timers import SingleShotTimer

# A view whose drawing was asked for longer ago than a sixtieth of a second draws at once when it is
# resumed; sooner, it would draw together with the others.
_MILLISECONDS_UNTIL_DUE = 20
# If volumes change again and again, Slicer draws in between as it likes to.
_MOST_SECONDS = 1.0


class DrawingTurns:
    """Pauses the views for a moment, and resumes each in a turn of its own, until ``close``.

    The window shows what they have drawn when the last one is ready, and with it the sliders above
    the slices, which Slicer sets anew whenever a volume changes.
    """

    def __init__(self):
        self._paused = []
        self._drawn = []
        self._beganAt = 0.0
        self._timer = SingleShotTimer(self._goOn)

    @property
    def isActive(self):
        """Whether there are views that still have to be drawn."""
        return self._timer.isActive()

    def begin(self):
        """Draw nothing until the turn ends in which this is called: a volume changes in it."""
        now = time.monotonic()
        if not self._timer.isActive():
            self._beganAt = now
        if now - self._beganAt > _MOST_SECONDS:
            return
        paused = [view for _widget, view in self._paused]
        for widget, view in _widgetsAndViews():
            # Slicer counts pauses.
            if view not in paused:
                view.pauseRender()
                widget.updatesEnabled = False
                self._paused.append((widget, view))
        if self._paused:
            self._timer.start(_MILLISECONDS_UNTIL_DUE)

    def close(self):
        """Let all views draw when they like to."""
        self._timer.close()
        while self._paused:
            self._resumeNext()
        self._showDrawn()

    def _goOn(self):
        if self._paused:
            self._resumeNext()
            self._timer.start()
        else:
            self._showDrawn()

    def _resumeNext(self):
        widget, view = self._paused.pop(0)
        if view:  # false if another layout has deleted it meanwhile
            view.resumeRender()
            self._drawn.append(widget)

    def _showDrawn(self):
        drawn, self._drawn = self._drawn, []
        paused = [widget for widget, _view in self._paused]
        for widget in drawn:
            if widget and widget not in paused:
                # Which asks Qt to put the window together, once for all of them. A ``repaint()``
                # would do so as well, and what was asked for would follow with nothing new in it
                # (``QWidgetRepaintManager::flush``).
                widget.updatesEnabled = True


def _widgetsAndViews():
    layoutManager = slicer.app.layoutManager()
    if layoutManager is None:
        return []
    slices = [layoutManager.sliceWidget(name) for name in layoutManager.sliceViewNames()]
    threeD = [layoutManager.threeDWidget(index) for index in range(layoutManager.threeDViewCount)]
    ofSlices = [(widget, widget.sliceView()) for widget in slices]
    return [*ofSlices, *((widget, widget.threeDView()) for widget in threeD)]
