"""All that is known of one image, whoever knows it."""

from __future__ import annotations

import json

import qt
from slicer.i18n import tr as _

from ...metadata.details import DetailRow, detail_rows
from ...privacy.redacted_list import redacted_rows
from ..images.column_numbers import ID, SCAN_TIME, STATE, TYPE
from ..panel_keys import PanelKeys
from ..timers import SingleShotTimer
from ..widgets.empty_table_text import EmptyTableText
from ..widgets.resize_filter import ResizeFilter
from ..widgets.table_views import copyRows, limitHeight, setRowHeight
from .calibration_section import CalibrationSection
from .menu import DetailsMenu
from .table import ATTRIBUTE, SOURCE, VALUE, DetailsTableModel, matchingDetails
from .typed_values import TypedValues

# An image that is being loaded, or that streams, changes many times a second.
_PAUSE_MILLISECONDS = 200
# The part of the table's width that a column gets, and the most; the value takes what is left.
_COLUMN_WIDTHS = {ATTRIBUTE: (0.30, 210), SOURCE: (0.31, 210)}
_FEWEST_ROWS, _MOST_ROWS = 4, 10


class DetailsSection:
    """Shows the row of ``model`` that has the keyboard focus, while the section is expanded."""

    def __init__(self, ui, browser, model, colors, localeTexts, statusLine, tips):
        self.ui = ui
        self._browser = browser
        self._images = model
        self._localeTexts = localeTexts
        self._imageSelection = ui.imageTableView.selectionModel()
        # The view does not keep its model alive in Slicer.
        self._typed = TypedValues(browser, statusLine, self._shownImageId, self._onTyped)
        self.model = DetailsTableModel(colors, self._typed.isEditable, self._typed.set)
        self.calibration = CalibrationSection(ui, browser, model, statusLine, tips)
        self._timer = SingleShotTimer(self.update)
        self._keywordToShow = None
        self._resizing = ResizeFilter(self._arrangeColumns)
        self._texts = _texts()
        self._prepareView(ui.detailsTableView)
        self._emptyText = EmptyTableText(ui.detailsTableView)
        self.menu = DetailsMenu(ui.detailsTableView, self)
        self._makeKeys()
        ui.detailsCollapsibleButton.contentsCollapsed.connect(self.update)
        ui.detailsSearchLineEdit.textChanged.connect(self.update)
        self._imageSelection.currentRowChanged.connect(self.update)
        model.dataChanged.connect(self._updateSoon)
        model.modelReset.connect(self.update)

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()
        self._resizing.delete()
        self._keys.delete()
        self.model.delete()  # see BrowserPanel.close

    def show(self):
        """Expand the details."""
        self.ui.detailsCollapsibleButton.collapsed = False
        self.update()

    def update(self, *_arguments):
        """Show the present row."""
        self._timer.stop()
        if self.ui.detailsCollapsibleButton.collapsed:
            return
        if self._isEditing():
            self._updateSoon()  # other rows would close the editor
            return
        row = self._shownRow()
        rows = [] if row is None else self._rows(row)
        self.model.setRows(matchingDetails(rows, self.ui.detailsSearchLineEdit.text))
        self.ui.detailsSearchLineEdit.enabled = row is not None
        self._emptyText.show(self._whyTableIsEmpty(row))
        self.calibration.showRow(row)
        self._showTyped()

    def _whyTableIsEmpty(self, row):
        if self.model.rowCount() > 0:
            return ""
        return self._texts["noRow" if row is None else "noMatch"]

    def _onTyped(self, keyword):
        self._keywordToShow = keyword
        self._updateSoon()

    def _showTyped(self):
        """Make the row whose value was typed the present one: it may be elsewhere now."""
        keyword, self._keywordToShow = self._keywordToShow, None
        row = None if keyword is None else self.model.rowOf(keyword)
        if row is not None:
            index = self.model.index(row, VALUE)
            self.ui.detailsTableView.setCurrentIndex(index)
            self.ui.detailsTableView.scrollTo(index)

    def _isEditing(self):
        editors = self.ui.detailsTableView.viewport().children()
        return any(editor.inherits("QLineEdit") for editor in editors)

    def _shownRow(self):
        """Return the present row of the table of images; None for none, or a patient or study."""
        index = self.ui.imageTableView.currentIndex()
        isImage = index.isValid() and not self._images.rows.is_group(index.row())
        return index.row() if isImage else None

    def _shownImageId(self):
        row = self._shownRow()
        isKnown = row is not None and self._images.isLoadable(row)
        return self._images.imageId(row) if isKnown else None

    @property
    def isValueEditable(self):
        """Whether another value of the present row can be typed."""
        row = self._presentDetail()
        return row >= 0 and self.model.isValueEditable(row)

    @property
    def isValueTyped(self):
        """Whether the value of the present row was typed."""
        row = self._presentDetail()
        return row >= 0 and self._typed.isTyped(self.model.row(row))

    @property
    def canCopyJson(self):
        """Whether an image is shown of which ``copyJson`` knows something."""
        return self._shownImageId() is not None

    def _presentDetail(self):
        return self.ui.detailsTableView.currentIndex().row()

    def editValue(self):
        """Type another value of the present row."""
        self.ui.detailsTableView.edit(self.model.index(self._presentDetail(), VALUE))

    def removeTypedValue(self):
        """Let what others say of the present row count again."""
        self._typed.remove(self.model.row(self._presentDetail()))

    def copy(self):
        """Copy the selected rows, each in a line, with tabs between the cells."""
        copyRows(self.ui.detailsTableView)

    def copyAll(self):
        """Copy all rows that are shown in the same way."""
        qt.QApplication.clipboard().setText(self.model.lines(range(self.model.rowCount())))

    def copyJson(self):
        """Copy what is known of the image's study, series and instance as JSON."""
        imageId = self._images.imageId(self.ui.imageTableView.currentIndex().row())
        known = self._browser.metadata.normalized(imageId)
        text = json.dumps(known, indent=2, ensure_ascii=False, default=str)
        qt.QApplication.clipboard().setText(text)

    def _updateSoon(self, *_arguments):
        self._timer.startIfIdle(_PAUSE_MILLISECONDS)

    def _rows(self, row):
        """Return what the table of images has of a row, and what the providers know of it."""
        images = self._images
        if not images.isLoadable(row):
            # The providers know nothing of it, or mean another image.
            return [self._rowOfTable(row, column) for column in range(ID + 1)] + self._notes(row)
        own = [self._rowOfTable(row, column) for column in (ID, STATE, SCAN_TIME, TYPE)]
        imageId, patients = images.imageId(row), self._browser.patients
        patients.register_patient_of(self._browser.metadata.registry, imageId)
        known = redacted_rows(detail_rows(self._browser.metadata.registry, imageId), patients)
        return [detail for detail in own if detail.value] + self._notes(row) + known

    def _rowOfTable(self, row, column):
        images, texts = self._images, self._texts
        value = images.copiedText(row, column).strip()
        moment = images.entry(row).scan_time.to_datetime()
        if column == SCAN_TIME and moment is not None:
            value += f" ({self._localeTexts.exactMoment(moment)})"
        source = texts["module"] if column == STATE else images.source(row)
        name = texts["state"] if column == STATE else images.headerData(column, qt.Qt.Horizontal)
        return DetailRow("", name, value, source, ())

    def _notes(self, row):
        texts = self._texts
        return [
            DetailRow("", texts["note"], note, texts["module"], ())
            for note in self._images.notes(row)
        ]

    def _prepareView(self, view):
        view.setModel(self.model)
        view.verticalHeader().visible = False
        setRowHeight(view)
        header = view.horizontalHeader()
        header.setSectionResizeMode(VALUE, qt.QHeaderView.Stretch)
        header.highlightSections = False
        view.viewport().installEventFilter(self._resizing)
        self._width = None
        self.model.modelReset.connect(self._limitHeight)
        self._limitHeight()

    def _limitHeight(self):
        limitHeight(self.ui.detailsTableView, _FEWEST_ROWS, _MOST_ROWS)

    def _arrangeColumns(self):
        view = self.ui.detailsTableView
        if view.viewport().width == self._width:
            return  # the user's own widths stay until the panel gets another one
        self._width = view.viewport().width
        for column, (part, most) in _COLUMN_WIDTHS.items():
            view.setColumnWidth(column, min(int(part * self._width), most))

    def _makeKeys(self):
        self._keys = PanelKeys()
        self._keys.addControlKey(self.ui.detailsTableView, "C", self.copy)
        searchBox = self.ui.detailsSearchLineEdit
        self._keys.add(searchBox, [qt.Qt.Key_Escape], searchBox.clear)


def _texts():
    """Return the words of the rows, translated once: ``_()`` costs 9 µs a call in Slicer."""
    return {
        "module": _("this module"),
        "state": _("State"),
        "note": _("Note"),
        "noRow": _("Select an image to see what is known of it"),
        "noMatch": _("No detail matches the search"),
    }
