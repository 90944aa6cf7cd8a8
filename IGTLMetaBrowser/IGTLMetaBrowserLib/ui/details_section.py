"""All that is known of one image."""

from __future__ import annotations

from slicer.i18n import tr as _

from .image_table import ID, SCAN_TIME


class DetailsSection:
    """Shows the row of ``model`` that has the keyboard's attention, while it is unfolded."""

    def __init__(self, ui, model, localeTexts):
        self.ui = ui
        self._model = model
        self._localeTexts = localeTexts
        self._selectionModel = ui.imageTableView.selectionModel()
        ui.detailsCollapsibleButton.collapsed = True
        ui.detailsCollapsibleButton.contentsCollapsed.connect(self.update)
        self._selectionModel.currentRowChanged.connect(self.update)
        model.dataChanged.connect(self.update)
        model.modelReset.connect(self.update)

    def show(self):
        """Unfold the details."""
        self.ui.detailsCollapsibleButton.collapsed = False
        self.update()

    def update(self, *_arguments):
        """Show the present row."""
        if self.ui.detailsCollapsibleButton.collapsed:
            return
        index = self.ui.imageTableView.currentIndex()
        text = self._text(index.row()) if index.isValid() else _("No image is selected.")
        # Only a text that is another one, or the user could not scroll while an image is loaded.
        if self.ui.detailsTextEdit.plainText != text:
            self.ui.detailsTextEdit.plainText = text

    def _text(self, row):
        lines = []
        for column in range(ID + 1):
            name = self._model.headerData(column, 1)
            lines.append(f"{name}: {self._model.data(self._model.index(row, column))}")
        moment = self._model.entry(row).scan_time.to_datetime()
        if moment is not None:
            lines[SCAN_TIME] += f" ({self._localeTexts.exactMoment(moment)})"
        lines += [_("Note: {note}").format(note=note) for note in self._model.notes(row)]
        return "\n".join(lines)
