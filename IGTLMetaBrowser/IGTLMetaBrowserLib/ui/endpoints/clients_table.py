"""Who has connected to the shared scene, and what they have fetched, as a table."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..widgets.table_model import TableModel
from ..widgets.table_views import limitHeight, setRowHeight

CLIENT, FETCHED, SIZE = range(3)
_FEWEST_ROWS, _MOST_ROWS = 3, 5


class ClientsTableModel(TableModel):
    """One row for each ``browser.served_clients.ClientSummary``, the latest first."""

    def __init__(self, localeTexts):
        TableModel.__init__(self, (_("Client"), _("Fetched"), _("Size")))
        self._localeTexts = localeTexts
        self._clients = []
        self._left = _("{client}, left")
        self._since = _("connected at {moment}")
        self._refused = _("refused: {reason}")
        self._lists = {"TRAJ": _("trajectories"), "POINT": _("points")}

    def setClients(self, clients):
        """Show other clients."""
        self.beginResetModel()
        self._clients = clients[::-1]
        self.endResetModel()

    def _rowTotal(self):
        return len(self._clients)

    def _text(self, row, column):
        client = self._clients[row]
        if column == CLIENT:
            name = ", ".join(filter(None, (client.address, client.certificate)))
            return name if client.is_connected else self._left.format(client=name)
        if column == FETCHED:
            if client.refusal:
                return self._refused.format(reason=client.refusal)
            return ", ".join(self._lists.get(name, name) for name in client.fetched)
        return self._localeTexts.byteCount(client.byte_count) if client.byte_count else ""

    def _toolTipLines(self, row, column):
        moment = self._localeTexts.exactMoment(self._clients[row].connected_at)
        return [self._text(row, column), self._since.format(moment=moment)]


class ClientsTable:
    """Shows the clients of ``endpoint``; there is no table as long as nobody has connected."""

    def __init__(self, ui, endpoint, localeTexts):
        self.ui = ui
        self._endpoint = endpoint
        # The view does not keep its model alive in Slicer.
        self.model = ClientsTableModel(localeTexts)
        view = ui.clientsTableView
        view.setModel(self.model)
        view.verticalHeader().visible = False
        setRowHeight(view)
        view.horizontalHeader().setSectionResizeMode(FETCHED, qt.QHeaderView.Stretch)
        view.setColumnWidth(CLIENT, 150)
        view.setColumnWidth(SIZE, 64)
        endpoint.changed.connect(self.update)
        endpoint.clientsChanged.connect(self.update)
        ui.shareCollapsibleButton.contentsCollapsed.connect(self.update)
        self.update()

    def close(self):
        """Let go of the model."""
        self._endpoint.changed.disconnect(self.update)
        self._endpoint.clientsChanged.disconnect(self.update)
        self.model.delete()  # see BrowserPanel.close

    def update(self, *_arguments):
        """Show who there is now."""
        clients = self._endpoint.clients
        self.model.setClients(clients)
        isOpen = not self.ui.shareCollapsibleButton.collapsed
        self.ui.clientsTableView.visible = isOpen and len(clients) > 0
        limitHeight(self.ui.clientsTableView, _FEWEST_ROWS, _MOST_ROWS)
