"""Which images are selected: kept while filter, sorting and refreshing move the rows."""

from __future__ import annotations

import numpy as np
import qt

from ..widgets.table_views import rowsOf, selectRows

_SELECT = qt.QItemSelectionModel.Select
_DESELECT = qt.QItemSelectionModel.Deselect
# Qt looks through all runs of selected rows for each cell that it paints: with these, 2 ms more.
_MOST_RUNS = 2000


class RowSelection:
    """Follows the selection of ``view`` and restores it when ``model`` was rearranged.

    What a filter hides stays selected in the background until the user clicks or selects a row,
    so that it is there again when the filter is cleared; ``imageIds`` has only what the filter
    leaves. So it is with what ``isScattered``, over more places than Qt can select at once: of a
    million images, those of a modality lie in 200,000 once the filter is cleared, which takes 2 s.

    A group that is selected selects all its images, also if it is collapsed.

    The selection is kept as one bool for each position in the list, and read from Qt only when
    somebody asks for it.
    """

    def __init__(self, view, model):
        self._view = view
        self._model = model
        self._images = model.images
        self._isSelected = np.zeros(len(model.images), bool)
        self._isUpToDate = True
        self._isRestoring = False
        self.isScattered = False
        self._areRowsDue = False
        # Of an image its id, of a group its key.
        self._current = self._top = None
        self._horizontalPosition = 0
        # Without a reference of its own, Python would lose it.
        self._selectionModel = view.selectionModel()
        self._selectionModel.selectionChanged.connect(self._onSelectionChanged)
        view.clicked.connect(self._onClicked)
        model.modelAboutToBeReset.connect(self._onModelAboutToBeReset)
        model.modelReset.connect(self._onModelReset)

    @property
    def isEmpty(self):
        """Whether no row that is shown is selected."""
        return not self._selectionModel.hasSelection

    def imageIds(self):
        """Return the ids of the selected images that can be asked for, in the table's order."""
        return self._model.images.image_ids(self.positions())

    def positions(self):
        """Return their positions in the list, in the same order."""
        self._read()
        if self.isScattered:
            return np.empty(0, int)
        order, images = self._model.rows.order, self._model.images
        positions = order[self._isSelected[order]]
        return positions[images.are_loadable[positions]]

    @property
    def total(self):
        """How many images ``imageIds`` has."""
        return len(self.positions())

    def among(self, imageIds):
        """Return those of these images that are selected, in the table's order.

        The selected ones may be a million: what is looked for should be the few.
        """
        images = self._model.images
        rows = images.rows_of([*imageIds])
        areWanted = np.zeros(len(images), bool)
        areWanted[rows[rows >= 0]] = True
        if not areWanted.any():
            return []
        positions = self.positions()
        return images.image_ids(positions[areWanted[positions]])

    def selectAll(self):
        """Select all images that the filter leaves."""
        self._isSelected[:] = False
        self._isSelected[self._model.rows.order] = True
        self._isUpToDate = True
        self._restore()

    def selectNone(self):
        """Select nothing."""
        self._view.clearSelection()

    def setCurrent(self, index):
        """Let the keyboard go on from there, with the same selection."""
        self._selectionModel.setCurrentIndex(index, qt.QItemSelectionModel.NoUpdate)

    def _onSelectionChanged(self, selected=None, deselected=None):
        if self._isRestoring:
            return
        self._isUpToDate = False
        if self._model.rows.has_groups:
            self._selectWithGroups(rowsOf(selected), rowsOf(deselected))

    def _onClicked(self, _index):
        # Of the row that was the only one selected already, Qt says nothing.
        self._isUpToDate = False

    def _read(self):
        if self._isUpToDate:
            return
        self._isUpToDate = True
        self.isScattered = False
        self._isSelected[:] = False
        shown = self._model.rows.shown
        rows = rowsOf(self._selectionModel.selection)
        codes = shown[rows]
        self._isSelected[codes[codes >= 0]] = True
        for row in rows[codes < 0].tolist():
            self._isSelected[self._model.rows.positions(row)] = True

    # Groups: they and what is below them are selected together, and a group is not selected as
    # soon as one of its images is not.

    def _selectWithGroups(self, selected, deselected):
        model, current = self._model, self._view.currentIndex()
        isOfGroup = current.isValid() and model.rows.is_group(current.row())
        if isOfGroup:
            # The user has clicked the group itself: what is below it follows.
            below = range(current.row(), model.rows.last_row_of(current.row()) + 1)
            deselected = deselected[(deselected < below.start) | (deselected >= below.stop)]
            isSelected = self._selectionModel.isSelected(current)
            self._select(below, _SELECT if isSelected else _DESELECT)
            if not isSelected:
                deselected = np.append(deselected, current.row())
        # Of rows that follow each other, only the first has headers that are not among them.
        firsts = deselected[np.diff(deselected, prepend=-2) != 1].tolist()
        headers = {header for row in firsts for header in model.rows.header_rows(row)}
        self._select(sorted(headers), _DESELECT)
        areBelow = np.zeros(model.rowCount(), bool)
        for row in selected[model.rows.shown[selected] < 0].tolist():
            areBelow[row : model.rows.last_row_of(row) + 1] = True
        if areBelow.any():
            self._select(np.flatnonzero(areBelow), _SELECT)

    def _select(self, rows, command):
        self._isRestoring = True
        selectRows(self._selectionModel, self._model, rows, command)
        self._isRestoring = False

    def _onModelAboutToBeReset(self):
        self._read()
        if self._areRowsDue:
            return  # where the user was is known from the rows before
        self._current = self._whatIsAt(self._view.currentIndex())
        self._top = self._whatIsAt(self._view.indexAt(qt.QPoint(0, 0)))
        self._horizontalPosition = self._view.horizontalScrollBar().value

    def _onModelReset(self):
        if self._model.isCovered:  # the images are still selected when they are seen again
            self._areRowsDue = True
            return
        isAnotherList = self._model.images is not self._images
        if isAnotherList:
            self._takeOver(self._model.images)
        self._restore()
        self._restoreCurrent()
        if isAnotherList or self._areRowsDue:
            self._restoreTop()
        # A long list has no rows before it is known which ones the filter leaves.
        self._areRowsDue = self._model.isArranging and self._model.rowCount() == 0
        self._view.horizontalScrollBar().value = self._horizontalPosition

    def _takeOver(self, images):
        """Select in another list the images that were selected in the one before."""
        rows = images.rows_of_list(self._images, np.flatnonzero(self._isSelected))
        self._images = images
        self._isSelected = np.zeros(len(images), bool)
        self._isSelected[rows[rows >= 0]] = True

    def _restore(self):
        """Select in the view, run by run, what is selected here."""
        rows = np.empty(0, int)
        if self._isSelected.any():
            rows = np.flatnonzero(self._model.rows.are_in(self._isSelected))
        self.isScattered = np.count_nonzero(np.diff(rows) > 1) >= _MOST_RUNS
        if self.isScattered:
            rows = rows[:0]
        self._select(rows, qt.QItemSelectionModel.ClearAndSelect)

    def _restoreCurrent(self):
        """Let the keyboard go on from the row where it was."""
        row = self._rowOf(self._current)
        if row is not None:
            self.setCurrent(self._model.index(row, 0))

    def _restoreTop(self):
        row = self._rowOf(self._top)
        if row is not None:
            index = self._model.index(row, 0)
            self._view.scrollTo(index, qt.QAbstractItemView.PositionAtTop)

    def _whatIsAt(self, index):
        if not index.isValid():
            return None
        row, model = index.row(), self._model
        return model.rows.group(row).key if model.rows.is_group(row) else model.imageId(row)

    def _rowOf(self, what):
        if not what:
            return None
        return (
            self._model.rows.group_row(what) if isinstance(what, tuple) else self._model.row(what)
        )
