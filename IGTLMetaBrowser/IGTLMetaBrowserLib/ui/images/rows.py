"""Which rows the image table has: the images that a filter leaves, sorted, and their groups."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import qt

from ...browser.lists.image_list import ImageList
from ...browser.lists.image_search import NO_SEARCH
from ...browser.lists.shown_rows import ShownRows
from ...privacy.redacted_list import redacted_entry
from ...signal import Signal
from ..widgets.table_model import SortableTableModel
from . import state_appearance
from .column_numbers import FIELDS, STATE

# So many images are filtered, sorted and grouped in 10 ms; more of them in turns.
_ARRANGED_AT_ONCE = 10_000
_FIRST_SECONDS = 0.02


class ImageRows(SortableTableModel):
    """A row for each image: those that a subclass has the cells of.

    ``images`` is the ``ImageList`` that is shown, ``rows`` are its ``ShownRows``. With
    ``isGrouped``, there are rows for patients and studies as well, above their images; they can be
    collapsed. Images are counted by their *position* in ``images``, and by their *row* here.

    Of a long list it takes turns until it is known which rows are to be shown (``arrangeOn``):
    until the end they stay as they are. ``arrangingBegun`` is emitted if more than one is needed.
    """

    def __init__(self, browser, headers):
        SortableTableModel.__init__(self, headers)
        self._browser = browser
        self.images = ImageList()
        self.arrangingBegun = Signal()
        self.isGrouped = False
        """Whether there are to be rows for patients and studies; see ``ShownRows``."""
        self._toggledGroups = set()
        self.isCovered = False
        """Whether no row is shown, as the list is not yet as it may be seen."""
        self._filter = ("", (), NO_SEARCH)
        self._isSortDue = False
        self._work = None
        self._entry = self._entryPosition = None
        self.rows = self._arranged = ShownRows.none()

    # What the panel asks for

    def setImages(self, images, modalities, search=NO_SEARCH):
        """Show another list, sorted as the one before, and with the same text in the filter."""
        self.isCovered = False
        self._setImages(images, modalities, search)

    def _setImages(self, images, modalities, search=NO_SEARCH):
        self.beginResetModel()
        isLonger = images.begins_with(self.images)
        self.images = images
        self._filter = (self._filter[0], tuple(modalities), search)
        self._isSortDue = True
        self._work = self._arrangement()
        # The rows of another list would show the wrong images.
        if not self._isArranged(_FIRST_SECONDS) and not isLonger:
            self._arranged = ShownRows.none()
        self.rows = self._arranged
        self._entry = self._entryPosition = None
        self.endResetModel()
        if self.isArranging:
            self.arrangingBegun.emit()

    def cover(self):
        """Show nothing of a list before it is as it may be seen: patients may be hidden."""
        if not self.isCovered:
            self.isCovered = True
            self._setImages(ImageList(), ())

    def setFilter(self, text, modalities, search=NO_SEARCH):
        """Show only some images, see ``ImageList.filter``."""
        self._filter = (text, tuple(modalities), search)
        self._arrange()

    def setGrouped(self, isGrouped):
        """Show rows for patients and studies, or do not."""
        self.isGrouped = isGrouped
        self._arrange()

    def toggleGroups(self, rows):
        """Open groups that are collapsed, and collapse those that are open."""
        keys = {self.rows.group(row).key for row in rows if self.rows.is_group(row)}
        if keys:
            self._toggledGroups ^= keys
            self._arrange()

    def sort(self, column, order=qt.Qt.AscendingOrder):
        self._sortColumn = column
        self._sortDescending = order == qt.Qt.DescendingOrder
        self._isSortDue = True
        self._arrange()

    @property
    def isArranging(self):
        """Whether it is not known yet which rows are to be shown: of a long list, or a new one."""
        return self._work is not None

    def arrangeOn(self, seconds):
        """Look for about that long for the rows to be shown; show them when all are found."""
        if self.isArranging and self._isArranged(seconds):
            self.beginResetModel()
            self.rows = self._arranged
            self._entry = self._entryPosition = None
            self.endResetModel()

    def updateState(self, imageId):
        """Show that the state of an image has changed."""
        row = self.row(imageId)
        if row is not None:
            self._entryPosition = None
            self._changed(row, row)

    def updateStates(self):
        """Show that the states of many images have changed."""
        self._changed(0, self.rowCount() - 1)

    # Rows and positions

    def isGroupOpen(self, row):
        """Whether what is below a patient or study is shown, or will be in some turns."""
        return self.rows.is_group_open(row, self._toggledGroups)

    def imageId(self, row):
        """Return the id of the image in a row; of a group there is none."""
        return "" if self.rows.is_group(row) else self.images.image_id(int(self.rows.shown[row]))

    def row(self, imageId):
        """Return the row of an image, or None if it is not shown."""
        position = self.images.row(imageId)
        return None if position is None else self.rows.row(position)

    def isLoadable(self, row):
        """Whether the server would know which image is meant."""
        return not self.rows.is_group(row) and self.isPositionLoadable(int(self.rows.shown[row]))

    def isPositionLoadable(self, position):
        """Whether the server would know which image is meant."""
        return bool(self.images.are_loadable[position])

    def entry(self, row):
        """Return what is known of the image in a row (``codec.ImageMetaItem``)."""
        return self._entryAt(int(self.rows.shown[row]))

    def _entryAt(self, position):
        if position != self._entryPosition:
            self._entry = self._readEntry(position)
            self._entryPosition = position
        return self._entry

    # How it is done

    def _rowTotal(self):
        return len(self.rows.shown)

    def _arrange(self):
        self._work = self._arrangement()
        self.arrangeOn(_FIRST_SECONDS)
        if self.isArranging:
            self.arrangingBegun.emit()

    def _isArranged(self, seconds):
        # A short list is not worth a turn of its own.
        isShort = len(self.images) <= _ARRANGED_AT_ONCE
        end = float("inf") if isShort else time.monotonic() + seconds
        if any(time.monotonic() >= end for _turn in self._work):
            return False
        self._work = None
        return True

    def _arrangement(self):
        """Find with pauses which rows are to be shown, as ``_arranged``."""
        images = self.images
        yield from images.match(*self._filter)
        images.keep_matches()
        if self._isSortDue:
            if self._sortColumn == STATE:
                yield from images.order_by(self._stateRanks(), self._sortDescending)
            else:
                yield from images.order(FIELDS.get(self._sortColumn), self._sortDescending)
            self._isSortDue = False
        self._arranged = yield from ShownRows.of(images, self.isGrouped, self._toggledGroups)

    def _stateRanks(self):
        ranks = np.full(len(self.images), state_appearance.LAST_RANK, np.uint64)
        states = self._browser.images.states.by_id
        positions = self.images.rows_of(list(states))
        rank = state_appearance.rank
        stateRanks = np.fromiter(map(rank, states.values()), np.uint64, len(states))
        isListed = positions >= 0
        ranks[positions[isListed]] = stateRanks[isListed]
        return ranks

    def _readEntry(self, position):
        if position >= self.images.first_live_row:
            liveState = self._browser.images.live.states.get(self.images.image_id(position))
            if liveState is not None:
                return redacted_entry(liveState.entry, self._browser.patients)
        entry = self.images.entry(position)
        if position >= self.images.first_live_row:
            return entry
        # What was cut to the list's fields is sorted by as it was cut.
        whole = self._browser.metadata.listing.whole(entry)
        patients = self._browser.patients
        if not patients.is_hidden:
            return whole
        # Patient name and ID are those of the list: pseudonyms.
        return replace(entry, name=patients.redact(whole.name))
