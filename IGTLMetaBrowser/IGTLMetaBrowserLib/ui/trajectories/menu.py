"""What can be done with the selected trajectories, as a menu of the table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..widgets.table_menu import TableMenu


class TrajectoryMenu(TableMenu):
    """The context menu of ``view``; ``section`` does what is chosen."""

    def __init__(self, view, section):
        TableMenu.__init__(self, view, section)
        self.show = self._add(_("Show"), section.showSelected)
        self.hide = self._add(_("Hide"), section.hideSelected)
        self.jumpToTarget = self._add(_("Jump to target"), section.jumpToTarget)
        self.jumpToEntry = self._add(_("Jump to entry point"), section.jumpToEntry)
        self.copy = self._add(_("Copy"), section.copying.copyRows)
        self.menu.addSeparator()
        self.selectAll = self._add(_("Select all"), section.selectAll)

    def update(self):
        """Enable what can be done now."""
        hasSelection = self._view.selectionModel().hasSelection
        hasRow = self._view.currentIndex().isValid()
        for action in (self.show, self.hide, self.copy):
            action.enabled = hasSelection
        for action in (self.jumpToTarget, self.jumpToEntry):
            action.enabled = hasRow
        self.selectAll.enabled = self._view.model().rowCount() > 0
