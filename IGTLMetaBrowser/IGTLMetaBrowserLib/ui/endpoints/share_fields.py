"""To whom the scene is shared, and how: port, other computers, networks, certificates."""

from __future__ import annotations

from pathlib import Path

import qt
from slicer.i18n import tr as _

from ...browser.endpoints.scene_server import DEFAULT_HOST
from ...net import ServerTLS
from ..settings_values import PREFIX, readText

_ALL_ADDRESSES = "0.0.0.0"


class ShareFields:
    """What the user fills in. Files and networks are kept in the settings.

    That other computers may connect is not kept: it is decided each time that Slicer runs.
    """

    def __init__(self, ui):
        self.ui = ui
        self._kept = {
            "ShareCertificate": ui.shareCertificatePathLineEdit,
            "ShareKey": ui.shareKeyPathLineEdit,
            "ShareClientAuthority": ui.shareClientAuthorityPathLineEdit,
        }
        self._open = _(
            "Any computer that can reach this one can get what\nis shared, unencrypted. Enter a "
            "certificate and\nthe allowed networks."
        )
        for key, lineEdit in self._kept.items():
            lineEdit.currentPath = readText(key)
            lineEdit.currentPathChanged.connect(self._onChanged)
        ui.allowedNetworksLineEdit.text = readText("ShareNetworks")
        ui.allowedNetworksLineEdit.textChanged.connect(self._onChanged)
        ui.remoteCheckBox.toggled.connect(self._update)
        # A section that is expanded shows all that is in it.
        ui.shareCollapsibleButton.contentsCollapsed.connect(self._update)
        self._update()

    @property
    def host(self):
        """The address on which to listen."""
        return _ALL_ADDRESSES if self.ui.remoteCheckBox.checked else DEFAULT_HOST

    @property
    def port(self):
        return self.ui.servePortSpinBox.value

    @property
    def networks(self):
        """Whose addresses may connect, as the user has typed them."""
        return self.ui.allowedNetworksLineEdit.text if self.ui.remoteCheckBox.checked else ""

    @property
    def tls(self):
        """The files of the certificate, or None without one."""
        certificate, key, authority = (
            Path(lineEdit.currentPath) if lineEdit.currentPath.strip() else None
            for lineEdit in self._kept.values()
        )
        return None if certificate is None else ServerTLS(certificate, key, authority)

    def setEnabled(self, isEnabled):
        """Let the user change them, or not."""
        ui = self.ui
        others = (ui.servePortSpinBox, ui.remoteCheckBox, ui.allowedNetworksLineEdit)
        for widget in (*others, *self._kept.values()):
            widget.enabled = isEnabled

    def _onChanged(self, *_arguments):
        for key, lineEdit in self._kept.items():
            qt.QSettings().setValue(PREFIX + key, lineEdit.currentPath)
        qt.QSettings().setValue(PREFIX + "ShareNetworks", self.ui.allowedNetworksLineEdit.text)
        self._update()

    def _update(self, *_arguments):
        ui = self.ui
        isRemote = ui.remoteCheckBox.checked and not ui.shareCollapsibleButton.collapsed
        ui.allowedNetworksLabel.visible = ui.allowedNetworksLineEdit.visible = isRemote
        ui.shareWarningLabel.text = self._open
        ui.shareWarningLabel.visible = isRemote and (self.tls is None or not self.networks.strip())
