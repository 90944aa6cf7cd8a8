"""The list of images as a table, which makes its cells when they are looked at."""

from __future__ import annotations

import html

import numpy as np
import qt
from slicer.i18n import tr as _

from ..browser.events import ImageStatus
from ..browser.image_list import ImageList
from ..browser.image_notes import scalar_type_text, size_text
from ..codec import printable
from ..privacy.redacted_list import redacted_entry
from . import state_appearance
from .calibration_section import spacingText
from .overlay_section import NOT_TOLD
from .table_views import UNSORTED

NAME, STATE, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID = range(9)

_FIELDS = {
    NAME: "name",
    MODALITY: "modality",
    PATIENT: "patient_name",
    PATIENT_ID: "patient_id",
    SCAN_TIME: "scan_time",
    SIZE: "size",
    TYPE: "scalar_type",
    ID: "id",
}


class ImageTableModel(qt.QAbstractTableModel):
    """One row an image: what the server's list says, and how far it is loaded.

    ``images`` is the ``ImageList`` that is shown. It filters and sorts itself, in numpy: a proxy
    model would call Python for every cell. A row here is a position in ``images.rows``.
    """

    def __init__(self, browser, colours, localeTexts):
        qt.QAbstractTableModel.__init__(self)
        self._browser = browser
        self._colours = colours
        self._localeTexts = localeTexts
        self.images = ImageList()
        self._shownAt = np.empty(0, np.intp)
        self._entry = None
        self._entryRow = None
        self._filter = ("", ())
        self._sortColumn = UNSORTED
        self._sortDescending = False
        self._headers = self._makeHeaders()
        self._answers = {
            qt.Qt.DisplayRole: self._text,
            qt.Qt.ToolTipRole: self._toolTip,
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.BackgroundRole: self._background,
            qt.Qt.FontRole: self._font,
        }

    # What the panel asks for

    def setImages(self, images, modalities):
        """Show another list, sorted as the one before, and with the same text in the filter."""
        self.beginResetModel()
        self.images = images
        self._filter = (self._filter[0], tuple(modalities))
        self.images.filter(*self._filter)
        self._sort()
        self._rearranged()
        self.endResetModel()

    def setFilter(self, text, modalities):
        """Show only some images, see ``ImageList.filter``."""
        self.beginResetModel()
        self._filter = (text, tuple(modalities))
        self.images.filter(*self._filter)
        self._rearranged()
        self.endResetModel()

    def updateState(self, imageId):
        """Show that the state of an image has changed."""
        row = self.row(imageId)
        if row is not None:
            self._entryRow = None
            self.dataChanged.emit(self.index(row, NAME), self.index(row, ID))

    def updateStates(self):
        """Show that the states of many images have changed."""
        if self.rowCount():
            lastRow = self.rowCount() - 1
            # The name of an image that is loaded is bold.
            self.dataChanged.emit(self.index(0, NAME), self.index(lastRow, STATE))

    def state(self, imageId):
        """Return what the row of an image says of its state."""
        text = state_appearance.stateText(
            self._browser.images.state(imageId), self._browser.images.live.get(imageId)
        )
        if self._browser.metadata.calibration(imageId) is not None:
            text = _("{state}, calibrated").format(state=text) if text else _("calibrated")
        return self._browser.patients.redact(text)

    def imageId(self, row):
        """Return the id of the image in a row."""
        return self.images.image_id(self.images.rows[row])

    def row(self, imageId):
        """Return the row of an image, or None where it is not shown."""
        row = self.images.row(imageId)
        shownAt = -1 if row is None else int(self._shownAt[row])
        return None if shownAt < 0 else shownAt

    def entry(self, row):
        """Return what is known of the image in a row (``codec.ImageMetaItem``)."""
        row = int(self.images.rows[row])
        if row != self._entryRow:
            self._entry = self._readEntry(row)
            self._entryRow = row
        return self._entry

    def notes(self, row):
        """Return what else there is to know of the image in a row."""
        if not self.imageId(row):
            return [_("The server gives this image no id, so that it cannot be asked for.")]
        if not self.isLoadable(row):
            return [_("Another image has the same id: only that one can be asked for.")]
        imageId = self.imageId(row)
        notes = self._browser.images.state(imageId).notes
        return [*map(self._browser.patients.redact, notes), *self.calibrationNotes(imageId)]

    def calibrationNotes(self, imageId):
        """Return a note where the pixel spacing of an image is calibrated."""
        calibration = self._browser.metadata.calibration(imageId)
        if calibration is None:
            return []
        return [
            _("calibrated pixel spacing: {spacing} mm").format(spacing=spacingText(calibration))
        ]

    def source(self, row):
        """Return where an image is offered."""
        isLive = self.images.rows[row] >= self.images.first_live_row
        return _("live images") if isLive else _("image list")

    def isLoadable(self, row):
        """Whether the server would know which image is meant."""
        row = int(self.images.rows[row])
        return bool(self.images.image_id(row)) and self.images.is_first_with_its_id(row)

    @property
    def sortColumn(self):
        return self._sortColumn

    @property
    def sortDescending(self):
        return self._sortDescending

    # What Qt asks for

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self.images.rows)

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

    def sort(self, column, order=qt.Qt.AscendingOrder):
        self.beginResetModel()
        self._sortColumn = column
        self._sortDescending = order == qt.Qt.DescendingOrder
        self._sort()
        self._rearranged()
        self.endResetModel()

    def match(self, start, role, value, hits=1, flags=None):
        # Typing in the table would look at every row; there is the filter for that.
        return []

    # How it is done

    def _makeHeaders(self):
        return {
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

    def _sort(self):
        if self._sortColumn == STATE:
            self.images.sort_by(self._stateRanks(), self._sortDescending)
        else:
            self.images.sort(_FIELDS.get(self._sortColumn), self._sortDescending)

    def _stateRanks(self):
        ranks = np.full(len(self.images), state_appearance.LAST_RANK, np.uint64)
        for imageId, state in self._browser.images.states.items():
            row = self.images.row(imageId)
            if row is not None:
                ranks[row] = state_appearance.rank(state)
        return ranks

    def _rearranged(self):
        self._entryRow = None
        self._shownAt = np.full(len(self.images), -1, np.intp)
        self._shownAt[self.images.rows] = np.arange(len(self.images.rows))

    def _readEntry(self, row):
        if row >= self.images.first_live_row:
            liveState = self._browser.images.live.get(self.images.image_id(row))
            if liveState is not None:
                return redacted_entry(liveState.entry, self._browser.patients)
        return self.images.entry(row)

    def _text(self, row, column):
        entry = self.entry(row)
        if column == STATE:
            return self._stateText(row)
        if column == SCAN_TIME:
            moment = entry.scan_time.to_datetime()
            return "" if moment is None else self._localeTexts.moment(moment)
        if column == SIZE:
            return size_text(entry.size)
        if column == TYPE:
            return "" if self._isLabelMap(row) else scalar_type_text(entry.scalar_type)
        return printable(getattr(entry, _FIELDS[column]))

    def _stateText(self, row):
        if self.isLoadable(row):
            return self.state(self.imageId(row))
        return _("id is not unique") if self.imageId(row) else _("no id")

    def _isLabelMap(self, row):
        """Whether it is one of LBMETA, which does not tell the scalar type."""
        isListed = self.images.rows[row] < self.images.first_live_row
        return not isListed and self.entry(row).scalar_type == NOT_TOLD

    def _toolTip(self, row, column):
        lines = [self._text(row, column)]
        if column == SCAN_TIME and lines != [""]:
            lines = [self._localeTexts.exactMoment(self.entry(row).scan_time.to_datetime())]
        if column == STATE:
            lines += self.notes(row)
        # Without this, Qt would take for HTML what a server sends.
        text = "<br>".join(html.escape(line) for line in lines if line)
        return f"<p>{text}</p>" if text else None

    def _foreground(self, row, column):
        if not self.isLoadable(row):
            return self._colours.faint
        if column != STATE:
            return None
        state, liveState = self._stateOf(row), self._browser.images.live.get(self.imageId(row))
        if state_appearance.isLive(state, liveState):
            return self._colours.blue
        colours = {
            ImageStatus.FAILED: self._colours.red,
            ImageStatus.LOADED: self._colours.green,
        }
        return colours.get(state.status)

    def _background(self, row, column):
        state = self._stateOf(row)
        if column != STATE or state.status is not ImageStatus.LOADING or not self.isLoadable(row):
            return None
        return self._colours.progressBrush(state.received / max(state.size, 1))

    def _font(self, row, column):
        isLoaded = column == NAME and self._stateOf(row).status is ImageStatus.LOADED
        return self._colours.boldFont if isLoaded and self.isLoadable(row) else None

    def _stateOf(self, row):
        return self._browser.images.state(self.imageId(row))
