"""Says in the slice views how much of a preview is real."""

from __future__ import annotations

import slicer
import vtk
from slicer.i18n import tr as _

from ...scene.images.previews import PREVIEW_ATTRIBUTE

# Slicer writes into the corners only, each time that anything changes in a view.
_PLACE = vtk.vtkCornerAnnotation.UpperEdge


class PreviewViews:
    """Annotates the views that show a preview in the background, until ``close``."""

    def __init__(self):
        self._text = _("Preview {howMuch}")
        # Slicer says of these nodes which volume a view shows.
        self._observed = []

    def update(self, *_arguments):
        """Show what the previews in the scene say of themselves; nothing without one."""
        if self._hasPreviews():
            self._observe()
            self._annotate()
        elif self._observed:
            self.close()

    def close(self):
        """Watch the views no longer; they say what is so now, as of a preview that stays."""
        observed, self._observed = self._observed, []
        for layers, tag in observed:
            layers.RemoveObserver(tag)
        if observed:
            self._annotate()

    def _hasPreviews(self):
        volumes = slicer.util.getNodesByClass("vtkMRMLVolumeNode")
        return any(volume.GetAttribute(PREVIEW_ATTRIBUTE) for volume in volumes)

    def _observe(self):
        known = [layers for layers, _tag in self._observed]
        for layers in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            if layers not in known:
                tag = layers.AddObserver(vtk.vtkCommand.ModifiedEvent, self._annotate)
                self._observed.append((layers, tag))

    def _annotate(self, *_arguments):
        layoutManager = slicer.app.layoutManager()
        for name in layoutManager.sliceViewNames() if layoutManager is not None else ():
            widget = layoutManager.sliceWidget(name)
            shown = slicer.mrmlScene.GetNodeByID(
                widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() or ""
            )
            howMuch = None if shown is None else shown.GetAttribute(PREVIEW_ATTRIBUTE)
            text = self._text.format(howMuch=howMuch) if howMuch else ""
            annotation = widget.sliceView().cornerAnnotation()
            if (annotation.GetText(_PLACE) or "") != text:
                annotation.SetText(_PLACE, text)
                widget.sliceView().scheduleRender()
