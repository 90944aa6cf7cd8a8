"""The column of the image table with what the images look like."""

from __future__ import annotations

import qt

from ..timers import SingleShotTimer
from ..views.pictures import pixmap
from ..widgets.resize_filter import ResizeFilter
from ..widgets.table_views import setRowHeight
from .column_numbers import PREVIEW

_SIZE, _MARGIN = 56, 4
THUMBNAIL_WIDTH = _SIZE + 2 * _MARGIN
# While the user scrolls, rows are looked at, and pictures drawn, so often and not more.
_MILLISECONDS_BETWEEN_LOOKS = 80
_MILLISECONDS_BETWEEN_DRAWINGS = 40
_MOST_ICONS = 300


class ThumbnailColumn:
    """Asks ``browser.thumbnails`` for those of the rows that are seen; only if it is shown.

    ``onShown`` is called when the column, and with it the height of the rows, has changed.
    """

    def __init__(self, view, model, columns, browser, onShown):
        self._view = view
        self._model = model
        self._columns = columns
        self._thumbnails = browser.thumbnails
        self._onShown = onShown
        self._isShown = False
        self._iconSize = view.iconSize
        self._alsoWanted = None
        self._icons = {}
        model.thumbnail = self._icon
        self._lookTimer = SingleShotTimer(self._look)
        self._drawTimer = SingleShotTimer(self._draw)
        self._resizing = ResizeFilter(self.lookSoon)
        view.viewport().installEventFilter(self._resizing)
        view.verticalScrollBar().valueChanged.connect(self.lookSoon)
        model.modelReset.connect(self.lookSoon)
        self._thumbnails.changed.connect(self._onChanged)
        columns.shownChanged.connect(self._onColumnsChanged)
        self._onColumnsChanged()

    def close(self):
        """Wait for nothing any more."""
        self._thumbnails.changed.disconnect(self._onChanged)
        self._lookTimer.close()
        self._drawTimer.close()
        self._resizing.delete()

    def lookSoon(self, *_arguments):
        """Ask soon for the thumbnails of the rows that are seen then."""
        if self._isShown or self._alsoWanted is not None:
            self._lookTimer.startIfIdle(_MILLISECONDS_BETWEEN_LOOKS)

    def wantAlso(self, imageId):
        """Ask for the thumbnail of an image as well, or of none, whatever is seen."""
        if imageId != self._alsoWanted:
            self._alsoWanted = imageId
            self._look()

    def visibleIds(self):
        """Return the ids of the images in the rows that are seen, from above."""
        viewport = self._view.viewport()
        if not viewport.visible:
            return []
        first = self._view.rowAt(0)
        if first < 0:
            return []
        last = self._view.rowAt(viewport.height - 1)
        end = self._model.rowCount() if last < 0 else last + 1
        rows = [row for row in range(first, end) if self._model.isLoadable(row)]
        return [self._model.imageId(row) for row in rows]

    def _onColumnsChanged(self):
        isShown = self._columns.isShown(PREVIEW)
        if isShown == self._isShown:
            return
        self._isShown = isShown
        setRowHeight(self._view, _SIZE + _MARGIN if isShown else 0)
        # The most that an icon may have: those of the states are larger then, too.
        self._view.iconSize = qt.QSize(_SIZE, _SIZE) if isShown else self._iconSize
        self._onShown()
        self._look()

    def _look(self):
        ids = self.visibleIds() if self._isShown else []
        if self._alsoWanted is not None:
            ids = [self._alsoWanted, *ids]
        self._thumbnails.want(dict.fromkeys(ids))

    def _onChanged(self, _imageId):
        if self._isShown:
            self._drawTimer.startIfIdle(_MILLISECONDS_BETWEEN_DRAWINGS)

    def _draw(self):
        # Not by ``dataChanged``, by which the details would be made anew as well.
        self._view.viewport().update()

    def _icon(self, imageId):
        thumbnail = self._thumbnails.get(imageId)
        if thumbnail is None:
            return None
        known = self._icons.pop(imageId, None)
        if known is None or known[0] is not thumbnail:
            known = thumbnail, self._makeIcon(thumbnail)
        self._icons[imageId] = known
        if len(self._icons) > _MOST_ICONS:
            del self._icons[next(iter(self._icons))]
        return known[1]

    def _makeIcon(self, thumbnail):
        picture = pixmap(thumbnail.planes[0], _SIZE, _SIZE, self._view.devicePixelRatioF())
        icon = qt.QIcon(picture)
        # Qt would tint it in a selected row, and an image's grays mean something.
        icon.addPixmap(picture, qt.QIcon.Selected)
        return icon
