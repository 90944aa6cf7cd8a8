"""The section that shares the scene with others, and what is said of it."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...browser.endpoints.scene_server import SceneServerSettings
from ...net import TLSError, parse_networks
from ...system_errors import reason_of
from ..plurals import Plural
from ..widgets.elided_label import ElidedLabel
from .clients_table import ClientsTable
from .share_fields import ShareFields
from .shared_nodes import SharedNodes


class ShareSection:
    """Starts and stops ``endpoint``, a SceneEndpoint; a script may do so, too."""

    def __init__(self, ui, endpoint, localeTexts, statusLine):
        self.ui = ui
        self._endpoint = endpoint
        self._trajectories = Plural(
            localeTexts,
            _("One trajectory from {client} is shown."),
            _("{count} trajectories from {client} are shown."),
            none=_("No trajectories from {client} are shown."),
        )
        self._points = Plural(
            localeTexts,
            _("One point from {client} is shown."),
            _("{count} points from {client} are shown."),
            none=_("No points from {client} are shown."),
        )
        self._statusLine = statusLine
        self.nodes = SharedNodes(ui, endpoint)
        self.fields = ShareFields(ui)
        self._address = ElidedLabel(ui.servingLabel)
        self.clients = ClientsTable(ui, endpoint, localeTexts)
        endpoint.changed.connect(self.update)
        endpoint.trajectoriesShown.connect(self._onTrajectories)
        endpoint.pointsShown.connect(self._onPoints)
        ui.serveButton.clicked.connect(self._onClicked)
        self.update()

    def close(self):
        """Let go of everything."""
        self._address.close()
        self.nodes.close()
        self.clients.close()

    def update(self):
        """Show whether the scene is served, and where."""
        address = self._endpoint.address
        isServing = address is not None
        self.ui.serveButton.checked = isServing
        self.fields.setEnabled(not isServing)
        self._address.setText(self._text(*address) if isServing else "")

    def _text(self, host, port):
        """Return where the scene is served; in a narrow panel its end is cut."""
        if port == self.fields.port:  # it stands beside it
            return _("On {host}").format(host=host)
        host = f"[{host}]" if ":" in host else host
        return _("On {host}:{port}").format(host=host, port=port)

    def _onClicked(self, isChecked):
        if not isChecked:
            self._endpoint.stop()
            return
        try:
            self._endpoint.start(self._settings())
        except OSError as error:
            self._showFailure(f"{reason_of(error)}.")
        except (TLSError, ValueError) as error:
            self._showFailure(f"{error}.")
        else:
            self._statusLine.onMended()

    def _settings(self):
        """Return what the user has filled in. Raises ``ValueError``."""
        fields = self.fields
        return SceneServerSettings(
            fields.host, fields.port, fields.tls, parse_networks(fields.networks)
        )

    def _showFailure(self, words):
        self.update()
        self._address.setText(_("Not served"))
        self._statusLine.showMistake(words)

    def _onTrajectories(self, deviceName, nodes, problems):
        self._show(self._trajectories(len(nodes)), deviceName, problems)

    def _onPoints(self, deviceName, nodes, problems):
        count = sum(node.GetNumberOfControlPoints() for node in nodes)
        self._show(self._points(count), deviceName, problems)

    def _show(self, text, deviceName, problems):
        if problems:
            text += " " + _("Not shown: {problems}.")
        client = deviceName or _("a client without a name")
        self._statusLine.show(text, client=client, problems="; ".join(problems))
