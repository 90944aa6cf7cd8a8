"""Which images are selected: kept while filter, sorting and refreshing move the rows."""

from __future__ import annotations

import numpy as np
import qt

from .table_views import selectRows


class RowSelection:
    """Follows the selection of ``view`` and restores it when ``model`` was rearranged.

    What a filter hides stays selected in the background until the user selects something else,
    so that it is there again when the filter is cleared; ``imageIds`` has only what is shown.

    Reading a selection of many rows from Qt takes long, so that is done when it is needed, and
    not at all where the selection was made here.
    """

    def __init__(self, view, model):
        self._view = view
        self._model = model
        self._images = model.images
        self._isSelected = np.zeros(len(model.images), bool)
        self._isUpToDate = True
        self._isRestoring = False
        self._currentId = None
        self._topId = None
        self._horizontalPosition = 0
        # Without a reference of its own, Python would lose it.
        self._selectionModel = view.selectionModel()
        self._selectionModel.selectionChanged.connect(self._onSelectionChanged)
        model.modelAboutToBeReset.connect(self._onModelAboutToBeReset)
        model.modelReset.connect(self._onModelReset)

    @property
    def isEmpty(self):
        """Whether no row that is shown is selected."""
        return not self._selectionModel.hasSelection

    def rows(self):
        """Return the selected rows of the model, in their order."""
        self._read()
        return np.flatnonzero(self._isSelected[self._model.images.rows]).tolist()

    def imageIds(self):
        """Return the ids of the selected images that can be asked for, in the table's order."""
        return [self._model.imageId(row) for row in self.rows() if self._model.isLoadable(row)]

    def selectAll(self):
        """Select all rows that are shown."""
        self._isSelected[:] = False
        self._isSelected[self._model.images.rows] = True
        self._isUpToDate = True
        self._restore()

    def selectNone(self):
        """Select nothing."""
        self._view.clearSelection()

    def _onSelectionChanged(self, _selected=None, _deselected=None):
        if not self._isRestoring:
            self._isUpToDate = False

    def _read(self):
        if self._isUpToDate:
            return
        self._isUpToDate = True
        rows = [index.row() for index in self._selectionModel.selectedRows()]
        self._isSelected[:] = False
        self._isSelected[self._model.images.rows[rows]] = True

    def _onModelAboutToBeReset(self):
        self._read()
        self._currentId = self._idAt(self._view.currentIndex())
        self._topId = self._idAt(self._view.indexAt(qt.QPoint(0, 0)))
        self._horizontalPosition = self._view.horizontalScrollBar().value

    def _onModelReset(self):
        isAnotherList = self._model.images is not self._images
        if isAnotherList:
            self._takeOver(self._model.images)
        self._restore()
        self._restoreCurrent()
        if isAnotherList:
            self._restoreTop()
        self._view.horizontalScrollBar().value = self._horizontalPosition

    def _takeOver(self, images):
        """Select in another list the images that were selected in the one before."""
        rows = [
            images.row(self._images.image_id(row))
            for row in np.flatnonzero(self._isSelected).tolist()
        ]
        self._images = images
        self._isSelected = np.zeros(len(images), bool)
        self._isSelected[[row for row in rows if row is not None]] = True

    def _restore(self):
        """Select in the view, run by run, what is selected here."""
        rows = np.flatnonzero(self._isSelected[self._model.images.rows])
        self._isRestoring = True
        selectRows(self._selectionModel, self._model, rows)
        self._isRestoring = False

    def _restoreCurrent(self):
        """Let the keyboard go on from the row where it was."""
        row = None if self._currentId is None else self._model.row(self._currentId)
        if row is not None:
            index = self._model.index(row, 0)
            self._selectionModel.setCurrentIndex(index, qt.QItemSelectionModel.NoUpdate)

    def _restoreTop(self):
        row = None if self._topId is None else self._model.row(self._topId)
        if row is not None:
            index = self._model.index(row, 0)
            self._view.scrollTo(index, qt.QAbstractItemView.PositionAtTop)

    def _idAt(self, index):
        return self._model.imageId(index.row()) if index.isValid() else None
