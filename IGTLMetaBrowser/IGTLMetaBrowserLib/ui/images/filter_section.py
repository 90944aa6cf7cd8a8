"""The filter above the table."""

from __future__ import annotations

from slicer.i18n import tr as _

from ..plurals import Plural
from ..timers import SingleShotTimer
from .modality_filter import ModalityFilter
from .search_fields import SearchFields

# After the last key, as in Slicer's IDC browser.
DEBOUNCE_MILLISECONDS = 300
# What may have to be prepared or shown in such a turn takes a multiple of that at most.
_TURN_SECONDS = 0.008


class FilterSection:
    """The filter box, the search fields and the modalities: how many images they leave.

    Whatever else arranges the rows of a long list anew, it goes on in turns of this timer.
    """

    def __init__(self, ui, browser, model, colors, localeTexts, statusLine):
        self.ui = ui
        self._model = model
        self._localeTexts = localeTexts
        self._total = Plural(localeTexts, _("1 image"), _("{count} images"), none="")
        self._shownOfTotal = _("{shown} of {total}")
        self._filtering = _("filtering …")
        self.modalities = ModalityFilter(ui.modalityWidget, ui.clearSearchButton, localeTexts)
        self.modalities.chosenChanged.connect(self.apply)
        self.search = SearchFields(ui, browser, statusLine, colors, self.apply)
        self._timer = SingleShotTimer(self.apply)
        self._turns = SingleShotTimer(self._goOn)
        ui.countLabel.visible = False  # an empty one would take its place beside the box
        ui.filterLineEdit.textChanged.connect(self._onTextChanged)
        ui.filterLineEdit.returnPressed.connect(self.apply)
        model.modelReset.connect(self._showCount)
        model.arrangingBegun.connect(self._turns.start)

    def close(self):
        """Wait for nothing any more."""
        self._timer.close()
        self._turns.close()
        self.search.close()

    def apply(self):
        """Filter now; a long list in turns, and until the end the rows stay as they are."""
        self._timer.stop()
        text = self.ui.filterLineEdit.text
        self._model.setFilter(text, self.modalities.chosen, self.search.filter)

    def showList(self, images):
        """Show another list: of a long one no rows before it is known which."""
        self.modalities.setModalities(images.modalities)
        self._model.setImages(images, self.modalities.chosen, self.search.filter)

    def _goOn(self):
        self._model.arrangeOn(_TURN_SECONDS)
        if self._model.isArranging:
            self._turns.start()

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
        shown, total = len(self._model.rows.order), len(self._model.images)
        if self._model.isArranging and not shown:
            text = self._filtering
        elif shown < total:
            number = self._localeTexts.number
            text = self._shownOfTotal.format(shown=number(shown), total=number(total))
        else:
            text = self._total(total)
        self.ui.countLabel.text = text
        self.ui.countLabel.visible = total > 0
