"""The menu of the regions of interest in the scene, of which one can be loaded from an image."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _


class RegionMenu:
    """A part of ``menu``; ``onChosen`` is called with a vtkMRMLMarkupsROINode."""

    def __init__(self, menu, onChosen):
        self._onChosen = onChosen
        self.menu = menu.addMenu(_("Load region"))

    def update(self, isPossible):
        """Name the ROI nodes that there are now."""
        self.menu.clear()
        for roi in slicer.util.getNodesByClass("vtkMRMLMarkupsROINode"):
            action = self.menu.addAction(roi.GetName())
            action.triggered.connect(lambda _checked=False, roi=roi: self._onChosen(roi))
        self.menu.menuAction().enabled = isPossible and not self.menu.isEmpty()
