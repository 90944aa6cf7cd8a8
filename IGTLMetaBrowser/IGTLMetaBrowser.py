"""The Slicer module: browse the images and trajectories of a remote OpenIGTLink server."""

import socket
from pathlib import Path
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

from IGTLMetaBrowserLib.browser.endpoints import scene_server
from IGTLMetaBrowserLib.browser.events import (
    ImageFailed,
    ImageLoaded,
    Listed,
    NodeRemoved,
    SceneClosed,
    SceneClosing,
    SceneImported,
    TrajectoriesShown,
)
from IGTLMetaBrowserLib.metadata.providers.dicom_series import SeriesUids
from IGTLMetaBrowserLib.metadata.providers.slicer_database import SlicerDatabaseProvider
from IGTLMetaBrowserLib.metadata.registry import Priority
from IGTLMetaBrowserLib.net import DEFAULT_PORT, RefusedError
from IGTLMetaBrowserLib.ui.archive.gateway import ArchiveGateway, isGateway
from IGTLMetaBrowserLib.ui.connection.endpoint_history import EndpointHistory
from IGTLMetaBrowserLib.ui.endpoints import sample_data, scene_endpoint
from IGTLMetaBrowserLib.ui.endpoints.demo_endpoint import DemoEndpoint, demoName, isDemo
from IGTLMetaBrowserLib.ui.endpoints.endpoint import BrowserBesideEndpoints
from IGTLMetaBrowserLib.ui.panel import BrowserPanel
from IGTLMetaBrowserLib.ui.patient_privacy import hideIfChosen
from IGTLMetaBrowserLib.ui.pump import Pump
from IGTLMetaBrowserLib.ui.reloading import reloadLib
from IGTLMetaBrowserLib.ui.self_test_window import SelfTestWindow, waitFor


class IGTLMetaBrowser(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("OpenIGTLink Image Browser")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "IGT")]
        self.parent.dependencies = []
        self.parent.contributors = ["The IGTLMetaBrowser developers"]
        self.parent.helpText = _(
            "<p>Lists the images that an OpenIGTLink server offers, loads the selected ones as "
            "volumes, and shows planned trajectories as lines.</p>"
            "<p>Type host and port of the server and press <b>Connect</b>. Select rows of the "
            "table and press <b>Load</b>, or double-click one. Without a server at hand, press "
            "<b>Demo</b>: Slicer then serves a head phantom to itself.</p>"
            '<p>More, and how to use it from scripts: see the <a href="{url}">documentation</a>. '
            "This is research software, not a medical device.</p>"
        ).format(url="https://github.com/IGTLMetaBrowser/IGTLMetaBrowser#readme")
        self.parent.acknowledgementText = _(
            "The OpenIGTLink protocol, its metadata messages among it, is the work of its "
            "community: Tokuda et al., OpenIGTLink: an open network protocol for image-guided "
            "therapy environment, Int J Med Robot 5 (2009), 423-434."
        )
        slicer.app.startupCompleted.connect(registerSampleData)


def registerSampleData():
    """Add an image of the demo endpoint to the Sample Data module."""
    thumbnail = Path(__file__).parent / "Resources" / "Icons" / "HeadPhantomMR.png"
    sample_data.register(_("OpenIGTLink Image Browser"), str(thumbnail))


@parameterNodeWrapper
class IGTLMetaBrowserParameterNode:
    """What a scene keeps of the module.

    host, port: the OpenIGTLink server.
    filterText: what the images that are shown have in one of their texts.
    showInViews: whether an image is shown in the slice views as soon as it is loaded.
    """

    host: str = "localhost"
    port: Annotated[int, WithinRange(1, 65535)] = DEFAULT_PORT
    filterText: str = ""
    showInViews: bool = True


class IGTLMetaBrowserWidget(ScriptedLoadableModuleWidget):
    """The module's panel; what it does is in IGTLMetaBrowserLib.ui.panel."""

    def __init__(self, parent=None):
        self.logic = None
        self.panel = None
        self.ui = None
        self._uiWidget = None
        self.sampleImage = None
        self._parameterNode = None
        self._parameterNodeGuiTag = None
        ScriptedLoadableModuleWidget.__init__(self, parent)  # without a parent it calls setup

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self._uiWidget = slicer.util.loadUI(self.resourcePath("UI/IGTLMetaBrowser.ui"))
        self.layout.addWidget(self._uiWidget)
        self.ui = slicer.util.childWidgetVariables(self._uiWidget)
        self._uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = IGTLMetaBrowserLogic()
        logic = self.logic
        self.panel = BrowserPanel(self.ui, logic.browser, logic.sceneEndpoint, logic.archiveGateway)
        self.sampleImage = sample_data.SampleImage(logic.demo)
        self.ui.demoButton.clicked.connect(self.onDemoClicked)
        # The browser alone observes the scene: so its own state is always changed first.
        self.logic.addObserver(SceneClosing, self._onSceneClosing)
        self.logic.addObserver(SceneClosed, self._onSceneClosed)
        self.logic.addObserver(SceneImported, self._onSceneImported)
        self.logic.addObserver(NodeRemoved, self._onNodeRemoved)
        self._connectParameterNode()

    def enter(self):
        self._connectParameterNode()
        self.panel.status.onSeen()

    def exit(self):
        self._disconnectParameterNode()

    def cleanup(self):
        """Leave nothing behind: no sockets, observers or timers."""
        self._disconnectParameterNode()
        if self.panel is not None:
            self.sampleImage.close()
            self.panel.close()
            self.logic.close()
            # A reload would only hide it.
            self._uiWidget.deleteLater()
        self.sampleImage = self.panel = self.logic = self.ui = self._uiWidget = None

    def onReload(self):
        """Reload the Lib as well: Slicer itself reloads this file only."""
        reloadLib()
        ScriptedLoadableModuleWidget.onReload(self)

    def onDemoClicked(self, _checked=False):
        """Connect to a server of a head phantom that this application is itself."""
        with slicer.util.tryWithErrorDisplay(_("The demo could not be started.")):
            address = self.logic.startDemo()
            self.logic.browser.connect(*address, name=demoName(*address))

    def _onSceneClosing(self, _event):
        self._disconnectParameterNode()

    def _onSceneClosed(self, _event):
        self.panel.onNodesRemoved()
        # A widget outside the module panel has a parent that is never entered.
        if getattr(self.parent, "isEntered", True):
            self._connectParameterNode()

    def _onSceneImported(self, _event):
        self._showAddress()

    def _onNodeRemoved(self, _event):
        self.panel.onNodesRemoved()

    def _connectParameterNode(self):
        if self._parameterNode is None:
            self._parameterNode = self.logic.getParameterNode()
            self._showAddress()
            self._parameterNodeGuiTag = self._parameterNode.connectGui(self.ui)

    def _disconnectParameterNode(self):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._parameterNodeGuiTag)
            self._parameterNode = None

    def _showAddress(self):
        """Show the server of the connection that stands: a new scene says nothing of it.

        The address of a demo or a gateway is gone with it: it is not for the scene.
        """
        address = self.logic.browser.connection.host_and_port
        if self._parameterNode is None or address is None:
            return
        if not (isDemo(*address) or isGateway(*address)):
            self._parameterNode.host, self._parameterNode.port = address


class IGTLMetaBrowserLogic(ScriptedLoadableModuleLogic):
    """For scripts: a connection to a server. There can be several at once.

    Between the calls, which wait for their answers, Qt's event loop goes on with the connection.
    ``addObserver`` notifies of what happens. ``browser`` has all that the window can do, without
    waiting.
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.browser = BrowserBesideEndpoints(slicer.mrmlScene)
        hideIfChosen(self.browser)
        self.browser.thumbnails.keep_in(Path(slicer.app.cachePath) / "IGTLMetaBrowserThumbnails")
        self.demo = DemoEndpoint()
        self.sceneEndpoint = scene_endpoint.SceneEndpoint()
        self.archiveGateway = ArchiveGateway()
        # The DICOM module makes the database; if it is missing, nothing is known of it.
        database = getattr(slicer, "dicomDatabase", None)
        metadata = self.browser.metadata.registry
        self._dicomDatabase = SlicerDatabaseProvider(database, SeriesUids(metadata))
        metadata.add_provider(self._dicomDatabase, Priority.DICOM)
        self._pump = Pump(self.browser)
        self.browser.add_observer(self._onBrowserEvent)
        self.browser.add_observer(self._onSceneClosing, SceneClosing)

    def close(self):
        """Leave the server, and let go of everything. What was loaded stays in the scene."""
        self._dicomDatabase.close()
        self.browser.close()
        self._pump.close()
        self.demo.stop()
        self.archiveGateway.close()
        self.stopServer()

    def getParameterNode(self):
        """Return the parameters of the scene; a new one begins with the server used last."""
        node = super().getParameterNode()
        isNew = not node.GetParameter("host")
        parameters = IGTLMetaBrowserParameterNode(node)
        last = EndpointHistory().last() if isNew else None
        if last is not None:
            parameters.host, parameters.port = last
        return parameters

    # Blocking calls

    def connectToServer(self, host="localhost", port=DEFAULT_PORT, **options):
        """Connect to a server, leaving the one before.

        ``options`` are fields of ``net.ConnectionSettings``: connect_timeout, answer_timeout
        (seconds), max_body_size (bytes), tls (a ``net.ClientTLS``) and more.
        Raises IGTLMetaBrowserLib.net.NetworkError.
        """
        self.browser.connect(host, port, name=demoName(host, port), **options)
        try:
            self.browser.wait_until_connected()
        except Exception:
            self.browser.disconnect()
            raise

    def listImages(self):
        """Return the images that the server offers, each with id, name, modality, size …

        Raises IGTLMetaBrowserLib.net.NetworkError.
        """
        return self.browser.list_images()

    def loadImage(self, imageId, region=None):
        """Fetch an image and return its volume node; the same node when it is loaded again.

        With ``region``, a vtkMRMLMarkupsROINode, only the part in it is fetched, which becomes a
        volume of its own; not all servers can do that.
        Raises IGTLMetaBrowserLib.net.NetworkError, or SceneError if it cannot be shown.
        """
        if region is not None:
            return self.browser.load_region(imageId, region)
        return self.browser.load_image(imageId)

    def loadSequence(self, imageId):
        """Fetch all volumes of an image's 4D series; return the sequence browser that replays them.

        Raises what loadImage does, and BrowserError if the server lists no such series.
        """
        return self.browser.load_sequence(imageId)

    def loadTrajectories(self):
        """Ask for the planned trajectories and return their markups nodes.

        Raises IGTLMetaBrowserLib.net.NetworkError, or BrowserError if the scene is closed.
        """
        return self.browser.load_trajectories()

    # Calls that do not wait

    def disconnectFromServer(self):
        """Leave the server. What was loaded stays in the scene."""
        self.browser.disconnect()

    def startDemo(self):
        """Serve a head phantom to this computer, until ``close``. Return host and port."""
        return self.demo.start()

    def startServer(self, port=scene_server.DEFAULT_PORT, host=scene_server.DEFAULT_HOST):
        """Serve the scene, until it is closed, or ``close``. Return host and port.

        Trajectories and points that clients send come into the scene. Other computers are served
        with the host ``0.0.0.0`` (or ``::``) only; port 0 picks a free one. Raises OSError.
        """
        return self.sceneEndpoint.start(scene_server.SceneServerSettings(host, port))

    def stopServer(self):
        """Serve the scene no longer."""
        self.sceneEndpoint.stop()

    def addObserver(self, eventType, callback):
        """Call ``callback`` with each event of a type from now on.

        The types are in IGTLMetaBrowserLib.browser.events: Connected, Disconnected, Listed,
        ImageLoaded, ImageFailed, TrajectoriesShown, Failed and more; a tuple means any of them.
        """

        self.browser.add_observer(callback, eventType)

    def removeObserver(self, callback):
        """Call ``callback`` no longer."""
        self.browser.remove_observer(callback)

    # What happens

    def _onBrowserEvent(self, event):
        # There may be 100,000 of these at once, none of which changes what is waited for.
        if not isinstance(event, ImageFailed):
            self._pump.update()

    def _onSceneClosing(self, _event):
        # The scene that comes next may be of another patient: that is not for those who look on.
        self.stopServer()


class IGTLMetaBrowserTest(ScriptedLoadableModuleTest):
    """Browses the demo endpoint by the logic and by the window, over real connections.

    By the Test button, and by ctest. The window is one of its own, beside that of the user.
    """

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        # Slicer's own leaves out what is to be cleaned up if a test fails.
        for name in (name for name in dir(self) if name.startswith("test_")):
            try:
                self.setUp()
                getattr(self, name)()
            finally:
                self.doCleanups()
            self.delayDisplay(_("{name} passed").format(name=name))

    # The logic

    def test_logic_brings_images_into_the_scene(self):
        logic = self.connectedLogic()
        entries = logic.listImages()
        self.assertEqual(len(entries), 3)
        for entry in entries:
            node = logic.loadImage(entry.id)
            self.assertEqual(node.GetImageData().GetDimensions(), tuple(entry.size))
            self.assertEqual(node.GetName(), entry.name)

    def test_logic_keeps_the_node_of_an_image_loaded_again(self):
        logic = self.connectedLogic()
        self.assertIs(logic.loadImage("DEMO_MR"), logic.loadImage("DEMO_MR"))

    def test_logic_makes_markups_of_trajectories(self):
        nodes = self.connectedLogic().loadTrajectories()
        self.assertEqual([node.IsA("vtkMRMLMarkupsNode") for node in nodes], [True] * 7)

    def test_logic_refuses_an_unknown_image_in_words(self):
        with self.assertRaises(RefusedError) as refusal:  # noqa: PT027 - there is no pytest in Slicer
            self.connectedLogic().loadImage("NO_SUCH_IMAGE")
        self.assertIn("NO_SUCH_IMAGE", str(refusal.exception))

    def test_logic_notifies_observers(self):
        logic, events = self.connectedLogic(), []
        logic.addObserver((Listed, ImageLoaded, TrajectoriesShown), events.append)
        logic.listImages()
        logic.loadImage("DEMO_MR")
        logic.loadTrajectories()
        self.assertEqual(
            [type(event) for event in events], [Listed, ImageLoaded, TrajectoriesShown]
        )

    def test_logic_loads_images_in_the_event_loop(self):
        browser = self.connectedLogic().browser
        browser.request_images(["DEMO_MR", "DEMO_PT"])
        waitFor(lambda: len(browser.images.loaded_ids()) == 2, "two images")

    def test_logic_stays_connected_when_the_scene_is_closed(self):
        logic = self.connectedLogic()
        logic.loadImage("DEMO_MR")
        slicer.mrmlScene.Clear()
        self.assertEqual(len(logic.listImages()), 3)
        self.assertIsNotNone(logic.loadImage("DEMO_MR").GetScene())

    # The window

    def test_window_opens(self):
        window = self.openWindow()
        self.assertEqual(window.table.rowCount(), 0)
        self.assertTrue(window.ui.connectButton.enabled)
        self.assertFalse(window.ui.loadButton.enabled)

    def test_window_connects_and_disconnects(self):
        window = self.connectedWindow()
        self.assertTrue(window.browser.connection.has_server)
        window.ui.connectButton.click()
        self.assertFalse(window.browser.connection.has_server)
        self.assertEqual(window.table.rowCount(), 0)

    def test_window_says_why_it_cannot_connect(self):
        ui = self.openWindow().ui
        with socket.socket() as unused:  # bound, and not listening
            unused.bind(("127.0.0.1", 0))
            ui.hostLineEdit.text = "127.0.0.1"
            ui.portSpinBox.value = unused.getsockname()[1]
            ui.connectButton.click()
            waitFor(lambda: "refused" in ui.statusLabel.text, "the reason")

    def test_window_loads_what_is_selected(self):
        node = self.connectedWindow().load("DEMO_MR")
        self.assertEqual(node.GetName(), "MR head T1, oblique sagittal")
        self.assertEqual(list(slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")), [node])

    def test_window_shows_trajectories(self):
        ui = self.connectedWindow().ui
        ui.trajectoriesButton.click()
        waitFor(lambda: ui.trajectoryTableView.model().rowCount() == 7, "the trajectories")
        waitFor(lambda: len(slicer.util.getNodesByClass("vtkMRMLMarkupsNode")) == 7, "their nodes")

    def test_window_stays_usable_when_the_scene_is_closed(self):
        window = self.connectedWindow()
        window.load("DEMO_MR")
        slicer.mrmlScene.Clear()
        self.assertIsNone(window.browser.images.node("DEMO_MR"))
        self.assertIsNotNone(window.load("DEMO_MR").GetScene())

    def test_window_leaves_nothing_when_it_is_closed(self):
        window = self.connectedWindow()
        models = [window.table, window.ui.trajectoryTableView.model()]
        window.close()
        self.assertFalse(window.browser.connection.has_server)
        # A Python model that is alive when Slicer exits crashes it; one that is deleted is false.
        self.assertFalse(any(models))

    # What they share

    def connectedLogic(self):
        """Return a logic that is connected to a demo endpoint of its own."""
        logic = IGTLMetaBrowserLogic()
        self.addCleanup(logic.close)
        logic.connectToServer(*logic.startDemo())
        return logic

    def openWindow(self):
        """Return a window of the module that is closed when the test ends."""
        window = SelfTestWindow(IGTLMetaBrowserWidget)
        self.addCleanup(window.close)
        return window

    def connectedWindow(self):
        """Return such a window that has listed the images of its demo."""
        window = self.openWindow()
        window.connectToDemo()
        return window
