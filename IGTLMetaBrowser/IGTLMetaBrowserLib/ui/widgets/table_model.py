"""What the table models of the panel have in common.

``QStandardItem`` costs 4 µs a cell in Slicer, and a ``QSortFilterProxyModel`` above a Python model
calls Python for every cell. These models answer for the cells that are looked at, and filter and
sort by themselves.
"""

from __future__ import annotations

import html

import qt

UNSORTED = -1


class TableModel(qt.QAbstractTableModel):
    """Rows of texts below ``headers``. A subclass has ``_rowTotal`` and ``_text``.

    ``_answers`` has what returns the value of a cell, from its row and column, for each role of
    ``qt.Qt.ItemDataRole``; a subclass may add some.
    """

    def __init__(self, headers):
        qt.QAbstractTableModel.__init__(self)
        self._headers = tuple(headers)
        self._answers = {qt.Qt.DisplayRole: self._text, qt.Qt.ToolTipRole: self._toolTip}

    def lines(self, rows, columns=None):
        """Return rows as text, each in a line, with a tab between its cells."""
        columns = range(len(self._headers)) if columns is None else columns
        return "\n".join(
            "\t".join(self.copiedText(row, column) for column in columns) for row in rows
        )

    def copiedText(self, row, column):
        """Return what is copied of a cell."""
        return self._text(row, column)

    # What Qt asks for

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else self._rowTotal()

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
        return answer(index.row(), index.column())

    def match(self, start, role, value, hits=1, flags=None):
        # Typing in the table would look at every row; there is the filter for that.
        return []

    # What a subclass has

    def _rowTotal(self):
        raise NotImplementedError

    def _text(self, row, column):
        raise NotImplementedError

    def _toolTip(self, row, column):
        """Return the lines of ``_toolTipLines`` as Qt shows them."""
        # Unless escaped, Qt would read as HTML what a server sends.
        text = "<br>".join(html.escape(line) for line in self._toolTipLines(row, column) if line)
        return f"<p>{text}</p>" if text else None

    def _toolTipLines(self, row, column):
        return [self._text(row, column)]

    def _changed(self, firstRow, lastRow):
        """Let the views ask again for these rows."""
        if lastRow >= firstRow:
            last = self.index(lastRow, len(self._headers) - 1)
            self.dataChanged.emit(self.index(firstRow, 0), last)


class SortableTableModel(TableModel):
    """A table that sorts itself, in ``_sort``."""

    def __init__(self, headers):
        TableModel.__init__(self, headers)
        self._sortColumn = UNSORTED
        self._sortDescending = False

    @property
    def sortColumn(self):
        """The column by which the rows are sorted, or ``UNSORTED``."""
        return self._sortColumn

    @property
    def sortDescending(self):
        return self._sortDescending

    def sort(self, column, order=qt.Qt.AscendingOrder):
        self.beginResetModel()
        self._sortColumn = column
        self._sortDescending = order == qt.Qt.DescendingOrder
        self._sort()
        self.endResetModel()

    def _sort(self):
        raise NotImplementedError
