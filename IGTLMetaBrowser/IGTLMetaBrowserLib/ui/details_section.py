"""All that is known of one image, whoever knows it."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ..metadata.details import DetailRow, detail_rows, matching_rows
from ..privacy.redacted_list import redacted_rows
from .calibration_section import CalibrationSection
from .details_table import ATTRIBUTE, MODULE, SOURCE, VALUE, DetailsTableModel
from .image_table import ID, SCAN_TIME, STATE, TYPE
from .panel_keys import PanelKeys

# An image that is being loaded, or that streams, changes many times a second.
_PAUSE_MILLISECONDS = 200
# The part of the table's width that a column gets, and the most; the value takes what is left.
_COLUMN_WIDTHS = {MODULE: (0.22, 110), ATTRIBUTE: (0.29, 210), SOURCE: (0.24, 230)}


class DetailsSection:
    """Shows the row of ``model`` that has the keyboard's attention, while it is unfolded."""

    def __init__(self, ui, browser, model, colours, localeTexts, statusLine):
        self.ui = ui
        self._browser = browser
        self._images = model
        self._localeTexts = localeTexts
        self._imageSelection = ui.imageTableView.selectionModel()
        # The view does not keep its model alive in Slicer.
        self.model = DetailsTableModel(colours)
        self.calibration = CalibrationSection(ui, browser, model, statusLine)
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.update)
        self._columnTimer = qt.QTimer()
        self._columnTimer.setSingleShot(True)
        self._columnTimer.timeout.connect(self._arrangeColumns)
        self._prepareView(ui.detailsTableView)
        self._makeMenu(ui.detailsTableView)
        self._makeKeys()
        ui.detailsCollapsibleButton.collapsed = True
        ui.detailsCollapsibleButton.contentsCollapsed.connect(self.update)
        ui.detailsSearchLineEdit.textChanged.connect(self.update)
        self._imageSelection.currentRowChanged.connect(self.update)
        model.dataChanged.connect(self._updateSoon)
        model.modelReset.connect(self.update)

    def close(self):
        """Wait for nothing any more."""
        self._timer.stop()
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.timeout.disconnect(self.update)
        self._columnTimer.stop()
        self._columnTimer.timeout.disconnect(self._arrangeColumns)
        self._keys.delete()
        self.model.delete()  # see BrowserPanel.close

    def show(self):
        """Unfold the details."""
        self.ui.detailsCollapsibleButton.collapsed = False
        self.update()

    def update(self, *_arguments):
        """Show the present row."""
        self._timer.stop()
        if self.ui.detailsCollapsibleButton.collapsed:
            return
        index = self.ui.imageTableView.currentIndex()
        row = index.row() if index.isValid() else None
        rows = [] if row is None else self._rows(row)
        self.model.setRows(matching_rows(rows, self.ui.detailsSearchLineEdit.text))
        self.ui.detailsSearchLineEdit.enabled = row is not None
        self.calibration.showRow(row)

    def copy(self):
        """Copy the selected rows, each in a line, with tabs between the cells."""
        indexes = self.ui.detailsTableView.selectionModel().selectedRows()
        rows = sorted(index.row() for index in indexes)
        if rows:
            qt.QApplication.clipboard().setText(self.model.lines(rows))

    def copyAll(self):
        """Copy all rows that are shown in the same way."""
        qt.QApplication.clipboard().setText(self.model.lines(range(self.model.rowCount())))

    def _updateSoon(self, *_arguments):
        if not self._timer.isActive():
            self._timer.start(_PAUSE_MILLISECONDS)

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
        images = self._images
        value = images.data(images.index(row, column))
        moment = images.entry(row).scan_time.to_datetime()
        if column == SCAN_TIME and moment is not None:
            value += f" ({self._localeTexts.exactMoment(moment)})"
        source = _("this module") if column == STATE else images.source(row)
        return DetailRow(_("table"), images.headerData(column, 1), value, source, ())

    def _notes(self, row):
        notes = self._images.notes(row)
        return [DetailRow(_("table"), _("Note"), note, _("this module"), ()) for note in notes]

    def _prepareView(self, view):
        view.setModel(self.model)
        view.verticalHeader().visible = False
        view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 6)
        header = view.horizontalHeader()
        header.setSectionResizeMode(VALUE, qt.QHeaderView.Stretch)
        header.highlightSections = False
        header.sectionResized.connect(self._onSectionResized)
        self._width = None

    def _onSectionResized(self, *_arguments):
        self._columnTimer.start(0)  # Qt is arranging them itself

    def _arrangeColumns(self):
        view = self.ui.detailsTableView
        if view.viewport().width == self._width:
            return  # the user's own widths stay until the panel gets another one
        self._width = view.viewport().width
        for column, (part, most) in _COLUMN_WIDTHS.items():
            view.setColumnWidth(column, min(int(part * self._width), most))

    def _makeMenu(self, view):
        # Neither the view nor the menu keeps these alive in Slicer.
        self.menu = qt.QMenu(view)
        self.copyAction = self.menu.addAction(_("Copy"))
        self.copyAction.triggered.connect(lambda _checked=False: self.copy())
        self.copyAllAction = self.menu.addAction(_("Copy all"))
        self.copyAllAction.triggered.connect(lambda _checked=False: self.copyAll())
        view.customContextMenuRequested.connect(self._onMenuRequested)

    def _onMenuRequested(self, position):
        view = self.ui.detailsTableView
        self.copyAction.enabled = view.selectionModel().hasSelection
        self.copyAllAction.enabled = self.model.rowCount() > 0
        self.menu.popup(view.viewport().mapToGlobal(position))

    def _makeKeys(self):
        self._keys = PanelKeys()
        self._keys.addControlKey(self.ui.detailsTableView, "C", self.copy)
        searchBox = self.ui.detailsSearchLineEdit
        self._keys.add(searchBox, [qt.Qt.Key_Escape], searchBox.clear)
