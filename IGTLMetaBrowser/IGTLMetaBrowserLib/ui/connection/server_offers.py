"""What a server has left unanswered: the panel offers it no more."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...net import TimeOutError


class ServerOffers:
    """Knows which types of data the present server of ``browser`` does not answer to.

    Some servers say so themselves (CAPABILITY). A refusal is an answer: what is not there yet, such
    as a plan, may be there later. What was left unanswered can be requested again after the user
    has connected anew.
    """

    def __init__(self, browser, tips):
        self._browser = browser
        self._tips = tips
        self._queries = {}
        self._missing = set()
        self._notConnectedTip = _("{tip}. Connect to a server first.")
        self._notOfferedTip = _("{tip}. This server has none.")
        self._missingTip = _(
            "{tip}. This server did not answer the last time; connect again to retry."
        )

    def onAsked(self, dataType, query):
        """Remember a ``net.Query`` for a type of data."""
        self._queries[dataType] = query

    def onFailed(self, error):
        """Note for which type of data this error is the answer."""
        if isinstance(error, TimeOutError):
            queries = self._queries.items()
            self._missing.update(type_ for type_, query in queries if query.error is error)

    def onConnected(self):
        """Begin with another server."""
        self._queries.clear()
        self._missing.clear()

    def show(self, button, dataType):
        """Enable a button if the server may have what it asks for; else its tool tip says why."""
        connection, reason = self._browser.connection, ""
        if not connection.has_server:
            reason = self._notConnectedTip
        elif dataType in self._missing:
            reason = self._missingTip
        elif connection.offers(dataType) is False:
            reason = self._notOfferedTip
        self._tips.enable(button, reason)

    def showOther(self, button):
        """Enable a button that needs nothing but a server."""
        hasServer = self._browser.connection.has_server
        self._tips.enable(button, "" if hasServer else self._notConnectedTip)
