"""The search fields above the table: folded into one button until they are wanted."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...browser.lists.image_search import NO_SEARCH, ImageSearch, parse_day
from ..timers import SingleShotTimer

# After the last key; an archive is asked less often than what came is filtered.
_FILTER_MILLISECONDS = 300
_SEARCH_MILLISECONDS = 700


class SearchFields:
    """Says what is searched for: the server is asked if it searches, else ``filterList`` is called.

    Until the server has answered, what came before is filtered, too.
    """

    def __init__(self, ui, browser, statusLine, colors, filterList):
        self._ui = ui
        self._browser = browser
        self._requests = browser.images.list_requests
        self._redact = browser.patients.redact
        self._statusLine = statusLine
        self._colors = colors
        self._filterList = filterList
        self._searching = _("Searching {address} …")
        self._texts = {
            "patient": ui.searchPatientLineEdit,
            "patient_id": ui.searchPatientIdLineEdit,
            "modality": ui.searchModalityLineEdit,
            "description": ui.searchDescriptionLineEdit,
        }
        self._days = {"first_day": ui.searchFromLineEdit, "last_day": ui.searchToLineEdit}
        self.lineEdits = [*self._texts.values(), *self._days.values()]
        self._timer = SingleShotTimer(self.search)
        for lineEdit in self.lineEdits:
            lineEdit.textChanged.connect(self._onTextChanged)
            lineEdit.returnPressed.connect(self.search)
        ui.searchWidget.visible = False
        ui.searchButton.toggled.connect(self._onToggled)
        ui.clearSearchButton.clicked.connect(self.clear)

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()

    @property
    def filter(self):
        """The ``ImageSearch`` to filter the list by: none if the server has done that."""
        isDone = self._isServerAsked and not self._requests.is_search_due
        return NO_SEARCH if isDone else self._requests.search

    @property
    def _isServerAsked(self):
        return bool(self._browser.images.listing.search_keywords)

    def search(self):
        """Search now for what the fields say."""
        self._timer.stop()
        before, search = self._requests.search, self._read()
        self._showWhetherOn()
        if search is None or search == before:
            return
        self._requests.search_for(search)
        if self._requests.is_search_due:
            self._statusLine.forgetResult()
            self._statusLine.show(self._searching)
        self._filterList()

    def clear(self, _checked=False):
        """Search for nothing."""
        for lineEdit in self.lineEdits:
            lineEdit.clear()
        self.search()

    def showPatients(self):
        """Keep no patient's name in the fields if patients are hidden."""
        if any(self._redact(one.text) != one.text for one in self.lineEdits):
            self.clear()

    def _read(self):
        """Return what the fields say; None, and words in the status line, if a day is none."""
        values = {name: lineEdit.text.strip() for name, lineEdit in self._texts.items()}
        problem = None
        for name, lineEdit in self._days.items():
            try:
                values[name] = parse_day(lineEdit.text, is_last=name == "last_day")
                style = ""
            except ValueError as error:
                problem, style = error, f"color: {self._colors.red.name()}"
            if lineEdit.styleSheet != style:
                lineEdit.styleSheet = style
        if problem is None:
            self._statusLine.onMended()
            return ImageSearch(**values)
        self._statusLine.showMistake(f"{problem}.")
        return None

    def _showWhetherOn(self):
        """Let the button show that there is a search, also while the fields are folded."""
        # No style sheet: with one, it would keep its colors when the user chooses another style.
        font = qt.QFont(self._ui.searchButton.font)
        font.setBold(any(lineEdit.text.strip() for lineEdit in self.lineEdits))
        self._ui.searchButton.font = font

    def _onTextChanged(self, _text):
        self._timer.start(_SEARCH_MILLISECONDS if self._isServerAsked else _FILTER_MILLISECONDS)

    def _onToggled(self, isOpen):
        self._ui.searchWidget.visible = isOpen
        if isOpen:
            self._ui.searchPatientLineEdit.setFocus()
