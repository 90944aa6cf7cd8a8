"""The calibrated pixel spacing of an image: typed in, shown, undone."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...codec import printable
from ..views.slice_views import fitSliceViews


class CalibrationSection:
    """The box and buttons in ``ui`` for the image of a row of ``model``."""

    def __init__(self, ui, browser, model, statusLine, tips):
        self._tips = tips
        self._noImage = _("{tip}. Select an image in the table first.")
        self.ui = ui
        self._browser = browser
        self._model = model
        self._statusLine = statusLine
        self._imageId = None
        ui.calibrateButton.clicked.connect(self.calibrate)
        ui.removeCalibrationButton.clicked.connect(self.remove)
        ui.spacingLineEdit.returnPressed.connect(self.calibrate)
        self.showRow(None)

    def showRow(self, row):
        """Show what the image in a row of the table is calibrated to; None for no row."""
        isLoadable = row is not None and self._model.isLoadable(row)
        imageId = self._model.imageId(row) if isLoadable else None
        if imageId != self._imageId:
            # What was typed for another image is not for this one.
            self._imageId = imageId
            self._showSpacing()
        for widget in (self.ui.spacingLineEdit, self.ui.calibrateButton):
            self._tips.enable(widget, "" if isLoadable else self._noImage)
        self.ui.removeCalibrationButton.enabled = self._calibration is not None

    def calibrate(self, _checked=False):
        """Use the spacing that was typed in for the image."""
        imageId = self._imageId
        try:
            self._browser.metadata.calibrate(imageId, parseSpacing(self.ui.spacingLineEdit.text))
        except ValueError as error:
            self._statusLine.show("{error}.", error=error)
            return
        self._showChange(_("'{name}' is calibrated: pixel spacing {spacing} mm."))

    def remove(self, _checked=False):
        """Use the image's own spacing again."""
        self._browser.metadata.remove_calibration(self._imageId)
        self._showChange(_("'{name}' uses its own pixel spacing again."))

    @property
    def _calibration(self):
        return None if self._imageId is None else self._browser.metadata.calibration(self._imageId)

    def _showChange(self, text):
        calibration = self._calibration
        self._showSpacing()
        self.ui.removeCalibrationButton.enabled = calibration is not None
        entry = self._browser.images.listing.entry(self._imageId)
        name = printable((entry and entry.name) or self._imageId)
        spacing = "" if calibration is None else spacingText(calibration)
        self._statusLine.show(text, name=name, spacing=spacing)
        node = self._browser.images.node(self._imageId)
        if node is not None:
            fitSliceViews(node)
        # The row's state says it as well; the details follow.
        self._model.updateState(self._imageId)

    def _showSpacing(self):
        calibration = self._calibration
        text = "" if calibration is None else " ".join(_numbers(calibration))
        self.ui.spacingLineEdit.text = text


def spacingText(calibration):
    """Return a calibrated spacing as a user reads it, along i, j and k: ``0.5 × 0.5``."""
    return " × ".join(_numbers(calibration))


def parseSpacing(text):
    """Return the numbers that a user typed, in mm.

    Between them are spaces, semicolons or ×. A comma may be the decimal point, so it separates
    two numbers only if a space follows. Raises ``ValueError`` if one is not a number.
    """
    for separator in (";", "×", ", "):
        text = text.replace(separator, " ")
    try:
        return [float(part.replace(",", ".")) for part in text.split()]
    except ValueError:
        raise ValueError(
            _(
                "'{text}' is not a pixel spacing; type two or three numbers in mm, separated by "
                "spaces"
            ).format(text=text)
        ) from None


def _numbers(calibration):
    spacings = (calibration.column_spacing, calibration.row_spacing, calibration.slice_spacing)
    return [f"{spacing:g}" for spacing in spacings if spacing is not None]
