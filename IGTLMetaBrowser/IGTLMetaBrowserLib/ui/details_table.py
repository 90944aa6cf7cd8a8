"""All that is known of one image, as a table: module, attribute, value, and who says so."""

from __future__ import annotations

import html

import qt
from slicer.i18n import tr as _

from ..metadata.modules import IMAGE_PLANE
from ..metadata.providers.calibration import CalibrationProvider

MODULE, ATTRIBUTE, VALUE, SOURCE = range(4)

_LONGEST_TOOL_TIP = 1000  # characters of a value


class DetailsTableModel(qt.QAbstractTableModel):
    """Shows ``metadata.details.DetailRow``s.

    Where providers do not say the same, the value has another colour, and its tool tip tells what
    the others say. Values of a calibration are marked as such.
    """

    def __init__(self, colours):
        qt.QAbstractTableModel.__init__(self)
        self._colours = colours
        self._rows = []
        self._headers = (_("Module"), _("Attribute"), _("Value"), _("Source"))
        self._answers = {
            qt.Qt.DisplayRole: self._text,
            qt.Qt.ToolTipRole: self._toolTip,
            qt.Qt.ForegroundRole: self._foreground,
        }

    def setRows(self, rows):
        """Show other rows. Where only values have changed, selection and scroll bar stay."""
        if rows == self._rows:
            return
        if _attributes(rows) == _attributes(self._rows):
            self._rows = rows
            self.dataChanged.emit(self.index(0, MODULE), self.index(len(rows) - 1, SOURCE))
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def lines(self, rowNumbers):
        """Return rows as text, each in a line, with a tab between its cells."""
        columns = range(self.columnCount())
        lines = ["\t".join(self._text(row, column) for column in columns) for row in rowNumbers]
        return "\n".join(lines)

    def rowCount(self, parent=None):
        return 0 if parent is not None and parent.isValid() else len(self._rows)

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

    def _text(self, row, column):
        detail = self._rows[row]
        if column == VALUE and _isCalibrated(detail):
            return _("{value} (calibrated)").format(value=detail.value)
        if column == SOURCE and detail.conflicts:
            return _("{provider}; others differ").format(provider=detail.provider)
        return (detail.module, detail.keyword, detail.value, detail.provider)[column]

    def _toolTip(self, row, column):
        lines = [_shortened(self._text(row, column))]
        if column in (VALUE, SOURCE):
            lines += [
                _("{provider} says: {value}").format(
                    provider=other.provider, value=_shortened(other.value)
                )
                for other in self._rows[row].conflicts
            ]
        # Without this, Qt would take for HTML what a server sends.
        return "<p>" + "<br>".join(html.escape(line) for line in lines) + "</p>"

    def _foreground(self, row, column):
        detail = self._rows[row]
        if column in (VALUE, SOURCE) and detail.conflicts:
            return self._colours.amber
        return self._colours.blue if column == VALUE and _isCalibrated(detail) else None


def _attributes(rows):
    return [row[:2] for row in rows]


def _isCalibrated(detail):
    return detail.provider == CalibrationProvider.name and detail.module == IMAGE_PLANE


def _shortened(text):
    return text if len(text) <= _LONGEST_TOOL_TIP else text[:_LONGEST_TOOL_TIP] + " …"
