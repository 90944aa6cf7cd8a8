"""The module's panel: shows what happens in the browser, and asks it for what the user wants."""

from __future__ import annotations

import qt

from .archive.section import ArchiveSection
from .archive.store import ArchiveStore
from .connection.section import ConnectionSection
from .connection.server_offers import ServerOffers
from .connection.server_settings_section import ServerSettingsSection
from .endpoints.share_section import ShareSection
from .images.kept_previews import KeptPreviews
from .images.overlay_section import OverlaySection
from .images.record_button import RecordButton
from .images.section import ImageSection
from .images.state_appearance import StateColors
from .images.table import ImageTableModel
from .locale_texts import LocaleTexts
from .panel_events import PanelEvents
from .panel_keys import PanelKeys
from .panel_messages import PanelMessages
from .patient_privacy import PatientPrivacy
from .progress_section import ProgressSection
from .sections import rememberSections
from .status_line import StatusLine
from .trajectories.section import TrajectorySection
from .widgets.button_tips import ButtonTips
from .widgets.own_window import drawAlone
from .widgets.wrapped_label import WrappedLabel


class BrowserPanel:
    """Connects the widgets of the .ui file, ``ui``, with a ``browser`` and what it can start.

    That is a SceneEndpoint and an ArchiveGateway.
    """

    def __init__(self, ui, browser, sceneEndpoint, archiveGateway):
        self.ui = ui
        self.browser = browser
        self.status = StatusLine(ui.statusLabel, browser)
        self._labels = [WrappedLabel(label) for label in (ui.statusLabel, ui.connectionLabel)]
        colors, texts = StateColors(ui.imageTableView), LocaleTexts()
        self._messages = PanelMessages(texts)
        # The view does not keep its model alive in Slicer.
        self.model = ImageTableModel(browser, colors, texts)
        self._tips = ButtonTips()
        self.connection = ConnectionSection(ui, browser, colors, texts, self.status)
        self.archive = ArchiveSection(ui, browser, archiveGateway, self.status)
        drawAlone(ui.serverCollapsibleButton.parentWidget())
        self._fixWidth()
        rememberSections(self._sections())
        self.images = ImageSection(ui, browser, self.model, colors, texts, self.status, self._tips)
        self.archiveStore = ArchiveStore(browser, archiveGateway, texts, self.status)
        self.trajectories = TrajectorySection(
            ui, browser, colors, texts, self.status, self.archiveStore
        )
        self.offers = ServerOffers(browser, self._tips)
        self.overlays = OverlaySection(ui, browser, self.images, self.offers, texts, self.status)
        self.progress = ProgressSection(ui, browser, texts)
        self.record = RecordButton(ui.recordButton, browser, self.images.selection, self.status)
        self.settings = ServerSettingsSection(ui, browser)
        self.share = ShareSection(ui, sceneEndpoint, texts, self.status)
        self.keptPreviews = KeptPreviews(ui.keepPreviewsCheckBox, browser.images.downloads.parts)
        ui.showInViewsCheckBox.toggled.connect(self._onShowInViewsToggled)
        self.privacy = PatientPrivacy(ui.hidePatientsCheckBox, browser)
        # After the browser, which was connected first: its log is redacted by then.
        browser.patients.hidden_changed.connect(self._onHiddenChanged)
        self._connectWidgets()
        self._keys = self._makeKeys()
        self.events = PanelEvents(self, self._messages, texts)
        self.status.showNothingBut(self._messages.notConnected)
        self.update()

    def close(self):
        """Leave the server, and let go of everything."""
        # First: what was on its way goes from the views with what is said of it there.
        self.browser.disconnect()
        self.events.close()
        self.browser.patients.hidden_changed.disconnect(self._onHiddenChanged)
        self.privacy.close()
        self.connection.close()
        self.archive.close()
        self.images.close()
        self.progress.close()
        self.trajectories.close()
        self.archiveStore.close()
        self.share.close()
        self.status.onSeen()  # or the status bar would say for ever what this panel was doing
        # A signal that is connected to a method keeps model and receiver alive, and a Python model
        # with a connected signal crashes Slicer when it exits.
        self.model.delete()
        self._keys.delete()
        for label in self._labels:
            label.delete()

    # What the user does

    def onConnectClicked(self, _checked=False):
        """Connect to the server in the line edit, or leave the one that is connected."""
        self.connection.connectOrDisconnect()
        self.update()

    def onRetryClicked(self, _checked=False):
        """Do not wait for the next attempt to connect."""
        self.browser.connection.reconnect_now()
        self.update()

    def onRefreshClicked(self, _checked=False):
        """Ask for the list again."""
        self.status.forgetResult()
        self.status.show(self._messages.readingList)
        self.browser.images.request_list()
        self.update()

    def onLoadClicked(self, _checked=False):
        """Load the selected images."""
        self.images.loadSelected()
        self.update()

    def onCancelClicked(self, _checked=False):
        """Stop loading images."""
        self.browser.images.cancel()
        self.update()

    def onTrajectoriesClicked(self, _checked=False):
        """Ask for the trajectories."""
        self.events.forgetTrajectories()
        self.status.forgetResult()
        self.status.show(self._messages.askingTrajectories)
        self.offers.onAsked("TRAJ", self.browser.trajectories.request())
        self.update()

    def onNodesRemoved(self):
        """Show which images are no longer in the scene."""
        self.images.showStates()
        self.trajectories.showStates()

    def _fixWidth(self):
        """Make the panel as wide as it ever needs to be.

        Slicer's panel, and the views beside it, would get another width whenever a section is
        expanded, the server is connected, or a live image is selected.
        """
        ui = self.ui
        ui.connectButton.text, ui.recordButton.visible = self.connection.disconnectText, True
        panel = ui.serverCollapsibleButton.parentWidget()
        panel.minimumWidth = panel.minimumSizeHint.width()

    def _sections(self):
        ui = self.ui
        closed = (
            ui.detailsCollapsibleButton,
            ui.shareCollapsibleButton,
            ui.advancedCollapsibleButton,
        )
        for button in closed:
            button.collapsed = True
        return (
            ui.serverCollapsibleButton,
            ui.imagesCollapsibleButton,
            ui.trajectoriesCollapsibleButton,
            *closed,
        )

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
        keys, ui = PanelKeys(), self.ui
        panel = ui.serverCollapsibleButton.parentWidget()
        images, trajectories = ui.imageTableView, ui.trajectoryTableView
        keys.addControlKey(panel, "F", self.images.filter.focus)
        keys.add(panel, [qt.Qt.Key_F5], self._onRefreshKey)
        for address in (ui.hostLineEdit, ui.portSpinBox):
            keys.add(address, [qt.Qt.Key_Return, qt.Qt.Key_Enter], self._onAddressEntered)
        keys.add(ui.filterLineEdit, [qt.Qt.Key_Down], self.images.focusTable)
        keys.addControlKey(images, "C", self.images.copying.copyRows)
        keys.addControlKey(trajectories, "C", self.trajectories.copying.copyRows)
        keys.add(images, [qt.Qt.Key_Return, qt.Qt.Key_Enter], self.onLoadClicked)
        keys.add(images, [qt.Qt.Key_A], self.images.selectAll, qt.Qt.ControlModifier)
        keys.add(images, [qt.Qt.Key_Right, qt.Qt.Key_Plus], self.images.openGroups)
        keys.add(images, [qt.Qt.Key_Left, qt.Qt.Key_Minus], self.images.closeGroups)
        keys.add(images, [qt.Qt.Key_Escape], self.onCancelClicked)
        keys.add(ui.filterLineEdit, [qt.Qt.Key_Escape], self.images.filter.clear)
        for lineEdit in self.images.filter.search.lineEdits:
            keys.add(lineEdit, [qt.Qt.Key_Escape], self.images.filter.search.clear)
        keys.add(trajectories, [qt.Qt.Key_Space], self.trajectories.toggleSelected)
        keys.add(trajectories, [qt.Qt.Key_Return, qt.Qt.Key_Enter], self.trajectories.jumpToTarget)
        filterBox = ui.trajectoryFilterLineEdit
        keys.add(filterBox, [qt.Qt.Key_Escape], self.trajectories.clearFilter)
        keys.add(panel, [qt.Qt.Key_Escape], self.onCancelClicked)
        return keys

    def _onAddressEntered(self):
        """Connect; the next key is for the list, and not for the button that disconnects."""
        if not self.browser.connection.has_server:
            self.onConnectClicked()
            if self.browser.connection.has_server:
                self.images.focusTable()

    def _onRefreshKey(self):
        if self.ui.refreshButton.enabled:
            self.onRefreshClicked()

    def _onSelectionChanged(self, _selected=None, _deselected=None):
        self.images.update()
        self.record.update()

    # How it looks

    def _onShowInViewsToggled(self, isChecked):
        # Nobody would see them: they cannot be chosen anywhere else.
        self.browser.images.downloads.parts.shows_previews = isChecked

    def _onHiddenChanged(self, _isHidden):
        self.privacy.show()
        self.images.showPatients()
        self.trajectories.showList()
        self.status.showPatients()

    def update(self):
        """Show how everything is now, and enable what can be done."""
        self.connection.update()
        self.archive.update()
        self.images.update()
        self.progress.update()
        self.trajectories.update()
        self.overlays.update()
        self.record.update()
        self.offers.show(self.ui.trajectoriesButton, "TRAJ")
        self.settings.update()
        self.offers.showOther(self.ui.refreshButton)
        self.offers.showOther(self.ui.sendButton)
