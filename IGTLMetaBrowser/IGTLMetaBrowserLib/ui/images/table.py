"""The list of images as a table, which makes its cells when they are looked at."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...browser.events import ImageStatus
from ...codec import printable
from ...net.client.image_notes import scalar_type_text, size_text
from ...person_names import readable_name
from ..details.calibration_section import spacingText
from . import state_appearance
from .column_numbers import FIELDS, NAME, PATIENT, PATIENT_ID, PREVIEW, SCAN_TIME, SIZE, STATE, TYPE
from .group_texts import GroupTexts
from .overlay_section import NOT_TOLD
from .rows import ImageRows
from .state_appearance import StateTexts
from .state_icons import StateIcons


class ImageTableModel(ImageRows):
    """What the row of an image says: the server's list, and how far the image is loaded."""

    def __init__(self, browser, colors, localeTexts):
        ImageRows.__init__(self, browser, _headers())
        self._colors = colors
        self._localeTexts = localeTexts
        self._icons = StateIcons(colors)
        self._stateTexts = StateTexts()
        self._groupTexts = GroupTexts(localeTexts)
        self._texts = _texts()
        self.thumbnail = None
        """Returns the QIcon of an image's id, or None, for the column PREVIEW."""
        self._answers |= {
            qt.Qt.DecorationRole: self._icon,
            qt.Qt.AccessibleTextRole: self.copiedText,
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.BackgroundRole: self._background,
            qt.Qt.FontRole: self._font,
        }

    def state(self, imageId):
        """Return what the row of an image says of its state."""
        text = self._stateTexts.text(
            self._browser.images.states.of(imageId),
            self._browser.images.live.states.get(imageId),
            self._browser.metadata.calibration(imageId) is not None,
        )
        return self._browser.patients.redact(text)

    def notes(self, row):
        """Return what else there is to know of the image in a row."""
        if self.rows.is_group(row):
            return []
        imageId = self.imageId(row)
        if not imageId:
            return [self._texts["no id"]]
        if not self.isLoadable(row):
            return [self._texts["doubled id"]]
        notes = self._browser.images.states.of(imageId).notes
        return [*map(self._browser.patients.redact, notes), *self.calibrationNotes(imageId)]

    def calibrationNotes(self, imageId):
        """Return a note if the pixel spacing of an image is calibrated."""
        calibration = self._browser.metadata.calibration(imageId)
        if calibration is None:
            return []
        return [self._texts["calibrated"].format(spacing=spacingText(calibration))]

    def source(self, row):
        """Return where an image is offered."""
        position = int(self.rows.shown[row])
        if position < self.images.first_live_row:
            return self._texts["image list"]
        isLabelMap = self._isLabelMap(position, self._entryAt(position))
        return self._texts["label maps" if isLabelMap else "live images"]

    def copiedText(self, row, column):
        """Return what is copied of a cell: of the state, the words."""
        return self._stateText(row) if column == STATE else self._text(row, column)

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
            isUnknown = not any(entry.size) and self._browser.images.listing.search_keywords
            isUnknown = isUnknown or self._isLabelMap(position, entry)
            return "" if isUnknown else scalar_type_text(entry.scalar_type)
        text = printable(getattr(entry, FIELDS[column]))
        return readable_name(text) if column == PATIENT else text

    def _text(self, row, column):
        if column in (STATE, PREVIEW):
            return ""
        if self.rows.is_group(row):
            return self._groupText(row, column)
        text = self.positionText(int(self.rows.shown[row]), column)
        isIndented = self.rows.has_groups and column == NAME
        return self._groupTexts.indented(text, 2) if isIndented else text

    def _groupText(self, row, column):
        group = self.rows.group(row)
        if column == NAME:
            return self._groupTexts.name(group, self.rows.image_total(row))
        if column == PATIENT_ID and group.level == 0:
            return printable(group.patient_id)
        return ""

    def _stateText(self, row):
        if self.rows.is_group(row):
            return self._texts["open" if self.isGroupOpen(row) else "collapsed"]
        if self.isLoadable(row):
            return self.state(self.imageId(row))
        return self._texts["id is not unique" if self.imageId(row) else "without an id"]

    def _isLabelMap(self, position, entry):
        """Whether it is one of LBMETA, which does not tell the scalar type."""
        isListed = position < self.images.first_live_row
        return not isListed and entry.scalar_type == NOT_TOLD

    def _toolTipLines(self, row, column):
        if self.rows.is_group(row):
            return self._groupTexts.toolTipLines(self.rows.group(row))
        if column == STATE:
            return [self._stateText(row), *self.notes(row)]
        if column == PREVIEW:
            return []
        if column == SCAN_TIME:
            moment = self.entry(row).scan_time.to_datetime()
            return [] if moment is None else [self._localeTexts.exactMoment(moment)]
        lines = [self.positionText(int(self.rows.shown[row]), column)]
        asListed = printable(self.entry(row).patient_name)
        return [*lines, asListed] if column == PATIENT and asListed not in lines else lines

    def _icon(self, row, column):
        if column == PREVIEW and self.thumbnail is not None and self.isLoadable(row):
            return self.thumbnail(self.imageId(row))
        if column != STATE:
            return None
        if self.rows.is_group(row):
            return self._icons.arrow(self.isGroupOpen(row))
        if not self.isLoadable(row):
            return self._icons.unusable()
        state, liveState = (
            self._stateOf(row),
            self._browser.images.live.states.get(self.imageId(row)),
        )
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
        isUsable = self.rows.is_group(row) or self.isLoadable(row)
        return None if isUsable else self._colors.faint

    def _background(self, row, column):
        if column != NAME or not self.isLoadable(row):
            return None
        state = self._stateOf(row)
        if state.status is not ImageStatus.LOADING:
            return None
        return self._colors.progressBrush(state.received / max(state.size, 1))

    def _font(self, row, column):
        return self._colors.boldFont if column == NAME and self.rows.is_group(row) else None

    def _stateOf(self, row):
        return self._browser.images.states.of(self.imageId(row))


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
