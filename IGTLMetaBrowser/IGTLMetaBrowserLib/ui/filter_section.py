"""The filter above the table."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from .modality_filter import ModalityFilter

DEBOUNCE_MILLISECONDS = 300


class FilterSection:
    """The filter box, the modalities, and how many images they leave of ``model``."""

    def __init__(self, ui, model, localeTexts):
        self.ui = ui
        self._model = model
        self._localeTexts = localeTexts
        self.modalities = ModalityFilter(
            ui.modalityWidget, ui.filterLineEdit, localeTexts, self.apply
        )
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.apply)
        ui.countLabel.visible = False  # an empty one would take its place beside the box
        ui.filterLineEdit.textChanged.connect(self._onTextChanged)
        ui.filterLineEdit.returnPressed.connect(self.apply)
        model.modelReset.connect(self._showCount)

    def close(self):
        """Wait for nothing any more."""
        self._timer.stop()
        # In PythonQt, a timer and who it calls keep each other alive.
        self._timer.timeout.disconnect(self.apply)

    def apply(self):
        """Filter now."""
        self._timer.stop()
        self._model.setFilter(self.ui.filterLineEdit.text, self.modalities.chosen)

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
        shown, total = self._model.rowCount(), len(self._model.images)
        texts = {0: "", 1: _("1 image")}
        text = texts.get(total, _("{total} images"))
        if shown < total:
            text = _("{shown} of {total}")
        self.ui.countLabel.text = text.format(
            shown=self._localeTexts.number(shown), total=self._localeTexts.number(total)
        )
        self.ui.countLabel.visible = total > 0
