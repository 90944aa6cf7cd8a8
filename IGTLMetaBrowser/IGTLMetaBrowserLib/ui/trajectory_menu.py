"""What can be done with the selected trajectories, as a menu of the table."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _


class TrajectoryMenu:
    """The context menu of ``view``; ``section`` does what is chosen."""

    def __init__(self, view, section):
        self._view = view
        self._section = section
        self.menu = qt.QMenu(view)
        self.show = self._add(_("Show"), section.showSelected)
        self.hide = self._add(_("Hide"), section.hideSelected)
        self.jumpToTarget = self._add(_("Jump to target"), section.jumpToTarget)
        self.jumpToEntry = self._add(_("Jump to entry point"), section.jumpToEntry)
        self.copy = self._add(_("Copy"), section.copySelectedRows)
        self.menu.addSeparator()
        self.selectAll = self._add(_("Select all"), section.selectAll)
        view.customContextMenuRequested.connect(self._onRequested)

    def _add(self, text, onTriggered):
        action = self.menu.addAction(text)
        # What the signal passes, whether the action is checked, is not for the section.
        action.triggered.connect(lambda _checked=False: onTriggered())
        return action

    def _onRequested(self, position):
        self.update()
        self.menu.popup(self._view.viewport().mapToGlobal(position))

    def update(self):
        """Enable what can be done now."""
        hasSelection = self._view.selectionModel().hasSelection
        hasRow = self._view.currentIndex().isValid()
        for action in (self.show, self.hide, self.copy):
            action.enabled = hasSelection
        for action in (self.jumpToTarget, self.jumpToEntry):
            action.enabled = hasRow
        self.selectAll.enabled = self._view.model().rowCount() > 0
