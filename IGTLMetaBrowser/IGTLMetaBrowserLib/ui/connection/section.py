"""Which server, and how the connection stands."""

from __future__ import annotations

import time

import qt
from slicer.i18n import tr as _

from ...browser.events import ConnectionState
from ...net import UntrustedCertificateError, format_address, parse_address
from ..archive.gateway import isGateway
from ..endpoints.demo_endpoint import isDemo
from .certificate_question import CertificateQuestion
from .endpoint_history import EndpointHistory
from .server_settings import settingsOf

# For seconds that count down, twice as often, so that none is passed over.
_TICK_MILLISECONDS = 500


class ConnectionSection:
    """Host, port, the servers that worked before, and the state of the connection."""

    def __init__(self, ui, browser, colors, localeTexts, statusLine):
        self.ui = ui
        self._browser = browser
        self._colors = colors
        self._localeTexts = localeTexts
        self._statusLine = statusLine
        self._history = EndpointHistory()
        # Not the button's own: that draws a second arrow, and without it, by a style sheet, a
        # button keeps its colors when the user chooses another style.
        self._menu = qt.QMenu(ui.historyButton)
        self._menu.aboutToShow.connect(self._fillMenu)
        ui.historyButton.clicked.connect(self._showMenu)
        # While something is waited for, the seconds that are left are counted.
        self._timer = qt.QTimer()
        self._timer.timeout.connect(self.update)
        self.disconnectText = _("Dis&connect")
        self._question = CertificateQuestion(ui, self._connectTo)
        self._lastServer = None

    def close(self):
        """Count no more seconds."""
        self._timer.stop()
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.timeout.disconnect(self.update)

    def connectOrDisconnect(self):
        """Connect to the server in the line edit, or leave the one that is connected."""
        if self._browser.connection.has_server:
            self._browser.disconnect()
        else:
            self._connect()

    def onConnecting(self):
        """Remember which server it is; what was asked about another one is past."""
        self._lastServer = self._browser.connection.host_and_port
        self._question.hide()

    def onFailed(self, error):
        """Ask the user whether to trust the server's certificate, if that is what is wrong."""
        if isinstance(error, UntrustedCertificateError) and self._lastServer is not None:
            self._question.ask(*self._lastServer, error.fingerprint)

    def onConnected(self):
        """Remember the server: it works. A demo or a gateway is gone with its window."""
        host, port = self._browser.connection.host_and_port
        if not (isDemo(host, port) or isGateway(host, port)):
            self._history.add(host, port)

    def update(self):
        """Show the state of the connection."""
        hasServer = self._browser.connection.has_server
        state = self._browser.connection.state
        self.ui.connectButton.text = self.disconnectText if hasServer else _("&Connect")
        for widget in (self.ui.hostLineEdit, self.ui.portSpinBox, self.ui.historyButton):
            widget.enabled = not hasServer
        self.ui.demoButton.visible = not hasServer
        self.ui.retryButton.visible = state is ConnectionState.RECONNECTING
        self._showState(state)

    def _connect(self):
        typed = self.ui.hostLineEdit.text.strip() or "localhost"
        try:
            host, port = parse_address(typed, self.ui.portSpinBox.value)
        except ValueError as error:
            self._statusLine.show("{error}.", error=error)
            return
        self._fillIn(host, port)
        self._connectTo(host, port)

    def _connectTo(self, host, port):
        self._browser.connect(host, port, settings=settingsOf(host, port))

    def _fillIn(self, host, port):
        # What was pasted as host and port goes where it belongs.
        self.ui.hostLineEdit.text = host
        self.ui.portSpinBox.value = port

    def _showMenu(self, _checked=False):
        button = self.ui.historyButton
        self._menu.popup(button.mapToGlobal(qt.QPoint(0, button.height)))

    def _fillMenu(self):
        self._menu.clear()
        endpoints = self._history.endpoints()
        for host, port in endpoints:
            self._addEndpoint(host, port)
        if not endpoints:
            self._menu.addAction(_("No recent servers")).enabled = False
            return
        self._menu.addSeparator()
        forget = self._menu.addAction(_("Clear list"))
        forget.triggered.connect(lambda _checked=False: self._history.clear())

    def _addEndpoint(self, host, port):
        action = self._menu.addAction(format_address(host, port).replace("&", "&&"))
        action.triggered.connect(lambda _checked=False: self._fillIn(host, port))

    def _showState(self, state):
        isAwaiting = self._isAwaiting(state)
        seconds = self._secondsLeft(state) if isAwaiting else None
        text = self._stateText(state, isAwaiting, seconds is not None)
        self.ui.connectionLabel.text = text.format(
            address=self._browser.connection.address,
            seconds=self._localeTexts.duration(seconds or 0),
        )
        style = f"color: {self._stateColor(state).name()}; font-weight: bold"
        if self.ui.connectionLabel.styleSheet != style:  # to set it takes long
            self.ui.connectionLabel.styleSheet = style
        self._countSeconds(isAwaiting)

    def _stateText(self, state, isAwaiting, hasSeconds):
        if state is ConnectionState.NOT_CONNECTED:
            return _("Not connected")
        if state is ConnectionState.CONNECTING:
            text = _("Connecting to {address}")
            return text + ", " + _("gives up in {seconds}") if hasSeconds else text
        if state is ConnectionState.RECONNECTING:
            text = _("Connection to {address} lost")
            return text + ", " + _("next attempt in {seconds}") if hasSeconds else text
        if self._browser.images.downloads.transfer is not None:
            return _("Connected to {address}, loading")
        if isAwaiting:
            text = _("Connected to {address}, waiting for an answer")
            return text + ", " + _("{seconds} at most") if hasSeconds else text
        return _("Connected to {address}")

    def _stateColor(self, state):
        colors = {
            ConnectionState.NOT_CONNECTED: self._colors.plain,
            ConnectionState.CONNECTING: self._colors.amber,
            ConnectionState.CONNECTED: self._colors.green,
            ConnectionState.RECONNECTING: self._colors.red,
        }
        return colors[state]

    def _isAwaiting(self, state):
        if state is ConnectionState.CONNECTED:
            # Nobody waits for pictures: to say so with each of them would make the panel flicker.
            arePictures = self._browser.thumbnails.is_asking or self._browser.previews.is_asking
            return self._browser.connection.is_waiting and not arePictures
        return state is not ConnectionState.NOT_CONNECTED

    def _secondsLeft(self, state):
        """Return after how many seconds something else happens; None if that is at once."""
        isLost = state is ConnectionState.RECONNECTING
        moment = self._browser.connection.next_attempt if isLost else self._browser.next_deadline
        if moment is None or moment <= time.monotonic():
            return None
        return moment - time.monotonic()

    def _countSeconds(self, isCounting):
        if isCounting and not self._timer.isActive():
            self._timer.start(_TICK_MILLISECONDS)
        elif not isCounting:
            self._timer.stop()
