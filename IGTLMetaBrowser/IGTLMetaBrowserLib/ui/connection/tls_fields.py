"""How a server is connected to with TLS: the fields of the Advanced section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slicer.i18n import tr as _

from ...net import ClientTLS


class TlsFields:
    """Shows and reads ``net.ClientTLS`` in ``ui``, and calls ``onChanged`` when it is changed.

    The files have fields only while TLS is used. A certificate that the user has accepted, see
    ``CertificateQuestion``, is shown by its fingerprint and can be forgotten.
    """

    def __init__(self, ui, onChanged):
        self.ui = ui
        self._tls = ClientTLS()
        self._onChanged = onChanged
        self._accepted = _("Accepted certificate {fingerprint}")
        self._files = {
            "authority": ui.tlsAuthorityPathLineEdit,
            "certificate": ui.tlsCertificatePathLineEdit,
            "key": ui.tlsKeyPathLineEdit,
        }
        ui.tlsCheckBox.toggled.connect(self._onToggled)
        for lineEdit in self._files.values():
            lineEdit.currentPathChanged.connect(self._onPathChanged)
        ui.forgetCertificateButton.clicked.connect(self._onForgetClicked)
        # A section that is expanded shows all that is in it.
        ui.advancedCollapsibleButton.contentsCollapsed.connect(self._update)
        self.show(None)

    def show(self, tls):
        """Show how a server is connected to; None without TLS."""
        self._tls = tls or ClientTLS()
        self.ui.tlsCheckBox.checked = tls is not None
        for field, lineEdit in self._files.items():
            path = getattr(self._tls, field)
            text = "" if path is None else str(path)
            if lineEdit.currentPath != text:
                lineEdit.currentPath = text
        self._update()

    def read(self):
        """Return what the user wants, or None without TLS."""
        if not self.ui.tlsCheckBox.checked:
            return None
        paths = {field: lineEdit.currentPath.strip() for field, lineEdit in self._files.items()}
        return replace(self._tls, **{field: Path(p) if p else None for field, p in paths.items()})

    def _onToggled(self, _isChecked):
        self._update()
        self._onChanged()

    def _onPathChanged(self, _path):
        self._onChanged()

    def _onForgetClicked(self, _checked=False):
        self._tls = replace(self._tls, accepted_fingerprint="")
        self._update()
        self._onChanged()

    def _update(self, *_arguments):
        ui, fingerprint = self.ui, self._tls.accepted_fingerprint
        isOpen = not ui.advancedCollapsibleButton.collapsed
        ui.tlsWidget.visible = isOpen and ui.tlsCheckBox.checked
        ui.acceptedCertificateLabel.visible = ui.forgetCertificateButton.visible = fingerprint != ""
        ui.acceptedCertificateLabel.text = self._accepted.format(fingerprint=fingerprint[:23] + "…")
        ui.acceptedCertificateLabel.toolTip = fingerprint
