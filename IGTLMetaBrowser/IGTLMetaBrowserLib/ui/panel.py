"""The module's panel: shows what the browser tells, and asks it for what the user wants."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import qt
from slicer.i18n import tr as _

from ..browser import events as events
from ..codec import printable
from ..net import CancelledError
from .connection_section import ConnectionSection
from .image_section import ImageSection
from .image_table import ImageTableModel
from .locale_texts import LocaleTexts
from .overlay_section import AnnotationSection
from .panel_keys import PanelKeys
from .patient_privacy import PatientPrivacy
from .progress_section import ProgressSection
from .scene_server_section import SceneServerSection
from .sections import rememberSections
from .server_settings_section import ServerSettingsSection
from .slice_views import showInSliceViews
from .state_appearance import StateColors
from .status_line import StatusLine
from .timers import SingleShotTimer
from .trajectory_section import TrajectorySection

# A list that is younger need not be read again when a lost connection is there again.
_YOUNG_LIST = timedelta(seconds=10)


class BrowserPanel:
    """Connects the widgets of the .ui file, ``ui``, with a ``browser``, and a SceneEndpoint."""

    def __init__(self, ui, browser, sceneEndpoint):
        self.ui = ui
        self.browser = browser
        self._status = StatusLine(ui.statusLabel, browser)
        self._imageInStatus = None
        self._trajectoriesInStatus = None
        self._isFirstConnection = True
        colors, texts = StateColors(ui.imageTableView), LocaleTexts()
        self._texts = texts
        # The view does not keep its model alive in Slicer.
        self.model = ImageTableModel(browser, colors, texts)
        self.connection = ConnectionSection(ui, browser, colors, texts, self._status)
        self.images = ImageSection(ui, browser, self.model, colors, texts, self._status)
        self.trajectories = TrajectorySection(ui, browser, colors, texts, self._status)
        self.annotations = AnnotationSection(ui, browser, self.images, texts, self._status)
        self.progress = ProgressSection(ui, browser, texts)
        self.sceneServer = SceneServerSection(ui, sceneEndpoint, texts, self._status)
        self.privacy = PatientPrivacy(ui.hidePatientsCheckBox, browser, self._showPatients)
        self._handlers = self._makeHandlers()
        self._messages = _Messages(texts)
        self._updateTimer = SingleShotTimer(self._updateStates)
        self._connectWidgets()
        rememberSections(
            (
                ui.serverCollapsibleButton,
                ui.imagesCollapsibleButton,
                ui.trajectoriesCollapsibleButton,
                ui.detailsCollapsibleButton,
                ui.advancedCollapsibleButton,
            )
        )
        self._keys = self._makeKeys()
        browser.add_observer(self._onBrowserEvent)
        self._status.showNothingBut(_("Not connected."))
        self._update()

    def close(self):
        """Leave the server, and let go of everything."""
        self.browser.remove_observer(self._onBrowserEvent)
        self.browser.disconnect()
        self._updateTimer.close()
        self.connection.close()
        self.images.close()
        self.trajectories.close()
        # A signal that is connected to a method keeps model and receiver alive, and a Python model
        # with a connected signal crashes Slicer when it exits.
        self.model.delete()
        self._keys.delete()

    # What the user does

    def onConnectClicked(self, _checked=False):
        """Connect to the server in the line edit, or leave the one that is connected."""
        self.connection.connectOrDisconnect()
        self._update()

    def onRetryClicked(self, _checked=False):
        """Do not wait for the next attempt to connect."""
        self.browser.connection.reconnect_now()
        self._update()

    def onRefreshClicked(self, _checked=False):
        """Ask for the list again."""
        self._status.forgetResult()
        self._status.show(_("Reading the list of images of {address} …"))
        self.browser.images.request_list()
        self._update()

    def onLoadClicked(self, _checked=False):
        """Load the selected images."""
        self.images.loadSelected()
        self._update()

    def onCancelClicked(self, _checked=False):
        """Load no more images."""
        self.browser.images.cancel()
        self._update()

    def onTrajectoriesClicked(self, _checked=False):
        """Ask for the trajectories."""
        self._trajectoriesInStatus = None
        self._status.forgetResult()
        self._status.show(_("Asking {address} for trajectories …"))
        self.browser.trajectories.request()
        self._update()

    def selectedImageIds(self):
        """Return the ids of the selected images, in the order of the table."""
        return self.images.selection.imageIds()

    def onNodesRemoved(self):
        """Show which images are no longer in the scene."""
        # The scene may tell the window before those who tell the browser.
        self.browser.nodes_removed()
        self.images.showStates()
        self.trajectories.showStates()

    def _connectWidgets(self):
        ui = self.ui
        ui.connectButton.clicked.connect(self.onConnectClicked)
        ui.retryButton.clicked.connect(self.onRetryClicked)
        ui.refreshButton.clicked.connect(self.onRefreshClicked)
        ui.loadButton.clicked.connect(self.onLoadClicked)
        ui.cancelButton.clicked.connect(self.onCancelClicked)
        ui.trajectoriesButton.clicked.connect(self.onTrajectoriesClicked)
        self._selectionModel = ui.imageTableView.selectionModel()
        self._selectionModel.selectionChanged.connect(self._onSelectionChanged)
        self.model.modelReset.connect(self.images.update)

    def _makeKeys(self):
        keys = PanelKeys()
        panel = self.ui.serverCollapsibleButton.parentWidget()
        table, filterBox = self.ui.imageTableView, self.ui.filterLineEdit
        keys.addControlKey(panel, "F", self.images.filter.focus)
        keys.add(table, [qt.Qt.Key_Return, qt.Qt.Key_Enter], self.onLoadClicked)
        keys.add(table, [qt.Qt.Key_A], self.images.selectAll, qt.Qt.ControlModifier)
        keys.add(filterBox, [qt.Qt.Key_Escape], self.images.filter.clear)
        keys.add(table, [qt.Qt.Key_Escape], self.onCancelClicked)
        trajectories, filterBox = self.ui.trajectoryTableView, self.ui.trajectoryFilterLineEdit
        keys.add(trajectories, [qt.Qt.Key_Space], self.trajectories.toggleSelected)
        keys.add(filterBox, [qt.Qt.Key_Escape], self.trajectories.clearFilter)
        keys.add(panel, [qt.Qt.Key_Escape], self.onCancelClicked)
        return keys

    def _onSelectionChanged(self, _selected=None, _deselected=None):
        self.images.update()

    # What the browser tells

    def _makeHandlers(self):
        return {
            events.Connecting: self._onConnecting,
            events.Connected: self._onConnected,
            events.Disconnected: self._onDisconnected,
            events.Asked: self._onAsked,
            events.Listed: self._onListed,
            events.ImageProgress: self._onImageProgress,
            events.ImageLoaded: self._onImageLoaded,
            events.ImageFailed: self._onImageFailed,
            events.ImagesAdopted: self._onImagesAdopted,
            events.LiveImage: self._onLiveImage,
            events.TrajectoriesChanged: self._onTrajectoriesChanged,
            events.TrajectoriesShown: self._onTrajectoriesShown,
            events.TrajectoriesSent: self._onTrajectoriesSent,
            events.Failed: self._onFailed,
            **self.annotations.handlers,
        }

    def _onBrowserEvent(self, event):
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(event)
        if isinstance(event, (events.ImageWaiting, events.ImageFailed)):
            # There may be 100,000 of these at once: they are shown together, in the next turn.
            self._updateTimer.start(0)
        else:
            self._update()

    def _onConnecting(self, _event):
        if self._isFirstConnection:
            self._status.forgetResult()
            self._status.show(_("Connecting to {address} …"))

    def _onConnected(self, _event):
        self.connection.noteConnected()
        self.trajectories.showList()
        if self._isFirstConnection:
            self._isFirstConnection = False
            self._status.show(_("Connected to {address}. Reading the list of images …"))
            self.browser.images.request_list()
        elif self._isListOld():
            self.browser.images.request_list()

    def _isListOld(self):
        listedAt = self.browser.images.listed_at
        if listedAt is None:
            # It was lost with the connection, and is not being asked for again.
            return not self.browser.connection.is_waiting
        return datetime.now(timezone.utc) - listedAt > _YOUNG_LIST

    def _onDisconnected(self, event):
        if event.error is None:
            self._isFirstConnection = True
            self.images.showList()
            self.trajectories.showList()
            self._trajectoriesInStatus = None
            self._status.forgetResult()
            self._status.showNothingBut(_("Not connected."))
            return
        if self._isFirstConnection:
            # The address is likely to be wrong.
            self.browser.disconnect()
        self._status.showError(event.error)

    def _onAsked(self, _event):
        transfer = self.browser.images.transfer
        if transfer is not None and self._imageInStatus != transfer.image_id:
            self._imageInStatus = transfer.image_id
            self.model.updateState(transfer.image_id)
            self._status.show(
                _("Loading {name}, image {number} of {count} …"),
                name=self._imageName(transfer.image_id),
                number=transfer.done + 1,
                count=transfer.total,
            )

    def _onListed(self, event):
        before = self.model.images.listed_ids
        self.images.showList()
        now = self.model.images.listed_ids
        count = len(event.entries)
        texts = {0: _("{address} offers no images"), 1: _("{address} offers one image")}
        text = texts.get(count, _("{address} offers {count} images"))
        added, withdrawn = len(now - before), len(before - now)
        if before and (added or withdrawn):
            text += _(": {added} new, {withdrawn} withdrawn")
        self._status.showResult(
            text + ".",
            count=self._texts.number(count),
            added=self._texts.number(added),
            withdrawn=self._texts.number(withdrawn),
        )

    def _onImageProgress(self, event):
        self.model.updateState(event.image_id)

    def _onImageLoaded(self, event):
        self._imageInStatus = None
        self.model.updateState(event.image_id)
        if self.ui.showInViewsCheckBox.checked:
            showInSliceViews(event.node)
        notes = [*event.notes, *self.model.calibrationNotes(event.image_id)]
        text = _("{name} is loaded; note: {notes}.") if notes else _("{name} is loaded.")
        notes = "; ".join(notes)
        self._status.showResult(text, name=self._imageName(event.image_id), notes=notes)

    def _onImageFailed(self, event):
        self._imageInStatus = None
        if isinstance(event.error, CancelledError):
            self._status.show(_("Loading was cancelled."))
            return
        self._status.show(
            _("{name} could not be loaded: {error}."),
            name=self._imageName(event.image_id),
            error=event.error,
        )

    def _onImagesAdopted(self, _event):
        self.images.showStates()

    def _onLiveImage(self, event):
        self.images.showLiveImage(event.image_id)
        if event.frames == 1 and event.node is not None and self.ui.showInViewsCheckBox.checked:
            showInSliceViews(event.node)

    def _onTrajectoriesChanged(self, _event):
        self.trajectories.showList()

    def _onTrajectoriesShown(self, event):
        self.trajectories.showList()
        inStatus = (len(event.nodes), tuple(event.problems))
        if inStatus == self._trajectoriesInStatus:
            # They stream in, ten times a second: something else would never be read.
            return
        self._trajectoriesInStatus = inStatus
        texts = {0: _("No trajectories came."), 1: _("One trajectory is shown.")}
        text = texts.get(len(event.nodes), _("{count} trajectories are shown."))
        if event.problems:
            text += " " + _("Not shown: {problems}.")
        problems = "; ".join(event.problems)
        self._status.showResult(text, count=len(event.nodes), problems=problems)

    def _onTrajectoriesSent(self, event):
        texts = {1: _("One trajectory was sent to {address}.")}
        text = texts.get(event.count, _("{count} trajectories were sent to {address}."))
        self._status.showResult(text, count=self._texts.number(event.count))

    def _onFailed(self, event):
        self._status.showError(event.error)

    # How it looks

    def _showPatients(self):
        self.images.showPatients()
        self.trajectories.showList()
        self._status.showPatients()

    def _updateStates(self):
        self.images.showStates()
        self._update()

    def _update(self):
        self.connection.update()
        self.images.update()
        self.progress.update()
        self.trajectories.update()
        self.annotations.update()
        self.ui.refreshButton.enabled = self.browser.connection.has_server

    def _imageName(self, imageId):
        # The table has more than the list: live images and label maps.
        row = self.model.images.row(imageId)
        return printable((row is not None and self.model.images.entry(row).name) or imageId)
