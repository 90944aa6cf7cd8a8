"""The list of images as a table, which makes its cells when they are looked at."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import qt
from slicer.i18n import tr as _

from ...browser.events import ImageStatus
from ...browser.lists.image_list import ImageList
from ...browser.lists.image_search import NO_SEARCH
from ...browser.lists.shown_rows import ShownRows
from ...codec import printable
from ...net.client.image_notes import scalar_type_text, size_text
from ...person_names import readable_name
from ...privacy.redacted_list import redacted_entry
from ...signal import Signal
from ..details.calibration_section import spacingText
from ..widgets.table_model import SortableTableModel
from . import state_appearance
from .group_texts import GroupTexts
from .overlay_section import NOT_TOLD
from .state_appearance import StateTexts
from .state_icons import StateIcons

STATE, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID, PREVIEW = range(10)

FIELDS = {
    NAME: "name",
    MODALITY: "modality",
    PATIENT: "patient_name",
    PATIENT_ID: "patient_id",
    SCAN_TIME: "scan_time",
    SIZE: "size",
    TYPE: "scalar_type",
    ID: "id",
}
# So many images are filtered, sorted and grouped in 10 ms; more of them in turns.
_ARRANGED_AT_ONCE = 10_000
_FIRST_SECONDS = 0.02


class ImageTableModel(SortableTableModel):
    """One row an image: what the server's list says, and how far it is loaded.

    ``images`` is the ``ImageList`` that is shown. With ``isGrouped``, there are rows for patients
    and studies as well, above their images; they can be collapsed. Images are counted by their
    *position* in ``images``, and by their *row* here.

    Of a long list it takes turns until it is known which rows are to be shown (``arrangeOn``):
    until the end they stay as they are. ``arrangingBegun`` is emitted if more than one is needed.
    """

    def __init__(self, browser, colors, localeTexts):
        SortableTableModel.__init__(self, _headers())
        self._browser = browser
        self._colors = colors
        self._localeTexts = localeTexts
        self._icons = StateIcons(colors)
        self._stateTexts = StateTexts()
        self._groupTexts = GroupTexts(localeTexts)
        self._texts = _texts()
        self.images = ImageList()
        self.thumbnail = None
        """Returns the QIcon of an image's id, or None, for the column PREVIEW."""
        self.arrangingBegun = Signal()
        self.isGrouped = False
        """Whether there are to be rows for patients and studies; see ``hasGroups``."""
        self._toggledGroups = set()
        self.isCovered = False
        """Whether no row is shown, as the list is not yet as it may be seen."""
        self._filter = ("", (), NO_SEARCH)
        self._isSortDue = False
        self._work = None
        self._entry = self._entryPosition = None
        self._rows = self._arranged = ShownRows.none()
        self._answers |= {
            qt.Qt.DecorationRole: self._icon,
            qt.Qt.AccessibleTextRole: self.copiedText,
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.BackgroundRole: self._background,
            qt.Qt.FontRole: self._font,
        }

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
        self._rows = self._arranged
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
        keys = {self.group(row).key for row in rows if self.isGroup(row)}
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
            self._rows = self._arranged
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

    def state(self, imageId):
        """Return what the row of an image says of its state."""
        text = self._stateTexts.text(
            self._browser.images.state(imageId),
            self._browser.images.live.get(imageId),
            self._browser.metadata.calibration(imageId) is not None,
        )
        return self._browser.patients.redact(text)

    # Rows and positions

    @property
    def rows(self):
        """The ``browser.lists.shown_rows.ShownRows``."""
        return self._rows

    @property
    def shown(self):
        """The positions of the rows' images, from above; that of a group is below 0."""
        return self._rows.shown

    @property
    def order(self):
        """The positions of all images that the filter leaves, those in collapsed groups as well."""
        return self._rows.order

    @property
    def hasGroups(self):
        """Whether there are rows for patients and studies."""
        return self._rows.has_groups

    def isGroup(self, row):
        """Whether a row is that of a patient or of a study."""
        return self._rows.is_group(row)

    def group(self, row):
        """Return the patient or study of a row, a ``browser.lists.image_groups.Group``."""
        return self._rows.group(row)

    def isGroupOpen(self, row):
        """Whether what is below a patient or study is shown, or will be in some turns."""
        return self._rows.is_group_open(row, self._toggledGroups)

    def positions(self, row):
        """Return the positions of the images of a row: one, or those of a group."""
        return self._rows.positions(row)

    def imageId(self, row):
        """Return the id of the image in a row; of a group there is none."""
        return "" if self.isGroup(row) else self.images.image_id(int(self.shown[row]))

    def row(self, imageId):
        """Return the row of an image, or None if it is not shown."""
        position = self.images.row(imageId)
        return None if position is None else self._rows.row(position)

    def isLoadable(self, row):
        """Whether the server would know which image is meant."""
        return not self.isGroup(row) and self.isPositionLoadable(int(self.shown[row]))

    def isPositionLoadable(self, position):
        """Whether the server would know which image is meant."""
        return bool(self.images.are_loadable[position])

    # What is known of an image

    def entry(self, row):
        """Return what is known of the image in a row (``codec.ImageMetaItem``)."""
        return self._entryAt(int(self.shown[row]))

    def _entryAt(self, position):
        if position != self._entryPosition:
            self._entry = self._readEntry(position)
            self._entryPosition = position
        return self._entry

    def notes(self, row):
        """Return what else there is to know of the image in a row."""
        if self.isGroup(row):
            return []
        imageId = self.imageId(row)
        if not imageId:
            return [self._texts["no id"]]
        if not self.isLoadable(row):
            return [self._texts["doubled id"]]
        notes = self._browser.images.state(imageId).notes
        return [*map(self._browser.patients.redact, notes), *self.calibrationNotes(imageId)]

    def calibrationNotes(self, imageId):
        """Return a note if the pixel spacing of an image is calibrated."""
        calibration = self._browser.metadata.calibration(imageId)
        if calibration is None:
            return []
        return [self._texts["calibrated"].format(spacing=spacingText(calibration))]

    def source(self, row):
        """Return where an image is offered."""
        position = int(self.shown[row])
        if position < self.images.first_live_row:
            return self._texts["image list"]
        isLabelMap = self._isLabelMap(position, self._entryAt(position))
        return self._texts["label maps" if isLabelMap else "live images"]

    # How it is done

    def copiedText(self, row, column):
        """Return what is copied of a cell: of the state, the words."""
        return self._stateText(row) if column == STATE else self._text(row, column)

    def _rowTotal(self):
        return len(self.shown)

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
        states = self._browser.images.states
        positions = self.images.rows_of(list(states))
        rank = state_appearance.rank
        stateRanks = np.fromiter(map(rank, states.values()), np.uint64, len(states))
        isListed = positions >= 0
        ranks[positions[isListed]] = stateRanks[isListed]
        return ranks

    def _readEntry(self, position):
        if position >= self.images.first_live_row:
            liveState = self._browser.images.live.get(self.images.image_id(position))
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

    def _text(self, row, column):
        if column in (STATE, PREVIEW):
            return ""
        if self.isGroup(row):
            return self._groupText(row, column)
        text = self.positionText(int(self.shown[row]), column)
        return self._groupTexts.indented(text, 2) if self.hasGroups and column == NAME else text

    def positionText(self, position, column):
        """Return what a column says of the image at a position."""
        entry = self._entryAt(position)
        if column == SCAN_TIME:
            moment = entry.scan_time.to_datetime()
            return "" if moment is None else self._localeTexts.moment(moment)
        if column == SIZE:
            return size_text(entry.size) if all(entry.size) else ""
        if column == TYPE:
            # An archive knows size and type of a series once it has fetched it.
            isUnknown = not any(entry.size) and self._browser.images.offers_search
            isUnknown = isUnknown or self._isLabelMap(position, entry)
            return "" if isUnknown else scalar_type_text(entry.scalar_type)
        text = printable(getattr(entry, FIELDS[column]))
        return readable_name(text) if column == PATIENT else text

    def _groupText(self, row, column):
        group = self.group(row)
        if column == NAME:
            return self._groupTexts.name(group, self._rows.image_total(row))
        if column == PATIENT_ID and group.level == 0:
            return printable(group.patient_id)
        return ""

    def _stateText(self, row):
        if self.isGroup(row):
            return self._texts["open" if self.isGroupOpen(row) else "collapsed"]
        if self.isLoadable(row):
            return self.state(self.imageId(row))
        return self._texts["id is not unique" if self.imageId(row) else "without an id"]

    def _isLabelMap(self, position, entry):
        """Whether it is one of LBMETA, which does not tell the scalar type."""
        isListed = position < self.images.first_live_row
        return not isListed and entry.scalar_type == NOT_TOLD

    def _toolTipLines(self, row, column):
        if self.isGroup(row):
            return self._groupTexts.toolTipLines(self.group(row))
        if column == STATE:
            return [self._stateText(row), *self.notes(row)]
        if column == PREVIEW:
            return []
        if column == SCAN_TIME:
            moment = self.entry(row).scan_time.to_datetime()
            return [] if moment is None else [self._localeTexts.exactMoment(moment)]
        lines = [self.positionText(int(self.shown[row]), column)]
        asListed = printable(self.entry(row).patient_name)
        return [*lines, asListed] if column == PATIENT and asListed not in lines else lines

    def _icon(self, row, column):
        if column == PREVIEW and self.thumbnail is not None and self.isLoadable(row):
            return self.thumbnail(self.imageId(row))
        if column != STATE:
            return None
        if self.isGroup(row):
            return self._icons.arrow(self.isGroupOpen(row))
        if not self.isLoadable(row):
            return self._icons.unusable()
        state, liveState = self._stateOf(row), self._browser.images.live.get(self.imageId(row))
        if state_appearance.isLive(state, liveState):
            return self._icons.live()
        if state.status is ImageStatus.LOADING:
            return self._icons.loading(state.received / max(state.size, 1))
        if state.status is ImageStatus.LOADED:
            return self._icons.loaded(bool(self.notes(row)))
        icons = {
            ImageStatus.WAITING: self._icons.waiting,
            ImageStatus.FAILED: self._icons.failed,
            ImageStatus.CANCELLED: self._icons.cancelled,
        }
        return icons[state.status]() if state.status in icons else None

    def _foreground(self, row, _column):
        isUsable = self.isGroup(row) or self.isLoadable(row)
        return None if isUsable else self._colors.faint

    def _background(self, row, column):
        if column != NAME or not self.isLoadable(row):
            return None
        state = self._stateOf(row)
        if state.status is not ImageStatus.LOADING:
            return None
        return self._colors.progressBrush(state.received / max(state.size, 1))

    def _font(self, row, column):
        return self._colors.boldFont if column == NAME and self.isGroup(row) else None

    def _stateOf(self, row):
        return self._browser.images.state(self.imageId(row))


def _headers():
    return (
        "",
        _("Name"),
        _("Modality"),
        _("Patient"),
        _("Patient ID"),
        _("Scan time"),
        _("Size"),
        _("Type"),
        _("ID"),
        _("Preview"),
    )


def _texts():
    """Return the words of the rows, translated once: ``_()`` costs 9 µs a call in Slicer."""
    return {
        "no id": _("The server gives this image no ID, so it cannot be requested."),
        "doubled id": _("Another image has the same ID; only that one can be requested."),
        "calibrated": _("calibrated pixel spacing: {spacing} mm"),
        "live images": _("live images"),
        "image list": _("image list"),
        "label maps": _("label map list"),
        "id is not unique": _("ID is not unique"),
        "without an id": _("no ID"),
        "open": _("expanded"),
        "collapsed": _("collapsed"),
    }
