"""The context menu of a table."""

from __future__ import annotations

import qt


class TableMenu:
    """The context menu of ``view``; ``section`` does what is chosen.

    A class that derives from it adds the actions, and enables them in ``update``.
    """

    def __init__(self, view, section):
        self._view = view
        self._section = section
        self.menu = qt.QMenu(view)
        view.customContextMenuRequested.connect(self._onRequested)

    def _add(self, text, onTriggered):
        action = self.menu.addAction(text)
        # What the signal passes, whether the action is checked, is not for the section.
        action.triggered.connect(lambda _checked=False: onTriggered())
        return action

    def _onRequested(self, position):
        self.update()
        self.menu.popup(self._view.viewport().mapToGlobal(position))
