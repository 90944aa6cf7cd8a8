"""Sending markups lines to the server as trajectories; storing what was made in an archive."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from ...browser.browser import BrowserError
from ...net import NetworkError
from ...scene.label_maps.outgoing_labels import storable_nodes
from ...scene.markups.new_markups import LINE_CLASS

_MOST_LINES = 30
_MOST_LABELS = 20


class SendMenu:
    """The menu of ``button``: what is selected in the table, and the lines that are not in it.

    ``selected`` returns the nodes of what is selected, ``listed`` those of all the table.
    ``stores`` store what is selected, a line or label map, where an archive is browsed.
    """

    def __init__(self, button, browser, selected, listed, statusLine, stores):
        self._stores = stores
        self._browser = browser
        self._selected = selected
        self._listed = listed
        self._statusLine = statusLine
        # The button does not keep its menu alive in Slicer.
        self.menu = qt.QMenu(button)
        button.setMenu(self.menu)
        self.menu.aboutToShow.connect(self.fill)

    def fill(self):
        """Offer what can be sent now."""
        self.menu.clear()
        selected, lines = self._selected(), self._newLines()
        if self._stores.isStoring:
            self.menu.addAction(_("A document is being stored")).enabled = False
            return
        if self._stores.isOffered:
            self._fillForArchive(selected, lines)
            return
        if selected:
            text = _("Selected trajectories ({count})").format(count=len(selected))
            self._add(text, selected)
            self.menu.addSeparator()
        for line in lines[:_MOST_LINES]:
            self._add(line.GetName(), [line])
        if not selected and not lines:
            self.menu.addAction(_("Select trajectories, or draw a markups line")).enabled = False

    def _fillForArchive(self, selected, lines):
        """An archive is sent nothing, but can store plans and segmentations."""
        plans = [(_("Store selected trajectories ({count})"), selected)]
        plans += [(_("Store all new lines ({count})"), lines)]
        for text, nodes in plans:
            action = self.menu.addAction(text.format(count=len(nodes)))
            action.enabled = len(nodes) > 0
            action.triggered.connect(self._storing(self._stores.plans, nodes))
        for document, removed in self._stores.plans.emptied().items():
            text = _("Store that a plan was removed ({count})").format(count=len(removed))
            self.menu.addAction(text).triggered.connect(self._emptying(document, removed))
        self.menu.addSeparator()
        for node in storable_nodes(slicer.mrmlScene)[:_MOST_LABELS]:
            text = _("Store {name}").format(name=node.GetName().replace("&", "&&"))
            action = self.menu.addAction(text)
            action.triggered.connect(self._storing(self._stores.labels, node))

    def _storing(self, store, what):
        return lambda _checked=False: store.store(what)

    def _emptying(self, document, removed):
        return lambda _checked=False: self._stores.plans.storeEmpty(document, removed)

    def _newLines(self):
        """Return the lines that did not come from this server, the newest first."""
        listed = {node.GetID() for node in self._listed()}
        lines = slicer.util.getNodesByClass(LINE_CLASS)
        return [line for line in reversed(lines) if line.GetID() not in listed]

    def _add(self, text, nodes):
        action = self.menu.addAction(text.replace("&", "&&"))
        action.triggered.connect(lambda _checked=False: self._send(nodes))

    def _send(self, nodes):
        try:
            self._browser.trajectories.send(nodes)
        except (ValueError, NetworkError, BrowserError) as error:
            self._statusLine.show("{error}.", error=error)
