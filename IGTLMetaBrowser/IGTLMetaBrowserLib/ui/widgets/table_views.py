"""How the tables of the panel look."""

from __future__ import annotations

import numpy as np
import qt

from .table_model import UNSORTED

# A server's longest name must not push all other columns out of a narrow panel.
_WIDEST_COLUMN = 260
# Qt would ask for the texts of 1000 rows for each column (QHeaderView's own precision).
_ROWS_TO_MEASURE = 25
_ROW_MARGIN = 4
_GRID_WIDTH = 1


def prepareTable(view):
    """Give the view of a table rows without numbers, and headers that can be clicked.

    Return what must be kept as long as the view.
    """
    rowHeader, header = view.verticalHeader(), view.horizontalHeader()
    rowHeader.visible = False
    setRowHeight(view)
    header.setResizeContentsPrecision(_ROWS_TO_MEASURE)
    header.setSectionsClickable(True)
    header.setSortIndicatorShown(True)
    header.setSortIndicator(UNSORTED, qt.Qt.AscendingOrder)
    header.highlightSections = False
    # With that of the table, it would look at every row whenever it is painted.
    headerSelection = qt.QItemSelectionModel(view.model())
    header.setSelectionModel(headerSelection)
    return headerSelection


def setRowHeight(view, least=0):
    """Make the rows of a table a bit higher than their text, or ``least`` if that is more."""
    height = max(least, view.fontMetrics().height() + _ROW_MARGIN)
    view.verticalHeader().setDefaultSectionSize(height)


def limitHeight(view, fewest, most):
    """Make a table as high as its rows: never higher than ``most`` of them, it scrolls then.

    It can be squeezed to ``fewest``. The .ui file has the policy: AdjustToContents.
    """
    rowHeight = view.verticalHeader().defaultSectionSize
    aroundRows = (
        view.horizontalHeader().sizeHint.height()
        + 2 * view.frameWidth
        + view.horizontalScrollBar().sizeHint.height()
    )
    view.minimumHeight = aroundRows + rowHeight * min(max(view.model().rowCount(), 1), fewest)
    view.maximumHeight = aroundRows + rowHeight * most
    view.updateGeometry()


def rowsInSight(view):
    """Return the range of rows of which at least a part is in the view."""
    first, last = view.rowAt(0), view.rowAt(view.viewport().height - 1)
    if first < 0:
        return range(0)
    return range(first, view.model().rowCount() if last < 0 else last + 1)


def copyRows(view, columns=None):
    """Copy the selected rows of a table, each in a line, with tabs between the cells.

    ``columns``: those that are shown, from left to right; None for all.
    """
    rows = selectedRows(view)
    if rows:
        qt.QApplication.clipboard().setText(view.model().lines(rows, columns))


def measureColumn(view, column, narrowest=0):
    """Make a column as wide as its first rows, but not wider than a few words."""
    view.resizeColumnToContents(column)
    view.setColumnWidth(column, max(narrowest, min(view.columnWidth(column), _WIDEST_COLUMN)))


def widenColumn(view, column):
    """Make a column as wide as rows from all of the table, its last one too, if it is narrower."""
    model = view.model()
    count = model.rowCount()
    rows = range(count - 1, -1, -max(1, count // _ROWS_TO_MEASURE))
    widths = [view.sizeHintForIndex(model.index(row, column)).width() for row in rows]
    needed = min(max(widths, default=0) + _GRID_WIDTH, _WIDEST_COLUMN)
    if needed > view.columnWidth(column):
        view.setColumnWidth(column, needed)


def nextSorting(model, column):
    """Return by what a click on a header sorts: up, then down, then not at all."""
    if model.sortColumn != column:
        return column, qt.Qt.AscendingOrder
    if not model.sortDescending:
        return column, qt.Qt.DescendingOrder
    return UNSORTED, qt.Qt.AscendingOrder


def selectRows(selectionModel, model, rows, command=qt.QItemSelectionModel.ClearAndSelect):
    """Select these rows, in ascending order; by default no others stay selected."""
    rows = np.asarray(rows, int)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []
    selection = qt.QItemSelection()
    lastColumn = model.columnCount() - 1
    for run in runs:
        first = model.index(int(run[0]), 0)
        selection.select(first, model.index(int(run[-1]), lastColumn))
    selectionModel.select(selection, command)


def rowsOf(selection):
    """Return the rows of a ``qt.QItemSelection``, in ascending order.

    From its ranges: an index for each row would take a second for 100,000 of them.
    """
    if selection is None:
        return np.empty(0, int)
    ranges = [selection.at(place) for place in range(selection.size())]
    rows = [np.arange(rows_.top(), rows_.bottom() + 1) for rows_ in ranges]
    return np.unique(np.concatenate(rows)) if rows else np.empty(0, int)


def selectedRows(view):
    """Return the selected rows of a table, in ascending order."""
    return rowsOf(view.selectionModel().selection).tolist()
