"""The filter above the table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..plurals import Plural
from ..timers import SingleShotTimer
from .modality_filter import ModalityFilter
from .search_fields import SearchFields

# After the last key, as in Slicer's IDC browser.
DEBOUNCE_MILLISECONDS = 300


class FilterSection:
    """The filter box, the search fields and the modalities: how many images they leave."""

    def __init__(self, ui, browser, model, colors, localeTexts, statusLine):
        self.ui = ui
        self._model = model
        self._localeTexts = localeTexts
        self._total = Plural(localeTexts, _("1 image"), _("{count} images"), none="")
        self._shownOfTotal = _("{shown} of {total}")
        self.modalities = ModalityFilter(ui.modalityWidget, ui.clearSearchButton, localeTexts)
        self.modalities.chosenChanged.connect(self.apply)
        self.search = SearchFields(ui, browser, statusLine, colors, self.apply)
        self._timer = SingleShotTimer(self.apply)
        ui.countLabel.visible = False  # an empty one would take its place beside the box
        ui.filterLineEdit.textChanged.connect(self._onTextChanged)
        ui.filterLineEdit.returnPressed.connect(self.apply)
        model.modelReset.connect(self._showCount)

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()
        self.search.close()

    def apply(self):
        """Filter now."""
        self._timer.stop()
        text = self.ui.filterLineEdit.text
        self._model.setFilter(text, self.modalities.chosen, self.search.filter)

    def clear(self):
        """Show all images."""
        self.modalities.clear()
        self.ui.filterLineEdit.clear()
        self.apply()

    def focus(self):
        """Let the user type, over what is there."""
        self.ui.filterLineEdit.setFocus()
        self.ui.filterLineEdit.selectAll()

    def _onTextChanged(self, _text):
        self._timer.start(DEBOUNCE_MILLISECONDS)

    def _showCount(self):
        shown, total = len(self._model.images.rows), len(self._model.images)
        if shown < total:
            number = self._localeTexts.number
            text = self._shownOfTotal.format(shown=number(shown), total=number(total))
        else:
            text = self._total(total)
        self.ui.countLabel.text = text
        self.ui.countLabel.visible = total > 0
