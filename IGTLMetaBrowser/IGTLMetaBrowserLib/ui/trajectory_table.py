"""The list of trajectories as a table, which makes its cells when they are looked at."""

from __future__ import annotations

import html

import numpy as np
import qt
from slicer.i18n import tr as _

from ..browser.trajectory_list import TrajectoryList
from ..codec import TrajectoryType, printable
from ..scene.trajectory_decoding import length, tube_diameter, visible_rgba
from .table_views import UNSORTED

SHOWN, NAME, GROUP, TYPE, LENGTH, DIAMETER, OWNER, NOTE = range(8)

_FIELDS = {
    NAME: "name",
    GROUP: "group",
    TYPE: "type",
    LENGTH: "length",
    DIAMETER: "diameter",
    OWNER: "owner",
}
_NUMBERS = (LENGTH, DIAMETER)


class TrajectoryTableModel(qt.QAbstractTableModel):
    """One row a trajectory: what the server says of it, and whether it is shown.

    It filters and sorts itself, as ``ImageTableModel`` does. A row here is a position in
    ``list.rows``.
    """

    def __init__(self, browser, colours):
        qt.QAbstractTableModel.__init__(self)
        self._browser = browser
        self._colours = colours
        self.list = TrajectoryList()
        self._filterText = ""
        self._sortColumn = UNSORTED
        self._sortDescending = False
        self._headers = self._makeHeaders()
        self._answers = {
            qt.Qt.DisplayRole: self._text,
            qt.Qt.ToolTipRole: self._toolTip,
            qt.Qt.CheckStateRole: self._checkState,
            qt.Qt.DecorationRole: self._swatch,
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.TextAlignmentRole: self._alignment,
        }

    # What the section asks for

    def setTrajectories(self, trajectories):
        """Show another list; where only places have changed, rows and selection stay."""
        before = self.list.trajectories
        isSame = len(before) == len(trajectories) and all(map(_isSame, before, trajectories))
        if isSame:
            self.updateStates()
            return
        self.beginResetModel()
        self.list = TrajectoryList(trajectories)
        self.list.filter(self._filterText)
        self._sort()
        self.endResetModel()

    def setFilter(self, text):
        """Show only some of them, see ``TrajectoryList.filter``."""
        self.beginResetModel()
        self._filterText = text
        self.list.filter(text)
        self.endResetModel()

    def updateStates(self):
        """Show what has changed in any row."""
        if self.rowCount():
            last = self.index(self.rowCount() - 1, NOTE)
            self.dataChanged.emit(self.index(0, SHOWN), last)

    def trajectory(self, row):
        """Return the trajectory in a row."""
        return self.list.trajectories[self.list.rows[row]]

    @property
    def sortColumn(self):
        return self._sortColumn

    @property
    def sortDescending(self):
        return self._sortDescending

    # What Qt asks for

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self.list.rows)

    def columnCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self._headers)

    def headerData(self, section, orientation, role=qt.Qt.DisplayRole):
        if role != qt.Qt.DisplayRole or orientation != qt.Qt.Horizontal:
            return None
        return self._headers[section]

    def data(self, index, role=qt.Qt.DisplayRole):
        answer = self._answers.get(role)
        if answer is None or not index.isValid():
            return None
        return answer(self.trajectory(index.row()), index.column())

    def sort(self, column, order=qt.Qt.AscendingOrder):
        self.beginResetModel()
        self._sortColumn = column
        self._sortDescending = order == qt.Qt.DescendingOrder
        self._sort()
        self.endResetModel()

    def match(self, start, role, value, hits=1, flags=None):
        # Typing in the table would look at every row; there is the filter for that.
        return []

    # How it is done

    def _makeHeaders(self):
        return {
            SHOWN: _("Shown"),
            NAME: _("Name"),
            GROUP: _("Group"),
            TYPE: _("Type"),
            LENGTH: _("Length"),
            DIAMETER: _("Diameter"),
            OWNER: _("Image"),
            NOTE: _("Note"),
        }

    def _sort(self):
        if self._sortColumn == SHOWN:
            isHidden = [not self._isShown(one) for one in self.list.trajectories]
            self.list.sort_by(np.array(isHidden, int), self._sortDescending)
        elif self._sortColumn == NOTE:
            # What is worth looking at comes first.
            ranks = [_noteRank(one) for one in self.list.trajectories]
            self.list.sort_by(np.array(ranks, int), self._sortDescending)
        else:
            self.list.sort(_FIELDS.get(self._sortColumn), self._sortDescending)

    def _isShown(self, one):
        return self._browser.trajectories.is_shown(one)

    def _text(self, one, column):
        item = one.item
        if column == SHOWN:
            return ""
        if column == TYPE:
            return _typeText(item.type)
        if column == LENGTH:
            distance = length(item)
            return "" if distance is None else _("{number} mm").format(number=f"{distance:.1f}")
        if column == DIAMETER:
            diameter = tube_diameter(item.diameter)
            return _("{number} mm").format(number=f"{diameter:g}") if diameter else ""
        if column == NOTE:
            return self._browser.patients.redact("; ".join(self.notes(one)))
        return self._browser.patients.redact(printable(getattr(item, _FIELDS[column])))

    def notes(self, one):
        """Return why a trajectory cannot be shown, and what else is odd about it."""
        notes = [_("the server no longer has it")] if one.is_gone else []
        return [*notes, one.problem] if one.problem else [*notes, *one.notes]

    def _toolTip(self, one, column):
        if column == SHOWN:
            lines = [_("Show or hide the trajectory")]
        else:
            lines = self.notes(one) if column == NOTE else [self._text(one, column)]
            lines = map(self._browser.patients.redact, lines)
        # Without this, Qt would take for HTML what a server sends.
        escaped = "<br>".join(html.escape(line) for line in lines if line)
        return f"<p>{escaped}</p>" if escaped else None

    def _checkState(self, one, column):
        if column != SHOWN or (one.problem and one.written is None):
            return None
        return int(qt.Qt.Checked if self._isShown(one) else qt.Qt.Unchecked)

    def _swatch(self, one, column):
        return qt.QColor(*visible_rgba(one.item.rgba)[:3]) if column == NAME else None

    def _foreground(self, one, column):
        if one.is_gone:
            return self._colours.amber if column == NOTE else self._colours.faint
        # The name as well: in a narrow panel the note is out of sight.
        return self._colours.red if column in (NAME, NOTE) and one.problem else None

    def _alignment(self, _one, column):
        side = qt.Qt.AlignRight if column in _NUMBERS else qt.Qt.AlignLeft
        return int(side) | int(qt.Qt.AlignVCenter)


def _isSame(one, other):
    return one is other


def _noteRank(one):
    if one.problem:
        return 0
    return 1 if one.is_gone or one.notes else 2


def _typeText(type_):
    words = {
        TrajectoryType.ENTRY: _("entry only"),
        TrajectoryType.TARGET: _("target only"),
        TrajectoryType.ENTRY_AND_TARGET: _("line"),
    }
    return words.get(type_, _("type {number}").format(number=int(type_)))
