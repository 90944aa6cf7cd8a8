"""The module's panel: shows what the browser tells, and asks it for what the user wants."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from .. import browser_events as events
from ..codec import printable
from ..net import CancelledError, parse_address
from .image_table import ImageTableModel
from .pump import Pump


class BrowserPanel:
    """Connects the widgets of the .ui file, ``ui``, with a ``browser``."""

    def __init__(self, ui, browser):
        self.ui = ui
        self.browser = browser
        self._pump = Pump(browser)
        self._hasBeenConnected = False
        self._requestedCount = 0
        self._lastResult = ""
        self._selectedIds = []
        self._idsShownAsLoaded = set()
        # The view does not keep its model alive in Slicer.
        self.model = ImageTableModel()
        ui.imageTableView.setModel(self.model)
        ui.imageTableView.verticalHeader().visible = False
        # As the server lists them, until the user sorts.
        ui.imageTableView.horizontalHeader().setSortIndicator(-1, qt.Qt.AscendingOrder)
        self._selectionModel = ui.imageTableView.selectionModel()
        self._selectionModel.selectionChanged.connect(self._onSelectionChanged)
        self.model.modelReset.connect(self._restoreSelection)
        ui.connectButton.clicked.connect(self.onConnectClicked)
        ui.hostLineEdit.returnPressed.connect(self.onConnectClicked)
        ui.refreshButton.clicked.connect(self.onRefreshClicked)
        ui.loadButton.clicked.connect(self.onLoadClicked)
        ui.cancelButton.clicked.connect(self.onCancelClicked)
        ui.trajectoriesButton.clicked.connect(self.onTrajectoriesClicked)
        ui.imageTableView.doubleClicked.connect(self._onDoubleClicked)
        browser.add_observer(self._onBrowserEvent)
        self._setStatus(_("Not connected."))
        self._updateWidgets()

    def close(self):
        """Leave the server, and let go of everything."""
        self.browser.remove_observer(self._onBrowserEvent)
        self.browser.disconnect()
        self._pump.close()

    # What the user does

    def onConnectClicked(self):
        """Connect to the server in the line edit, or leave the one that is connected."""
        if self.browser.has_server:
            self.browser.disconnect()
        else:
            self._connect()
        self._update()

    def _connect(self):
        typed = self.ui.hostLineEdit.text.strip() or "localhost"
        try:
            host, port = parse_address(typed, self.ui.portSpinBox.value)
        except ValueError as error:
            self._setStatus("{error}.", error=error)
            return
        # What was pasted as host and port goes where it belongs.
        self.ui.hostLineEdit.text = host
        self.ui.portSpinBox.value = port
        self.browser.connect(host, port)

    def onRefreshClicked(self):
        """Ask for the list again."""
        self._lastResult = ""
        self._setStatus(_("Reading the list of images of {address} …"))
        self.browser.request_list()
        self._update()

    def onLoadClicked(self):
        """Load the selected images."""
        self._load(self.selectedImageIds())

    def onCancelClicked(self):
        """Load no more images."""
        self.browser.cancel()
        self._update()

    def onTrajectoriesClicked(self):
        """Ask for the trajectories."""
        self._lastResult = ""
        self._setStatus(_("Asking {address} for trajectories …"))
        self.browser.request_trajectories()
        self._update()

    def selectedImageIds(self):
        """Return the ids of the selected rows, in the order of the table."""
        rows = sorted(index.row() for index in self._selectionModel.selectedRows())
        return [self.model.imageId(row) for row in rows]

    def _onDoubleClicked(self, index):
        self._load([self.model.imageId(index.row())])

    def _load(self, imageIds):
        if not self.browser.has_server:
            self._setStatus(_("There is no connection. Press Connect first."))
            return
        self._lastResult = ""
        self.browser.request_images(imageIds)
        self._update()

    def _onSelectionChanged(self, _selected=None, _deselected=None):
        self._selectedIds = self.selectedImageIds()
        self._updateWidgets()

    def _restoreSelection(self):
        # A copy: each row that is selected changes the list.
        for row in [self.model.row(imageId) for imageId in self._selectedIds]:
            if row is not None:
                self._selectionModel.select(
                    self.model.index(row, 0),
                    qt.QItemSelectionModel.Select | qt.QItemSelectionModel.Rows,
                )
        self._onSelectionChanged()

    # What the browser tells

    def _onBrowserEvent(self, event):
        handlers = {
            events.Connecting: self._onConnecting,
            events.Connected: self._onConnected,
            events.Disconnected: self._onDisconnected,
            events.Asked: self._onAsked,
            events.Listed: self._onListed,
            events.ImageWaiting: self._onImageWaiting,
            events.ImageProgress: self._onImageProgress,
            events.ImageLoaded: self._onImageLoaded,
            events.ImageFailed: self._onImageFailed,
            events.TrajectoriesShown: self._onTrajectoriesShown,
            events.Failed: self._onFailed,
        }
        handlers[type(event)](event)
        self._update()

    def _onAsked(self, _event):
        pass  # the pump is updated after every event, and that is all there is to do

    def _onConnecting(self, _event):
        self._hasBeenConnected = False
        self._lastResult = ""
        self._setStatus(_("Connecting to {address} …"))

    def _onConnected(self, _event):
        if not self._hasBeenConnected:
            self._hasBeenConnected = True
            self._setStatus(_("Connected to {address}. Reading the list of images …"))
            self.browser.request_list()

    def _onDisconnected(self, event):
        if event.error is None:
            self.model.setEntries([])
            self.model.clearStates()
            self._idsShownAsLoaded.clear()
            self._setStatus(_("Not connected."))
            return
        if self._hasBeenConnected:
            text = _("{result} {error}. The next query connects again.")
        else:
            self.browser.disconnect()
            text = "{error}."
        self._setStatus(text, error=event.error, result=self._lastResult)

    def _onListed(self, event):
        self.model.setEntries(event.entries)
        if len(event.entries) <= 1000:  # measuring every cell of a long list takes long
            self.ui.imageTableView.resizeColumnsToContents()
        # From an earlier connection to this server.
        for imageId in set(self.browser.loaded_images()) - self._idsShownAsLoaded:
            self._showLoaded(imageId, _("loaded"))
        texts = {0: _("{address} offers no images."), 1: _("{address} offers one image.")}
        count = len(event.entries)
        self._setResult(texts.get(count, _("{address} offers {count} images.")), count=count)

    def _onImageWaiting(self, event):
        if self.browser.image_in_transfer is None and len(self.browser.queue) == 1:
            self._requestedCount = 0
        self._requestedCount += 1
        self.model.setState(event.image_id, _("waiting"))

    def _onImageProgress(self, event):
        percent = 100 * event.received // max(event.size, 1)
        self.model.setState(event.image_id, f"{percent} %")
        self.ui.progressBar.value = percent
        number = self._requestedCount - len(self.browser.queue)
        self._setStatus(
            _("Loading {name}, image {number} of {count}: {received:.0f} of {size:.0f} MB"),
            name=self._imageName(event.image_id),
            number=number,
            count=self._requestedCount,
            received=event.received / 1e6,
            size=event.size / 1e6,
        )

    def _onImageLoaded(self, event):
        notes = "; ".join(event.notes)
        self._showLoaded(event.image_id, _("loaded") + (f" ({notes})" if notes else ""))
        slicer.util.setSliceViewerLayers(background=event.node, fit=True)
        text = _("{name} is loaded.") if not notes else _("{name} is loaded; note: {notes}.")
        self._setResult(text, name=self._imageName(event.image_id), notes=notes)

    def _onImageFailed(self, event):
        if isinstance(event.error, CancelledError):
            self.model.setState(event.image_id, _("cancelled"))
            self._setStatus(_("Loading was cancelled."))
            return
        self.model.setState(event.image_id, _("failed: {error}").format(error=event.error))
        self._setStatus(
            _("{name} could not be loaded: {error}."),
            name=self._imageName(event.image_id),
            error=event.error,
        )

    def _onTrajectoriesShown(self, event):
        texts = {0: _("No trajectories came."), 1: _("One trajectory is shown.")}
        text = texts.get(len(event.nodes), _("{count} trajectories are shown."))
        if event.problems:
            text += " " + _("Not shown: {problems}.")
        self._setResult(text, count=len(event.nodes), problems="; ".join(event.problems))

    def _onFailed(self, event):
        self._setStatus("{result} {error}.", error=event.error, result=self._lastResult)

    def onNodesRemoved(self):
        """Show which images are no longer in the scene."""
        for imageId in self._idsShownAsLoaded.difference(self.browser.loaded_images()):
            self._idsShownAsLoaded.remove(imageId)
            self.model.setState(imageId, "")

    # How it looks

    def _update(self):
        self._pump.update()
        self._updateWidgets()

    def _updateWidgets(self):
        hasServer = self.browser.has_server
        isLoading = self.browser.image_in_transfer is not None
        self.ui.connectButton.text = _("Disconnect") if hasServer else _("Connect")
        self.ui.hostLineEdit.enabled = not hasServer
        self.ui.portSpinBox.enabled = not hasServer
        self.ui.refreshButton.enabled = hasServer
        self.ui.trajectoriesButton.enabled = hasServer
        self.ui.loadButton.enabled = hasServer and bool(self._selectedIds)
        self.ui.cancelButton.enabled = isLoading
        self.ui.progressBar.enabled = isLoading
        self.ui.progressBar.textVisible = isLoading
        if not isLoading:
            self.ui.progressBar.value = 0

    def _showLoaded(self, imageId, state):
        self._idsShownAsLoaded.add(imageId)
        self.model.setState(imageId, state)

    def _imageName(self, imageId):
        entry = self.browser.entry(imageId)
        return printable((entry and entry.name) or imageId)

    def _setResult(self, text, **values):
        """Show a text that is still worth reading when the connection ends."""
        self._setStatus(text, **values)
        self._lastResult = self.ui.statusLabel.text

    def _setStatus(self, text, **values):
        """Show a text; a value may be anything, the name ``address`` is the server's."""
        status = text.format(address=self.browser.address, **values).strip()
        # Errors are half sentences, so that they can stand in others; some end with a question.
        self.ui.statusLabel.text = (status[:1].upper() + status[1:]).replace("?.", "?")
