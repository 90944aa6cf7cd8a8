"""One image of the demo endpoint for Slicer's Sample Data module."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from ...browser import events
from ...browser.browser import Browser
from ..pump import Pump
from .demo_endpoint import demoName

SAMPLE_NAME = "OpenIGTLinkHeadPhantomMR"
IMAGE_ID = "DEMO_MR"


def register(category, thumbnailPath):
    """Offer the image in the Sample Data module."""
    from SampleData import SampleDataLogic

    if SampleDataLogic.sampleDataSourcesByCategory(category):
        return
    SampleDataLogic.registerCustomSampleDataSource(
        category=category,
        sampleName=SAMPLE_NAME,
        # There is no file behind it: OpenIGTLink brings the image.
        uris=[],
        fileNames=[],
        nodeNames=[],
        customDownloader=_load,
        thumbnailFileName=thumbnailPath,
    )


def _load(_source):
    # Looked up when it is wanted: another one is there after the module was reloaded.
    slicer.util.getModuleWidget("IGTLMetaBrowser").sampleImage.load()


class SampleImage:
    """Loads the image from ``demo``, a DemoEndpoint, over a separate connection.

    So the connection of the module's window is not disturbed. Qt's event loop does the work.
    """

    def __init__(self, demo):
        self._demo = demo
        self._browser = self._pump = None

    def load(self):
        """Begin to load the image, which is shown in the slice views when it is there."""
        slicer.util.showStatusMessage(_("Loading the demo image over OpenIGTLink …"))
        with slicer.util.tryWithErrorDisplay(_("The demo image could not be loaded.")):
            if self._browser is None:
                self._browser = Browser(slicer.mrmlScene)
                self._browser.add_observer(self._onBrowserEvent)
                self._pump = Pump(self._browser)
            if not self._browser.connection.has_server:
                address = self._demo.start()
                self._browser.connect(*address, name=demoName(*address))
            # First the list: the image is named, and put under its patient, as the list says.
            self._browser.images.request_list()

    def close(self):
        """Leave the endpoint; what was loaded stays."""
        if self._browser is not None:
            self._browser.remove_observer(self._onBrowserEvent)
            self._browser.close()
            self._pump.close()

    def _onBrowserEvent(self, event):
        self._pump.update()
        if isinstance(event, events.Listed):
            self._browser.request_images([IMAGE_ID])
        elif isinstance(event, events.ImageLoaded):
            slicer.util.setSliceViewerLayers(background=event.node, fit=True)
            text = _("'{name}' is loaded.").format(name=event.node.GetName())
            slicer.util.showStatusMessage(text, 3000)
        elif isinstance(event, events.ImageFailed | events.Failed):
            text = _("The demo image could not be loaded: {error}.").format(error=event.error)
            slicer.util.errorDisplay(text)
