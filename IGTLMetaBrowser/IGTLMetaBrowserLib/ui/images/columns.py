"""The columns of the image table: those that tell the images apart."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...codec import printable
from ..widgets.table_columns import TableColumns
from .column_numbers import (
    FIELDS,
    ID,
    MODALITY,
    NAME,
    PATIENT,
    PATIENT_ID,
    PREVIEW,
    SCAN_TIME,
    SIZE,
    STATE,
    TYPE,
)
from .thumbnail_column import THUMBNAIL_WIDTH

_KEYS = (
    *("state", "name", "modality", "patient", "patientId", "scanTime", "size", "type", "id"),
    "preview",
)
_ORDER = (STATE, PREVIEW, NAME, MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE, ID)
_MAY_BE_REDUNDANT = (MODALITY, PATIENT, PATIENT_ID, SCAN_TIME, SIZE, TYPE)
# These have no texts by which they could be measured. Beside thumbnails, icons are larger.
_STATE_WIDTH, _STATE_WIDTH_BESIDE_THUMBNAILS = 28, 44


class ImageColumns(TableColumns):
    """Leaves out what is the same for all images, and what the groups say already.

    What the user chooses in the menu of the header counts more, and is kept.
    """

    def __init__(self, view, model):
        hidden = [PATIENT_ID, PREVIEW]
        TableColumns.__init__(self, view, "Images", _KEYS, _names(), hidden, _ORDER)
        self._model = model
        self._areMeasured = False
        self.shownChanged.connect(self._setWidths)
        self._setWidths()
        self.common = []
        """What is the same for all images, and in no column: name and value, as a text each."""

    def reset(self):
        """Show the columns as at first."""
        TableColumns.reset(self)
        self._setWidths()

    def showList(self):
        """Show what tells the images of another list apart."""
        self._leaveOutCommon()
        self._measure()

    def showGroups(self):
        """Make room for the names of groups, or for those of images alone."""
        self._leaveOutCommon()
        self.measureColumn(NAME)
        self.widen(NAME)

    def _leaveOutCommon(self):
        images = self._model.images
        same = [column for column in _MAY_BE_REDUNDANT if images.has_one_value(FIELDS[column])]
        inGroups = [PATIENT, PATIENT_ID] if self._model.rows.has_groups else []
        self.setRedundant({*same, *inGroups})
        self.common = [
            self._commonText(column)
            for column in same
            if column not in (PATIENT_ID, *inGroups) and not self.isShown(column)
        ]

    def _commonText(self, column):
        # Of no row: the first may be that of a group.
        name, value = self._names[column], printable(self._model.positionText(0, column))
        # The pseudonym of a hidden patient says already what it is.
        return value if not value or value.startswith(name) else f"{name} {value}"

    def _measure(self):
        """Make the columns wide enough for the first list of a server; then they are the user's.

        Not wider than a few words: a server's texts may be long. Names become wider with those of
        other lists, as of another search, and are those of all of a list: "Head 9999" is its last.
        """
        hasRows = len(self._model.images) > 0
        if hasRows and not self._areMeasured:
            self.measure()
            self._setWidths()
        self._areMeasured = hasRows
        self.widen(NAME)

    def _setWidths(self):
        hasThumbnails = self.isShown(PREVIEW)
        self.setWidth(STATE, _STATE_WIDTH_BESIDE_THUMBNAILS if hasThumbnails else _STATE_WIDTH)
        self.setWidth(PREVIEW, THUMBNAIL_WIDTH)


def _names():
    """Return what the columns are called in the menu; None for those that are always there."""
    names = [None] * len(_KEYS)
    names[MODALITY] = _("Modality")
    names[PATIENT] = _("Patient")
    names[PATIENT_ID] = _("Patient ID")
    names[SCAN_TIME] = _("Scan time")
    names[SIZE] = _("Size")
    names[TYPE] = _("Type")
    names[ID] = _("ID")
    names[PREVIEW] = _("Preview")
    assert names[NAME] is None
    return names
