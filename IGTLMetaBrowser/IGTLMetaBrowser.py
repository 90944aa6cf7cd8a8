"""The Slicer module: browse the images and trajectories of a remote OpenIGTLink server."""

import sys
import time

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from IGTLMetaBrowserLib.browser import Browser
from IGTLMetaBrowserLib.net import DEFAULT_PORT, Server
from IGTLMetaBrowserLib.sources.demo import DemoSource
from IGTLMetaBrowserLib.ui.panel import BrowserPanel


class IGTLMetaBrowser(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("OpenIGTLink Image Browser")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = []
        self.parent.contributors = ["The IGTLMetaBrowser developers"]
        self.parent.helpText = _(
            "Lists the images that an OpenIGTLink server offers, loads the selected ones as "
            "volumes, and shows planned trajectories as lines. This is research software, not a "
            "medical device."
        )
        self.parent.acknowledgementText = _(
            "The metadata messages of OpenIGTLink are the work of its community."
        )


@parameterNodeWrapper
class IGTLMetaBrowserParameterNode:
    """What a scene keeps of the module.

    host, port: the OpenIGTLink server.
    """

    host: str = "localhost"
    port: int = DEFAULT_PORT


class IGTLMetaBrowserWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel; what it does is in IGTLMetaBrowserLib.ui.panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.panel = None
        self.ui = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/IGTLMetaBrowser.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = IGTLMetaBrowserLogic()
        self.panel = BrowserPanel(self.ui, self.logic.browser)
        scene = slicer.mrmlScene
        self.addObserver(scene, slicer.vtkMRMLScene.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(scene, slicer.vtkMRMLScene.EndCloseEvent, self._onSceneEndClose)
        self.addObserver(scene, slicer.vtkMRMLScene.NodeRemovedEvent, self._onNodeRemoved)
        self._connectParameterNode()

    def enter(self):
        self._connectParameterNode()

    def exit(self):
        self._disconnectParameterNode()

    def cleanup(self):
        self.removeObservers()
        self._disconnectParameterNode()
        if self.panel is not None:
            self.panel.close()
            self.panel = None

    def onReload(self):
        """Reload the Lib as well: Slicer itself reloads this file only."""
        for name in list(sys.modules):
            if name.split(".")[0] == "IGTLMetaBrowserLib":
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def _onSceneStartClose(self, _caller, _event):
        self.logic.browser.cancel()
        self._disconnectParameterNode()

    def _onSceneEndClose(self, _caller, _event):
        self.panel.onNodesRemoved()
        if self.parent.isEntered:
            self._connectParameterNode()

    def _onNodeRemoved(self, _caller, _event):
        if not slicer.mrmlScene.IsClosing():
            self.panel.onNodesRemoved()

    def _connectParameterNode(self):
        if self._parameterNode is None:
            self._parameterNode = self.logic.getParameterNode()
            if self.logic.browser.has_server:
                # A new scene's node says nothing of the connection that stands.
                host, port = self.logic.browser.host_and_port
                self._parameterNode.host = host
                self._parameterNode.port = port
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)

    def _disconnectParameterNode(self):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self._parameterNode = None


class IGTLMetaBrowserLogic(ScriptedLoadableModuleLogic):
    """For scripts. ``browser`` has all that the window can do, and tells observers of it."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.browser = Browser(slicer.mrmlScene)

    def getParameterNode(self):
        return IGTLMetaBrowserParameterNode(super().getParameterNode())

    def connectToServer(self, host="localhost", port=DEFAULT_PORT):
        """Connect, and wait for the connection. Raises IGTLMetaBrowserLib.net.NetworkError."""
        self.browser.connect(host, port)
        try:
            self.browser.wait_until_connected()
        except Exception:
            self.browser.disconnect()
            raise

    def disconnectFromServer(self):
        """Leave the server. What was loaded stays in the scene."""
        self.browser.disconnect()

    def listImages(self):
        """Return the images that the server offers (IGTLMetaBrowserLib.codec.ImageMetaItem)."""
        return self.browser.list_images()

    def loadImage(self, imageId):
        """Fetch an image and return its volume node; the same node when it is loaded again."""
        return self.browser.load_image(imageId)

    def loadTrajectories(self):
        """Ask for the planned trajectories and return their markups nodes."""
        return self.browser.load_trajectories()


class IGTLMetaBrowserTest(ScriptedLoadableModuleTest):
    """Browses the demo source over a real connection."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.server = Server(DemoSource(), port=0)
        self.addCleanup(self.server.close)
        self.browser = Browser(slicer.mrmlScene)
        self.addCleanup(self.browser.disconnect)

    def runTest(self):
        self.setUp()
        try:
            self.test_images_and_trajectories_reach_the_scene()
        finally:
            self.doCleanups()

    def test_images_and_trajectories_reach_the_scene(self):
        self.browser.connect("127.0.0.1", self.server.port)
        listing = self.browser.request_list()
        self._stepUntil(lambda: listing.is_done)
        ids = [entry.id for entry in self.browser.entries]
        self.assertEqual(len(ids), 3)

        self.browser.request_images(ids)
        self._stepUntil(lambda: not self.browser.queue and not self.browser.image_in_transfer)
        for imageId in ids:
            extent = self.browser.node(imageId).GetImageData().GetDimensions()
            self.assertEqual(extent, tuple(self.browser.entry(imageId).size))

        trajectories = self.browser.request_trajectories()
        self._stepUntil(lambda: trajectories.is_done)
        self.assertGreater(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 0)
        self.delayDisplay(_("Images and trajectories of the demo server are in the scene."))

    def _stepUntil(self, condition):
        """Let server and browser take turns; both are in this thread, so that neither may wait."""
        deadline = time.monotonic() + 60
        while not condition():
            self.server.step()
            self.browser.step()
            self.assertLess(time.monotonic(), deadline, "the demo server did not answer in time")
