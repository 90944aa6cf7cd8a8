"""How the tables of the panel look."""

from __future__ import annotations

import numpy as np
import qt

UNSORTED = -1
_WIDEST_COLUMN = 260
_ROWS_TO_MEASURE = 50


def prepareTable(view):
    """Give the view of a table rows without numbers, and headers that can be clicked.

    Return what must be kept as long as the view.
    """
    rowHeader, header = view.verticalHeader(), view.horizontalHeader()
    rowHeader.visible = False
    rowHeader.setDefaultSectionSize(view.fontMetrics().height() + 6)
    header.setResizeContentsPrecision(_ROWS_TO_MEASURE)
    header.setSectionsClickable(True)
    header.setSortIndicatorShown(True)
    header.setSortIndicator(UNSORTED, qt.Qt.AscendingOrder)
    header.highlightSections = False
    # With that of the table, it would look at every row whenever it is painted.
    headerSelection = qt.QItemSelectionModel(view.model())
    header.setSelectionModel(headerSelection)
    return headerSelection


def measureColumns(view, narrowest):
    """Make the columns as wide as their first rows, but not wider than a few words.

    ``narrowest``: the least width of some columns.
    """
    view.resizeColumnsToContents()
    for column in range(view.model().columnCount()):
        width = max(narrowest.get(column, 0), min(view.columnWidth(column), _WIDEST_COLUMN))
        view.setColumnWidth(column, width)


def nextSorting(model, column):
    """Return by what a click on a header sorts: up, then down, then not at all."""
    if model.sortColumn != column:
        return column, qt.Qt.AscendingOrder
    if not model.sortDescending:
        return column, qt.Qt.DescendingOrder
    return UNSORTED, qt.Qt.AscendingOrder


def selectRows(selectionModel, model, rows):
    """Select these rows, in ascending order, and no others."""
    rows = np.asarray(rows, int)
    runs = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(rows) else []
    selection = qt.QItemSelection()
    lastColumn = model.columnCount() - 1
    for run in runs:
        first = model.index(int(run[0]), 0)
        selection.select(first, model.index(int(run[-1]), lastColumn))
    selectionModel.select(selection, qt.QItemSelectionModel.ClearAndSelect)
