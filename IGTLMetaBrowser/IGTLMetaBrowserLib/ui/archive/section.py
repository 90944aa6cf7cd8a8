"""The archive (PACS) of the user, which the module browses through a gateway on this computer."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from ...net import ConnectionSettings
from ...system_errors import reason_of
from .dialog import ArchiveDialog
from .python_packages import ensureInstalled

# An archive may prepare a series for long before its first byte comes.
_ANSWER_SECONDS = 600.0


class ArchiveSection:
    """The button in ``ui``: asks which archive, starts ``gateway``, and connects ``browser`` to it.

    The gateway ends when the browser leaves it.
    """

    def __init__(self, ui, browser, gateway, statusLine):
        self._ui = ui
        self._browser = browser
        self._gateway = gateway
        self._statusLine = statusLine
        self._isConnected = False
        self.dialog = None
        self._texts = _texts()
        ui.archiveButton.clicked.connect(self._onClicked)
        gateway.ready.connect(self._onReady)
        gateway.failed.connect(self._onFailed)

    def close(self):
        """Let go of the gateway, which may run on, and of the dialog."""
        self._gateway.ready.disconnect(self._onReady)
        self._gateway.failed.disconnect(self._onFailed)
        if self.dialog is not None:
            self.dialog.close()
            self.dialog = None

    def update(self):
        """Offer what can be done now."""
        isStarting = self._gateway.isStarting
        self._ui.archiveButton.visible = not self._browser.connection.has_server or isStarting
        self._ui.archiveButton.text = self._texts["cancel" if isStarting else "archive"]

    def onServerLeft(self):
        """End the gateway, if it was its server that the browser has left."""
        if self._isConnected:
            self._isConnected = False
            self._gateway.stop()

    def start(self, archive):
        """Start the gateway to an ``ArchiveAddress``, and connect when it is ready."""
        if not ensureInstalled(*archive.package, self._statusLine):
            return
        try:
            self._gateway.start(archive)
        except OSError as error:
            self._show("notStarted", error=reason_of(error))
        else:
            self._show("starting", name=archive.text)
        self.update()

    def _onClicked(self, _checked=False):
        if self._gateway.isStarting:
            self._gateway.stop()
            self._show("cancelled")
            self.update()
            return
        if self.dialog is None:
            self.dialog = ArchiveDialog(slicer.util.mainWindow(), self.start)
        self.dialog.open()

    def _onReady(self, host, port):
        # The browser leaves the server before: not this one.
        self._isConnected = False
        settings = ConnectionSettings(answer_timeout=_ANSWER_SECONDS)
        self._browser.connect(host, port, settings, name=self._gateway.archive.text)
        self._isConnected = True
        self.update()

    def _onFailed(self, words):
        """The gateway has ended: the archive is down, or refuses."""
        wasConnected, self._isConnected = self._isConnected, False
        if wasConnected:
            self._browser.disconnect()
        self._show("ended", name=self._gateway.archive.text, words=words or self._texts["noWords"])
        self.update()

    def _show(self, key, **values):
        self._statusLine.forgetResult()
        self._statusLine.show(self._texts[key], **values)


def _texts():
    return {
        "archive": _("&Archive…"),
        "cancel": _("Cancel"),
        "starting": _("Starting the gateway to {name} …"),
        "cancelled": _("The gateway was cancelled."),
        "ended": _("The gateway to {name} has ended: {words}."),
        "noWords": _("it said nothing of why"),
        "notStarted": _("The gateway cannot be started: {error}."),
    }
