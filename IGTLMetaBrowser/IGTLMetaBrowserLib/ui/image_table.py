"""The list of images as a table, which makes its cells when they are looked at."""

from __future__ import annotations

from datetime import timezone

import qt
from slicer.i18n import tr as _

from ..browser import scalar_type_text, size_text
from ..codec import printable

NAME, STATE, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID = range(9)


class ImageTableModel(qt.QAbstractTableModel):
    """One row an image: what the server's listing says, and how far it is loaded."""

    def __init__(self):
        qt.QAbstractTableModel.__init__(self)
        self._headers = {
            NAME: _("Name"),
            STATE: _("State"),
            MODALITY: _("Modality"),
            PATIENT: _("Patient"),
            PATIENT_ID: _("Patient id"),
            SCAN_TIME: _("Scan time"),
            SIZE: _("Size"),
            TYPE: _("Type"),
            ID: _("Id"),
        }
        self._entries = []
        self._states = {}
        self._rowOfId = {}
        self._sortColumn = -1
        self._sortDescending = False

    # What the panel asks for

    def setEntries(self, entries):
        """Show another list."""
        self.beginResetModel()
        self._entries = list(entries)
        self._arrange()
        self.endResetModel()

    def setState(self, imageId, state):
        """Show a text in the row of an image."""
        self._states[imageId] = state
        row = self._rowOfId.get(imageId)
        if row is not None:
            cell = self.index(row, STATE)
            self.dataChanged.emit(cell, cell)

    def clearStates(self):
        """Forget the texts of all images."""
        self._states.clear()

    def state(self, imageId):
        """Return the text in the row of an image."""
        return self._states.get(imageId, "")

    def imageId(self, row):
        """Return the id of the image in a row."""
        return self._entries[row].id

    def row(self, imageId):
        """Return the row of an image, or None."""
        return self._rowOfId.get(imageId)

    # What Qt asks for

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def columnCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self._headers)

    def headerData(self, section, orientation, role=qt.Qt.DisplayRole):
        if role != qt.Qt.DisplayRole or orientation != qt.Qt.Horizontal:
            return None
        return self._headers[section]

    def data(self, index, role=qt.Qt.DisplayRole):
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == qt.Qt.DisplayRole:
            return self._text(entry, index.column())
        if role == qt.Qt.ToolTipRole:
            return self._toolTip(entry, index.column())
        return None

    def sort(self, column, order=qt.Qt.AscendingOrder):
        self.beginResetModel()
        self._sortColumn = column
        self._sortDescending = order == qt.Qt.DescendingOrder
        self._arrange()
        self.endResetModel()

    # How it is done

    def _arrange(self):
        if self._sortColumn >= 0:
            self._entries.sort(key=self._sortKey, reverse=self._sortDescending)
        self._rowOfId = {entry.id: row for row, entry in enumerate(self._entries)}

    def _sortKey(self, entry):
        if self._sortColumn == SCAN_TIME:
            return int(entry.scan_time)
        if self._sortColumn == SIZE:
            i, j, k = entry.size
            return (i * j * k, i, j, k)
        return self._text(entry, self._sortColumn).casefold()

    def _text(self, entry, column):
        if column == SCAN_TIME:
            moment = entry.scan_time.to_datetime()
            return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        if column == SIZE:
            return size_text(entry.size)
        if column == TYPE:
            return scalar_type_text(entry.scalar_type)
        if column == STATE:
            return self.state(entry.id)
        texts = {
            NAME: entry.name,
            MODALITY: entry.modality,
            PATIENT: entry.patient_name,
            PATIENT_ID: entry.patient_id,
            ID: entry.id,
        }
        return printable(texts[column])

    def _toolTip(self, entry, column):
        moment = entry.scan_time.to_datetime()
        if column == SCAN_TIME and moment is not None:
            return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        return self._text(entry, column)
