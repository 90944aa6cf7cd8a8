"""The list of trajectories as a table, which makes its cells when they are looked at."""

from __future__ import annotations

import numpy as np
import qt
from slicer.i18n import tr as _

from ...browser.lists.trajectory_list import TrajectoryList
from ...codec import TrajectoryType, printable
from ...scene.markups.trajectory_decoding import length, tube_diameter, visible_rgba
from ..widgets.table_model import SortableTableModel

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
_MOST_SWATCHES = 1000
_SWATCH_PIXELS = 32  # enough for screens of twice the usual density
_FRAME_PIXELS = 2
_FRAME_RGB = (128, 128, 128)  # seen on light and dark rows


class TrajectoryTableModel(SortableTableModel):
    """One row a trajectory: what the server says of it, and whether it is shown.

    It filters and sorts itself, as ``ImageTableModel`` does. A row here is a position in
    ``list.rows``.
    """

    def __init__(self, browser, colors):
        SortableTableModel.__init__(self, _headers())
        self._browser = browser
        self._colors = colors
        self.list = TrajectoryList()
        self._filterText = ""
        # What is seen of the cells that were painted, by row and column.
        self._painted = {}
        self._texts = _texts()
        self._eye = _eyeIcon()
        self._swatches = {}
        self._answers |= {
            qt.Qt.CheckStateRole: self._checkState,
            qt.Qt.DecorationRole: self._swatch,
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.TextAlignmentRole: self._alignment,
        }

    # What the section asks for

    def setTrajectories(self, trajectories):
        """Show another list; return False if it is the same one, so that all rows can stay."""
        before = self.list.trajectories
        if len(before) == len(trajectories) and all(map(_isSame, before, trajectories)):
            return False
        self.beginResetModel()
        self.list = TrajectoryList(trajectories, self._imageName)
        self.list.filter(self._filterText)
        self._sort()
        self.endResetModel()
        return True

    def setFilter(self, text):
        """Show only some of them, see ``TrajectoryList.filter``."""
        self.beginResetModel()
        self._filterText = text
        self.list.filter(text)
        self.endResetModel()

    def updateStates(self):
        """Show what has changed in any row."""
        self._changed(0, self.rowCount() - 1)

    def updatePainted(self, rows):
        """Show what is seen otherwise now than it was painted, in a range of rows.

        Other rows are out of sight. For each cell by itself: of several in one signal, the view
        paints all that it has.
        """
        for (row, column), seen in list(self._painted.items()):
            isInSight = row in rows
            if isInSight and self._seen(row, column) == seen:
                continue
            del self._painted[row, column]
            if isInSight:
                cell = self.index(row, column)
                self.dataChanged.emit(cell, cell)

    def trajectory(self, row):
        """Return the trajectory in a row."""
        return self.list.trajectories[self.list.rows[row]]

    # How it is done

    def headerData(self, section, orientation, role=qt.Qt.DisplayRole):
        isEye = section == SHOWN and orientation == qt.Qt.Horizontal and self._eye is not None
        if isEye and role == qt.Qt.DecorationRole:
            return self._eye
        if isEye and role == qt.Qt.ToolTipRole:
            return self._headers[SHOWN]
        if isEye and role == qt.Qt.DisplayRole:
            return ""
        return SortableTableModel.headerData(self, section, orientation, role)

    def data(self, index, role=qt.Qt.DisplayRole):
        if role == qt.Qt.DisplayRole and index.isValid():
            row, column = index.row(), index.column()
            self._painted[row, column] = self._seen(row, column)
        return SortableTableModel.data(self, index, role)

    def _seen(self, row, column):
        """Return all that decides how a cell looks."""
        one = self.trajectory(row)
        state = self._checkState(row, column)
        return self._text(row, column), state, one.item.rgba, one.is_gone, bool(one.problem)

    def copiedText(self, row, column):
        """Return what is copied of a cell: whether a trajectory is shown, as a word."""
        if column == SHOWN:
            return self._texts["shown" if self._isShown(self.trajectory(row)) else "hidden"]
        return self._text(row, column)

    def _rowTotal(self):
        return len(self.list.rows)

    def _sort(self):
        if self._sortColumn == SHOWN:
            isHidden = [not self._isShown(one) for one in self.list.trajectories]
            self.list.sort_by(np.array(isHidden, int), self._sortDescending)
        elif self._sortColumn == NOTE:
            # What is worth looking at comes first.
            ranks = [self._noteRank(one) for one in self.list.trajectories]
            self.list.sort_by(np.array(ranks, int), self._sortDescending)
        else:
            self.list.sort(_FIELDS.get(self._sortColumn), self._sortDescending)

    def _noteRank(self, one):
        if one.problem:
            return 0
        isNoted = one.is_gone or one.notes or self._browser.trajectories.documents.notice_of(one)
        return 1 if isNoted else 2

    def _isShown(self, one):
        return self._browser.trajectories.markups.is_shown(one)

    def _text(self, row, column):
        one = self.trajectory(row)
        item = one.item
        if column == SHOWN:
            return ""
        if column == TYPE:
            words = self._texts.get(item.type)
            return words or self._texts["other type"].format(number=int(item.type))
        if column == LENGTH:
            distance = length(item)
            return "" if distance is None else self._texts["mm"].format(number=f"{distance:.1f}")
        if column == DIAMETER:
            diameter = tube_diameter(item.diameter)
            return self._texts["mm"].format(number=f"{diameter:g}") if diameter else ""
        if column == NOTE:
            return self._browser.patients.redact("; ".join(self.notes(one)))
        text = self._imageName(item.owner) if column == OWNER else getattr(item, _FIELDS[column])
        return self._browser.patients.redact(printable(text))

    def _imageName(self, imageId):
        """Return the name of an image; its ID if it has none, or the list does not have it."""
        entry = self._browser.images.listing.entry(imageId) if imageId else None
        return (entry is not None and entry.name) or imageId

    def notes(self, one):
        """Return why a trajectory cannot be shown, and what else is odd about it."""
        notes = [self._texts["gone"]] if one.is_gone else []
        notes += [one.problem] if one.problem else one.notes
        notice = self._browser.trajectories.documents.notice_of(one)
        return [*notes, printable(notice)] if notice else notes

    def _toolTipLines(self, row, column):
        if column == SHOWN:
            return [self._texts["show or hide"]]
        if column == OWNER:
            owner = self._browser.patients.redact(printable(self.trajectory(row).item.owner))
            # Several images can have one name; without a name there is the ID alone.
            return list(dict.fromkeys([self._text(row, column), owner]))
        if column != NOTE:
            return [self._text(row, column)]
        return [self._browser.patients.redact(line) for line in self.notes(self.trajectory(row))]

    def _checkState(self, row, column):
        one = self.trajectory(row)
        if column != SHOWN or (one.problem and one.written is None):
            return None
        return int(qt.Qt.Checked if self._isShown(one) else qt.Qt.Unchecked)

    def _swatch(self, row, column):
        if column != NAME:
            return None
        rgb = tuple(visible_rgba(self.trajectory(row).item.rgba)[:3])
        if rgb not in self._swatches:
            if len(self._swatches) == _MOST_SWATCHES:
                self._swatches.clear()
            self._swatches[rgb] = _swatchIcon(rgb)
        return self._swatches[rgb]

    def _foreground(self, row, column):
        one = self.trajectory(row)
        if one.is_gone:
            return self._colors.amber if column == NOTE else self._colors.faint
        # The name as well: in a narrow panel the note is out of sight.
        return self._colors.red if column in (NAME, NOTE) and one.problem else None

    def _alignment(self, _row, column):
        side = qt.Qt.AlignRight if column in _NUMBERS else qt.Qt.AlignLeft
        return int(side) | int(qt.Qt.AlignVCenter)


def _isSame(one, other):
    return one is other


def _swatchIcon(rgb):
    """Return an icon filled with a color, in a frame: it may be that of a selected row.

    A color as a cell's decoration would do, but Qt makes a pixmap of it each time that it paints
    the cell, and keeps up to 10 MiB of them.
    """
    pixmap = qt.QPixmap(_SWATCH_PIXELS, _SWATCH_PIXELS)
    pixmap.fill(qt.QColor(*_FRAME_RGB))
    side = _SWATCH_PIXELS - 2 * _FRAME_PIXELS
    painter = qt.QPainter(pixmap)
    painter.fillRect(_FRAME_PIXELS, _FRAME_PIXELS, side, side, qt.QColor(*rgb))
    painter.end()
    return qt.QIcon(pixmap)


def _eyeIcon():
    """Return Slicer's icon for what is visible, narrower than the word; None outside of Slicer."""
    pixmap = qt.QPixmap(":/Icons/Small/SlicerVisible.png")
    return None if pixmap.isNull() else qt.QIcon(pixmap)


def _headers():
    return (
        _("Shown"),
        _("Name"),
        _("Group"),
        _("Type"),
        _("Length"),
        _("Diameter"),
        _("Image"),
        _("Note"),
    )


def _texts():
    """Return the words of the rows, translated once: ``_()`` costs 9 µs a call in Slicer."""
    return {
        TrajectoryType.ENTRY: _("entry only"),
        TrajectoryType.TARGET: _("target only"),
        TrajectoryType.ENTRY_AND_TARGET: _("line"),
        "other type": _("type {number}"),
        "mm": _("{number} mm"),
        "gone": _("no longer on the server"),
        "show or hide": _("Show or hide the trajectory"),
        "shown": _("shown"),
        "hidden": _("hidden"),
    }
