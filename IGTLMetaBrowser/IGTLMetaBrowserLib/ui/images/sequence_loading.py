"""Loading the 4D series of selected images as sequences, and showing them in the views."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from ...browser import events
from ..views.slice_views import showInSliceViews


class SequenceLoading:
    """Loads sequences of ``browser``; ``handlers`` are for the events that follow."""

    def __init__(self, ui, browser, model, statusLine):
        self._ui = ui
        self._browser = browser
        self._model = model
        self._statusLine = statusLine
        self._loaded = _("'{name}': {count} volumes are one sequence; replay it in its tool bar.")
        self.handlers = {events.SequenceLoaded: self._onLoaded}

    def load(self, imageIds):
        """Load the series that these images belong to, each as one sequence."""
        self._statusLine.forgetResult()
        self._browser.images.sequences.request(imageIds)

    def _onLoaded(self, event):
        for imageId in event.image_ids:
            self._model.updateState(imageId)
        volume = event.node.GetProxyNode(event.node.GetMasterSequenceNode())
        if self._ui.showInViewsCheckBox.checked:
            showInSliceViews(volume)
        count = len(event.image_ids)
        self._statusLine.showResult(self._loaded, name=volume.GetName(), count=count)
        _showToolBar(event.node)


def _showToolBar(browserNode):
    """Show the tool bar of Slicer's module Sequences with this sequence, if the user wants it."""
    module = getattr(slicer.modules, "sequences", None)
    if module is not None and hasattr(module, "showSequenceBrowser"):
        module.showSequenceBrowser(browserNode)
