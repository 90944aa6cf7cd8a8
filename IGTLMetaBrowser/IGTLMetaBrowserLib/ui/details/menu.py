"""What can be done with the details of an image, as a menu of their table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..widgets.table_menu import TableMenu


class DetailsMenu(TableMenu):
    """The context menu of ``view``; ``section`` does what is chosen."""

    def __init__(self, view, section):
        TableMenu.__init__(self, view, section)
        self.edit = self._add(_("Edit value"), section.editValue)
        self.removeTyped = self._add(_("Remove typed value"), section.removeTypedValue)
        self.menu.addSeparator()
        self.copy = self._add(_("Copy"), section.copy)
        self.copyAll = self._add(_("Copy all"), section.copyAll)
        self.copyJson = self._add(_("Copy study, series and image as JSON"), section.copyJson)

    def update(self):
        """Enable what can be done now."""
        self.edit.enabled = self._section.isValueEditable
        self.removeTyped.enabled = self._section.isValueTyped
        self.copy.enabled = self._view.selectionModel().hasSelection
        self.copyAll.enabled = self._view.model().rowCount() > 0
        self.copyJson.enabled = self._section.canCopyJson
