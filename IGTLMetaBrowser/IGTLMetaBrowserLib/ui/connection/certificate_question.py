"""Whether the certificate of a server is to be trusted, asked in the panel itself.

Not by a dialog that waits: the event loop goes on, and so does all else in Slicer.
"""

from __future__ import annotations

from dataclasses import replace

from slicer.i18n import tr as _

from ...net import ClientTLS
from .server_settings import keepSettings, settingsOf

# 16 bytes of a fingerprint fit into a line of a narrow panel.
_CHARACTERS_A_LINE = 16 * len("AB:")


class CertificateQuestion:
    """Shows the fingerprint of a certificate that is not trusted, and a button that accepts it.

    What is accepted is kept with the settings of that server; ``connect`` is called then, with its
    host and port.
    """

    def __init__(self, ui, connect):
        self.ui = ui
        self._connect = connect
        self._server = self._fingerprint = None
        self._text = _(
            "SHA-256 fingerprint of the certificate:\n{fingerprint}\n"
            "Trust it only if the server's administrator confirms it.\n"
            "If there is a file of the hospital's CA, use it (Advanced)."
        )
        ui.trustButton.clicked.connect(self._onTrustClicked)
        ui.dontTrustButton.clicked.connect(self._onDontTrustClicked)
        # A section that is expanded shows all that is in it.
        ui.serverCollapsibleButton.contentsCollapsed.connect(self._update)
        self.hide()

    def ask(self, host, port, fingerprint):
        """Ask whether this certificate of a server is to be trusted."""
        self._server, self._fingerprint = (host, port), fingerprint
        lines = fingerprint[:_CHARACTERS_A_LINE], fingerprint[_CHARACTERS_A_LINE:]
        self.ui.fingerprintLabel.text = self._text.format(fingerprint="\n".join(lines))
        self.ui.serverCollapsibleButton.collapsed = False
        self._update()

    def hide(self):
        """Ask no more."""
        self._server = self._fingerprint = None
        self._update()

    def _update(self, *_arguments):
        isOpen = not self.ui.serverCollapsibleButton.collapsed
        self.ui.certificateWidget.visible = isOpen and self._server is not None

    def _onTrustClicked(self, _checked=False):
        server, fingerprint = self._server, self._fingerprint
        settings = settingsOf(*server)
        tls = replace(settings.tls or ClientTLS(), accepted_fingerprint=fingerprint)
        keepSettings(*server, replace(settings, tls=tls))
        self.hide()
        self._connect(*server)

    def _onDontTrustClicked(self, _checked=False):
        self.hide()
