"""What can be done with the selected images, as a menu of the table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...browser.events import ImageStatus
from ..widgets.table_menu import TableMenu
from .region_menu import RegionMenu

_BUSY = (ImageStatus.WAITING, ImageStatus.LOADING)


class ImageMenu(TableMenu):
    """The context menu of ``view``; ``section`` does what is chosen."""

    def __init__(self, view, section):
        TableMenu.__init__(self, view, section)
        self.load = self._add(_("Load"), section.loadSelectedNew)
        self.region = RegionMenu(self.menu, section.loadRegion)
        self.loadAgain = self._add(_("Load again"), section.loadSelectedAgain)
        self.loadSequence = self._add(_("Load as sequence"), section.loadSelectedSequences)
        self.cancel = self._add(_("Cancel"), section.cancelSelected)
        self.removePreview = self._add(_("Remove preview"), section.removeSelectedPreviews)
        self.menu.addSeparator()
        self.showInViews = self._add(_("Show in views"), section.showSelectedInViews)
        self.colors = self._add(_("Use server color table"), section.useServerColors)
        self.ownColors = self._add(_("Reset window/level"), section.useWindowAndLevel)
        self.segmentation = self._add(_("Show as segmentation"), section.showAsSegmentations)
        self.showDetails = self._add(_("Show details"), section.showDetails)
        self.copyRows = self._add(_("Copy"), section.copying.copyRows)
        self.copyId = self._add(_("Copy ID"), section.copying.copyIds)
        self.menu.addSeparator()
        self.selectAll = self._add(_("Select all"), section.selectAll)
        self.selectNone = self._add(_("Select none"), section.selectNone)
        self.unsort = self._add(_("Clear sorting"), section.unsort)

    def update(self):
        """Enable what can be done now."""
        statuses, hasServer = self._section.selectedStatuses(), self._section.hasServer
        isLoaded, isOne = ImageStatus.LOADED in statuses, self._section.selection.total == 1
        self.load.enabled = hasServer and not statuses <= {*_BUSY, ImageStatus.LOADED}
        self.loadAgain.enabled = hasServer and isLoaded
        self.region.update(hasServer and isOne and self._section.canLoadRegions)
        self.loadSequence.enabled = hasServer and self._section.hasSelectedSequence
        self.cancel.enabled = not statuses.isdisjoint(_BUSY)
        self.removePreview.enabled = self._section.hasSelectedPreviews
        self.showInViews.enabled = isLoaded
        self.colors.enabled = hasServer and isLoaded
        self.ownColors.enabled = isLoaded
        self.segmentation.enabled = bool(self._section.loadedLabelMaps())
        self.showDetails.enabled = self._section.hasSelection
        self.copyRows.enabled = self._section.hasSelection
        self.copyId.enabled = bool(statuses)
        self.selectAll.enabled = self._view.model().rowCount() > 0
        self.selectNone.enabled = self._section.hasSelection
        self.unsort.enabled = self._section.isSorted
