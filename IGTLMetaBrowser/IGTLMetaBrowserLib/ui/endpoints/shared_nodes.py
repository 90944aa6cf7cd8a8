"""Which nodes of the scene are shared, as a list of check boxes."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..widgets.empty_table_text import EmptyTableText

_POLL_MILLISECONDS = 500
_MOST_ROWS = 6


class SharedNodes:
    """Shows what ``endpoint`` can share, and shares what is checked.

    As long as all nodes are checked, those that come later are shared as well; afterwards they are
    not, until the user checks them.
    """

    def __init__(self, ui, endpoint):
        self.ui = ui
        self._list = ui.sharedNodesListWidget
        self._endpoint = endpoint
        self._shown = None
        self._isShowing = False
        self._kinds = _kinds()
        self._emptyText = EmptyTableText(self._list)
        self._nothing = _("Load an image or draw a line to have something to share")
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MILLISECONDS)
        self._timer.timeout.connect(self.update)
        self._list.itemChanged.connect(self._onItemChanged)
        ui.shareCollapsibleButton.contentsCollapsed.connect(self._onCollapsed)
        self._onCollapsed(ui.shareCollapsibleButton.collapsed)

    def close(self):
        """Look no more."""
        self._timer.stop()
        self._timer.timeout.disconnect(self.update)

    def reset(self):
        """Share all: the nodes of another scene may have the same ids."""
        self._endpoint.share(None)
        self._shown = None
        self.update()

    def update(self):
        """Show the nodes that there are now, by the names that they have now."""
        nodes = [(node.GetID(), self._text(node)) for node in self._endpoint.nodes()]
        if nodes == self._shown:
            return
        self._shown, sharedIds = nodes, self._endpoint.sharedIds
        self._isShowing = True
        self._list.clear()
        for row, (nodeId, text) in enumerate(nodes):
            self._list.addItem(text)
            item = self._list.item(row)
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsSelectable)
            isShared = sharedIds is None or nodeId in sharedIds
            item.setCheckState(qt.Qt.Checked if isShared else qt.Qt.Unchecked)
        self._isShowing = False
        self._emptyText.show("" if nodes else self._nothing)
        self._limitHeight()

    def _text(self, node):
        kind = self._kinds.get(node.GetClassName(), "")
        return f"{node.GetName() or node.GetID()} ({kind})"

    def _onCollapsed(self, isCollapsed):
        # The scene tells of many changes while an image is loaded: looking now and then costs less.
        if isCollapsed:
            self._timer.stop()
        else:
            self.update()
            self._timer.start()

    def _onItemChanged(self, _item):
        if self._isShowing:
            return
        checked = [
            nodeId
            for row, (nodeId, _text) in enumerate(self._shown)
            if self._list.item(row).checkState() == qt.Qt.Checked
        ]
        self._endpoint.share(None if len(checked) == len(self._shown) else checked)

    def _limitHeight(self):
        # Two, or what an empty list says would be cut in a narrow panel.
        rows = min(max(len(self._shown), 2), _MOST_ROWS)
        rowHeight = self._list.fontMetrics().height() + 4
        self._list.setFixedHeight(rows * rowHeight + 2 * self._list.frameWidth + 2)


def _kinds():
    return {
        "vtkMRMLScalarVolumeNode": _("volume"),
        "vtkMRMLVectorVolumeNode": _("volume"),
        "vtkMRMLLabelMapVolumeNode": _("label map"),
        "vtkMRMLSegmentationNode": _("segmentation"),
        "vtkMRMLMarkupsLineNode": _("line"),
        "vtkMRMLMarkupsFiducialNode": _("points"),
    }
