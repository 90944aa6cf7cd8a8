"""Labels that wrap, as high as their text, in a panel that stays as narrow as the user has it.

A label with word wrap has a height for its width, and so has every layout around it. A QScrollArea
such as Slicer's module panel then no longer squeezes what is in it to the minimum heights. So the
label lies in a widget without a layout, which gets the height that the label needs.
"""

from __future__ import annotations

import qt

_FOR_PARENT = (qt.QEvent.Resize, qt.QEvent.LayoutRequest)
_FOR_LABEL = (qt.QEvent.ShowToParent, qt.QEvent.HideToParent)


class WrappedLabel(qt.QObject):
    """Keeps ``label`` as wide as its parent, and the parent as high as the label."""

    def __init__(self, label):
        qt.QObject.__init__(self)
        self._label = label
        self._parent = label.parentWidget()
        self._parent.installEventFilter(self)
        label.installEventFilter(self)
        self._fit()

    def eventFilter(self, watched, event):
        # A label posts LayoutRequest to its parent when its text has changed.
        if event.type() in (_FOR_PARENT if watched == self._parent else _FOR_LABEL):
            self._fit()
        return False

    def _fit(self):
        width = self._parent.width
        height = 0 if self._label.isHidden() else max(self._label.heightForWidth(width), 0)
        self._label.setGeometry(0, 0, width, height)
        if self._parent.maximumHeight != height:
            self._parent.setFixedHeight(height)
