"""How the user wants a server to be treated: coordinates, times, limits."""

from __future__ import annotations

from dataclasses import replace

from slicer.i18n import tr as _

from ...codec import Coordinates
from ...net import format_address, parse_address
from .server_settings import keepSettings, settingsOf
from .tls_fields import TlsFields

_MEGABYTE = 1 << 20
_COORDINATES = (None, Coordinates.RAS, Coordinates.LPS)
_IS_RADIUS = (False, True)


class ServerSettingsSection:
    """The settings of the server that is connected, or else of the one in the host box.

    Coordinates count at once; the rest counts from the next connection.
    """

    def __init__(self, ui, browser):
        self.ui = ui
        self._browser = browser
        self._isShowing = False
        self._shownServer = None
        self._text = _("Settings for {address}:")
        self._tip = _("Settings for {address}, kept for the next time")
        ui.coordinatesComboBox.addItems(
            [
                _("As its messages say"),
                _("RAS (right, anterior, superior)"),
                _("LPS (left, posterior, superior)"),
            ]
        )
        ui.diameterComboBox.addItems([_("Diameter"), _("Radius")])
        ui.coordinatesComboBox.currentIndexChanged.connect(self._onChanged)
        ui.diameterComboBox.currentIndexChanged.connect(self._onChanged)
        for spinBox in (ui.connectTimeoutSpinBox, ui.answerTimeoutSpinBox, ui.largestImageSpinBox):
            spinBox.valueChanged.connect(self._onChanged)
        ui.missingChecksumCheckBox.toggled.connect(self._onChanged)
        self._tls = TlsFields(ui, self._onChanged)
        ui.hostLineEdit.textChanged.connect(self.update)
        ui.portSpinBox.valueChanged.connect(self.update)
        self.update()

    def update(self, *_arguments):
        """Show the settings of another server, if it is another one."""
        server = self._server()
        if server == self._shownServer:
            return
        self._shownServer = server
        address = format_address(*server)
        self.ui.settingsLabel.text = self._text.format(address=address)
        self.ui.settingsLabel.toolTip = self._tip.format(address=address)  # it may be cut
        self.showAgain()

    def showAgain(self):
        """Show the settings as they are kept."""
        self._isShowing = True
        self._show(settingsOf(*self._shownServer))
        self._isShowing = False

    def apply(self):
        """Use the coordinate system for the server that is connected now."""
        coordinates = settingsOf(*self._server()).coordinates
        self._browser.images.in_scene.coordinates = coordinates
        self._browser.trajectories.markups.coordinates = coordinates

    def _server(self):
        connected = self._browser.connection.host_and_port
        if connected is not None:
            return connected
        typed, port = self.ui.hostLineEdit.text.strip() or "localhost", self.ui.portSpinBox.value
        try:
            return parse_address(typed, port)
        except ValueError:
            return typed, port

    def _show(self, settings):
        ui = self.ui
        ui.coordinatesComboBox.currentIndex = _COORDINATES.index(settings.coordinates)
        ui.diameterComboBox.currentIndex = _IS_RADIUS.index(settings.diameter_is_radius)
        ui.connectTimeoutSpinBox.value = round(settings.connect_timeout)
        ui.answerTimeoutSpinBox.value = round(settings.answer_timeout)
        ui.largestImageSpinBox.value = settings.max_body_size // _MEGABYTE
        self._tls.show(settings.tls)
        ui.missingChecksumCheckBox.checked = settings.accept_missing_checksum

    def _onChanged(self, *_arguments):
        if self._isShowing:
            return
        ui, server = self.ui, self._server()
        before = settingsOf(*server)
        now = replace(
            before,
            coordinates=_COORDINATES[ui.coordinatesComboBox.currentIndex],
            diameter_is_radius=_IS_RADIUS[ui.diameterComboBox.currentIndex],
            connect_timeout=float(ui.connectTimeoutSpinBox.value),
            answer_timeout=float(ui.answerTimeoutSpinBox.value),
            max_body_size=ui.largestImageSpinBox.value * _MEGABYTE,
            accept_missing_checksum=bool(ui.missingChecksumCheckBox.checked),
            tls=self._tls.read(),
        )
        keepSettings(*server, now)
        hasMoved = now.coordinates != before.coordinates
        if hasMoved and self._browser.connection.has_server:
            self.apply()
            self._browser.trajectories.request()
