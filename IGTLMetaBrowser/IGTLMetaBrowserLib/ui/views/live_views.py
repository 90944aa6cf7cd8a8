"""Drawing live images in the slice views, as often as that can be done.

Slicer draws a view a sixtieth of a second after the volume in it has changed. Meanwhile it draws
its whole window once, for the sliders above the views, and then again with the views in it. In
software that takes longer than the views themselves, and of two images one is never seen.

So the views that show a quick stream are paused, and drawn here as soon as an image is in its
volume; the window follows once. What else has changed in them meanwhile is drawn with the image,
and the browser need not have Slicer set up the views with each.
"""

from __future__ import annotations

import time

import numpy as np
import slicer
import vtk

from ..timers import SingleShotTimer

# Of slower streams all can be seen, and the user's own changes of the views should not wait for
# the next image.
_FEWEST_IMAGES_A_SECOND = 5
_PAUSE_MILLISECONDS = 250
# In a view across a stream of single slices, the image is but a line: it is drawn so often, and
# when the user has moved the slice.
_SECONDS_ACROSS = 3.0
# 8 degrees: as good as parallel to the view.
_MOST_OBLIQUE_COSINE = 0.99


class LiveViews:
    """Draws the slice views that show live images."""

    def __init__(self, liveImages):
        self._liveImages = liveImages
        self._pausedNames = set()
        self._countedAt = {}
        self._drawnIds = set()
        self._drawnAcrossAt = -np.inf
        self._drawnTimes = {}  # MTimes of what the user changes, by the names of the views
        self._releaseTimer = SingleShotTimer(self.release)

    def draw(self, event):
        """Draw the volume of a ``LiveImage``, which has just got other voxels."""
        isQuick = self._isQuick(event)
        widgets = _widgetsThatShow(event.node) if isQuick else {}
        self._setDrawn(event.image_id, widgets)
        if not isQuick:
            return  # Slicer draws it
        self._pause(widgets)
        drawn = {name for name, widget in widgets.items() if _liesIn(widget, event.node)}
        now = time.monotonic()
        if not drawn or now - self._drawnAcrossAt > _SECONDS_ACROSS:
            self._drawnAcrossAt = now
            drawn = {*widgets}
        drawn |= {name for name, widget in widgets.items() if self._hasMoved(name, widget)}
        for name in drawn:
            view = widgets[name].sliceView()
            if not _isPausedByOthers(view):
                view.forceRender()

    def release(self):
        """Let Slicer draw the views when it likes to."""
        layoutManager = slicer.app.layoutManager()
        for name in self._pausedNames & {*layoutManager.sliceViewNames()}:
            layoutManager.sliceWidget(name).sliceView().resumeRender()
        self._pausedNames.clear()
        self._drawnIds.clear()
        self._liveImages.set_drawn_ids(self._drawnIds)

    def close(self):
        """Draw nothing any more."""
        self._releaseTimer.close()
        if self._pausedNames:
            self.release()

    def _isQuick(self, event):
        """Whether such images come quickly one after the other; all count, also those left out."""
        now = time.monotonic()
        frames, moment = self._countedAt.get(event.image_id, (0, -np.inf))
        self._countedAt[event.image_id] = event.frames, now
        return event.frames - frames > _FEWEST_IMAGES_A_SECOND * (now - moment)

    def _setDrawn(self, imageId, widgets):
        """Say whether an image is drawn here, and by nobody else: in no 3D view either."""
        isInThreeD = any(one.mrmlSliceNode().GetSliceVisible() for one in widgets.values())
        if widgets and not isInThreeD:
            self._drawnIds.add(imageId)
        else:
            self._drawnIds.discard(imageId)
        self._liveImages.set_drawn_ids(self._drawnIds)

    def _hasMoved(self, name, widget):
        """Whether the user has changed what a view shows since this was last asked."""
        times = widget.mrmlSliceNode().GetMTime(), widget.mrmlSliceCompositeNode().GetMTime()
        before = self._drawnTimes.get(name)
        self._drawnTimes[name] = times
        return times != before

    def _pause(self, widgets):
        for name in widgets.keys() - self._pausedNames:
            self._pausedNames.add(name)
            widgets[name].sliceView().pauseRender()
        self._releaseTimer.start(_PAUSE_MILLISECONDS)


def _widgetsThatShow(node):
    """Return the slice widgets that show a volume, by the names of their views."""
    layoutManager = slicer.app.layoutManager()
    widgets = {name: layoutManager.sliceWidget(name) for name in layoutManager.sliceViewNames()}
    return {name: widget for name, widget in widgets.items() if _shows(widget, node.GetID())}


def _shows(widget, nodeId):
    layers = widget.mrmlSliceCompositeNode()
    return nodeId in (
        layers.GetBackgroundVolumeID(),
        layers.GetForegroundVolumeID(),
        layers.GetLabelVolumeID(),
    )


def _liesIn(widget, node):
    """Whether a view looks straight at the only slice of a volume; or the volume has several."""
    if node.GetImageData().GetDimensions()[2] > 1:
        return True
    ijkToWorld = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijkToWorld)
    transform = node.GetParentTransformNode()
    if transform is not None:
        toWorld = vtk.vtkMatrix4x4()
        if not transform.GetMatrixTransformToWorld(toWorld):
            return True  # it is not linear
        vtk.vtkMatrix4x4.Multiply4x4(toWorld, ijkToWorld, ijkToWorld)
    cosine = _third(ijkToWorld) @ _third(widget.mrmlSliceNode().GetSliceToRAS())
    return abs(cosine) > _MOST_OBLIQUE_COSINE


def _third(matrix):
    """Return the direction of the third axis of a matrix, of length 1."""
    axis = np.array([matrix.GetElement(row, 2) for row in range(3)])
    return axis / np.linalg.norm(axis)


def _isPausedByOthers(view):
    # Slicer says how often a view is paused only when that changes.
    count = view.pauseRender()
    view.resumeRender()
    return count > 2
