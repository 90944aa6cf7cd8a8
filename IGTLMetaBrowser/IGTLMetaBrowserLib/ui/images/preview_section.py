"""Slices of the current image below the table, to scroll through before it is loaded."""

from __future__ import annotations

import qt
from slicer.i18n import tr as _

from ...codec.planes import Direction
from ..settings_values import keepBool, readBool
from ..timers import SingleShotTimer
from ..views.pictures import pixmap
from ..widgets.scroll_filter import ScrollFilter

_SETTING = "ShowPreview"
# Who goes through the rows with the arrow keys does not want each of them.
_MILLISECONDS_UNTIL_ASKED = 150


class PreviewSection:
    """Shows the current row of ``model`` while the button is pressed.

    ``thumbnails`` is the ThumbnailColumn, which asks for the thumbnail that is seen until the
    slices are there, or instead of them.
    """

    def __init__(self, ui, browser, model, thumbnails):
        self.ui = ui
        self._browser = browser
        self._model = model
        self._thumbnailColumn = thumbnails
        self._direction = None  # None: that in which an image was taken
        self._shown = None  # image id, direction, number of slices
        self._texts = _texts()
        self._timer = SingleShotTimer(self.update)
        self._position = 0.0  # of the slider, whose values are whole numbers
        self._scrolling = ScrollFilter(
            ui.previewLabel, self._onDragged, self._scrollBy, self.turn, self._redraw
        )
        self._selectionModel = ui.imageTableView.selectionModel()
        # With a text, the panel would not fit into 400 pixels.
        style = qt.QApplication.style()
        ui.previewButton.icon = style.standardIcon(qt.QStyle.SP_FileDialogContentsView)
        ui.previewButton.checked = readBool(_SETTING)
        self._connect()
        self.update()

    def _connect(self):
        ui = self.ui
        ui.previewButton.toggled.connect(self._onToggled)
        ui.directionButton.clicked.connect(self.turn)
        ui.sliceSlider.valueChanged.connect(self._onSlider)
        self._selectionModel.currentRowChanged.connect(self._updateSoon)
        self._model.modelReset.connect(self._updateSoon)
        self._browser.previews.changed.connect(self._updateSoon)
        self._browser.thumbnails.changed.connect(self._onThumbnail)

    def close(self):
        """Wait for nothing any more."""
        self._browser.previews.changed.disconnect(self._updateSoon)
        self._browser.thumbnails.changed.disconnect(self._onThumbnail)
        self._timer.close()
        self._scrolling.close()

    def turn(self, _checked=False):
        """Look from the next direction: axial, sagittal, coronal."""
        stack = self._stack()
        if stack is not None:
            order = list(Direction)
            current = self._direction or stack.taken
            self._direction = order[(order.index(current) + 1) % len(order)]
            self.update()

    def update(self, *_arguments):
        """Show the slices of the current image, or say why there are none."""
        self._timer.stop()
        isShown = self.ui.previewButton.checked
        self.ui.previewWidget.visible = isShown
        imageId = self._currentId() if isShown else None
        self._browser.previews.want(imageId)
        self._thumbnailColumn.wantAlso(imageId)
        if isShown:
            self._showSlider(imageId)
            self._redraw()

    def _onToggled(self, isChecked):
        keepBool(_SETTING, isChecked)
        self.update()

    def _updateSoon(self, *_arguments):
        if self.ui.previewButton.checked:
            self._timer.startIfIdle(_MILLISECONDS_UNTIL_ASKED)

    def _onThumbnail(self, imageId):
        if imageId == self._currentId():
            self._updateSoon()

    def _currentId(self):
        index = self.ui.imageTableView.currentIndex()
        isKnown = index.isValid() and self._model.isLoadable(index.row())
        return self._model.imageId(index.row()) if isKnown else None

    def _stack(self):
        imageId = self._currentId()
        return None if imageId is None else self._browser.previews.stack(imageId)

    def _showSlider(self, imageId):
        """Let the slider have a place for each slice; the middle one for another image."""
        stack, slider = self._stack(), self.ui.sliceSlider
        for widget in (slider, self.ui.directionButton):
            widget.enabled = stack is not None
        direction = None if stack is None else self._direction or stack.taken
        count = 1 if stack is None else stack.count(direction)
        if (imageId, direction, count) != self._shown:
            self._shown = imageId, direction, count
            slider.maximum = count - 1
            slider.value = count // 2
        if direction is not None:
            self.ui.directionButton.text = self._texts[direction]

    def _redraw(self, *_arguments):
        label, stack = self.ui.previewLabel, self._stack()
        plane = self._thumbnail() if stack is None else self._slice(stack)
        if plane is None:
            label.text = self._reason()
        else:
            ratio = label.devicePixelRatioF()
            label.setPixmap(pixmap(plane, label.width, label.height, ratio))

    def _slice(self, stack):
        direction = self._direction or stack.taken
        count = stack.count(direction)
        number = min(self.ui.sliceSlider.value, count - 1)
        self.ui.sliceLabel.text = f"{number + 1} / {count}"
        return stack.slice(direction, number)

    def _thumbnail(self):
        self.ui.sliceLabel.text = ""
        imageId = self._currentId()
        thumbnail = None if imageId is None else self._browser.thumbnails.get(imageId)
        return None if thumbnail is None else thumbnail.planes[0]

    def _reason(self):
        if self._browser.patients.is_hidden:
            return self._texts["hidden"]
        if self._currentId() is None:
            return self._texts["none"]
        if self._browser.previews.is_coming:
            return self._texts["coming"]
        return self._texts["not offered"]

    def _onDragged(self, heights):
        """Go through the whole stack along the height of the picture."""
        self._scrollBy(heights * (self.ui.sliceSlider.maximum + 1))

    def _scrollBy(self, slices):
        slider = self.ui.sliceSlider
        self._position = min(max(self._position + slices, 0.0), float(slider.maximum))
        if round(self._position) != slider.value:
            position = self._position
            slider.value = round(position)
            self._position = position

    def _onSlider(self, value):
        self._position = float(value)
        self._redraw()


def _texts():
    return {
        Direction.AXIAL: _("Axial"),
        Direction.SAGITTAL: _("Sagittal"),
        Direction.CORONAL: _("Coronal"),
        "hidden": _("No previews while patients are hidden: names may be part of the pixels."),
        "none": _("Select an image to see its preview."),
        "coming": _("Reading the preview …"),
        "not offered": _("No preview before this image is loaded."),
    }
