"""All that is known of one image, as a table: attribute, value, and who says so."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...browser.lists.natural_order import fold_for_search, search_words
from ...person_names import readable_name
from ..widgets.table_model import TableModel
from .words import DetailSources, isCalibrated, isPersonName, wordsOf

ATTRIBUTE, VALUE, SOURCE = range(3)

_LONGEST_TOOL_TIP = 1000  # characters of a value


class DetailsTableModel(TableModel):
    """Shows ``metadata.details.DetailRow``s; those first about which providers do not agree.

    Their value has another color, and its tool tip tells what the others say. Values of a
    calibration are marked as such. ``isEditable`` says of a row whether its value can be typed in;
    then ``onEdited`` is called with the row and the text.
    """

    def __init__(self, colors, isEditable, onEdited):
        TableModel.__init__(self, (_("Attribute"), _("Value"), _("Source")))
        self._isEditable = isEditable
        self._onEdited = onEdited
        self._colors = colors
        self._rows = []
        self._sources = DetailSources()
        self._calibrated = _("{value} (calibrated)")
        self._says = _("{provider}: {value}")
        self._keyword = _("DICOM keyword: {keyword}")
        self._answers |= {
            qt.Qt.ForegroundRole: self._foreground,
            qt.Qt.DecorationRole: self._icon,
            qt.Qt.EditRole: self._editedText,
        }

    def setRows(self, rows):
        """Show other rows. Where only values have changed, selection and scroll bar stay."""
        rows = sorted(rows, key=lambda detail: not detail.conflicts)
        if rows == self._rows:
            return
        if _attributes(rows) == _attributes(self._rows):
            self._rows = rows
            self._changed(0, len(rows) - 1)
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def row(self, number):
        """Return one of the rows that are shown, a ``DetailRow``."""
        return self._rows[number]

    def rowOf(self, keyword):
        """Return the first row about a DICOM keyword, or None."""
        rows = (number for number, row in enumerate(self._rows) if row.keyword == keyword)
        return next(rows, None)

    def isValueEditable(self, number):
        """Whether the value of a row can be typed in."""
        return self._isEditable(self._rows[number])

    def flags(self, index):
        flags = qt.Qt.ItemIsSelectable | qt.Qt.ItemIsEnabled
        isEditable = index.isValid() and index.column() == VALUE
        if isEditable and self.isValueEditable(index.row()):
            flags |= qt.Qt.ItemIsEditable
        return flags

    def setData(self, index, value, role=qt.Qt.EditRole):
        if role != qt.Qt.EditRole or not index.isValid() or index.column() != VALUE:
            return False
        row = self._rows[index.row()]
        if value == row.value:
            return False  # it was only looked at
        return self._onEdited(row, value)

    def _editedText(self, row, column):
        return self._rows[row].value if column == VALUE else None

    def _rowTotal(self):
        return len(self._rows)

    def _text(self, row, column):
        detail = self._rows[row]
        if column == ATTRIBUTE:
            return wordsOf(detail.keyword)
        if column == SOURCE:
            return self._sources.text(detail)
        if isCalibrated(detail):
            return self._calibrated.format(value=detail.value)
        return readable_name(detail.value) if isPersonName(detail.keyword) else detail.value

    def _toolTipLines(self, row, column):
        detail = self._rows[row]
        lines = [_shortened(self._text(row, column))]
        if column == ATTRIBUTE:
            return [*lines, self._keyword.format(keyword=detail.keyword)]
        if column == VALUE and isPersonName(detail.keyword) and detail.value not in lines:
            lines.append(_shortened(detail.value))  # as it came
        others = [(other.provider, _shortened(other.value)) for other in detail.conflicts]
        return lines + [self._says.format(provider=who, value=value) for who, value in others]

    def _foreground(self, row, column):
        detail = self._rows[row]
        if column in (VALUE, SOURCE) and detail.conflicts:
            return self._colors.amber
        return self._colors.blue if column == VALUE and isCalibrated(detail) else None

    def _icon(self, row, column):
        detail = self._rows[row]
        if column == SOURCE:
            return self._sources.icon(detail)
        return self._sources.warning if column == ATTRIBUTE and detail.conflicts else None


def matchingDetails(rows, search):
    """Return the rows that have all words of ``search``, in capitals or not, anywhere in them."""
    words = search_words(search)
    if not words:
        return rows
    texts = [fold_for_search(f"{row.text}\n{wordsOf(row.keyword)}") for row in rows]
    return [
        row for row, text in zip(rows, texts, strict=True) if all(word in text for word in words)
    ]


def _attributes(rows):
    return [row[:2] for row in rows]


def _shortened(text):
    return text if len(text) <= _LONGEST_TOOL_TIP else text[:_LONGEST_TOOL_TIP] + " …"
