"""Drawing the 3D views once for many volumes that are added to the scene."""

from __future__ import annotations

import slicer

from ..timers import SingleShotTimer

_MILLISECONDS_UNTIL_DRAWN = 2000


class ThreeDDrawing:
    """Lets no volume that is added have the 3D views drawn, until ``close``.

    Slicer draws them for each node that might be seen there, so for each volume and each display
    node (``vtkMRMLModelDisplayableManager::OnMRMLSceneNodeAdded``), and puts its whole window
    together anew each time. A volume as such is not seen there.
    """

    def __init__(self):
        self._held = []
        self._asked = []
        self._releaseTimer = SingleShotTimer(self._release)
        self._drawTimer = SingleShotTimer(self._draw)

    def hold(self):
        """Draw nothing that is asked for until the turn ends in which this is called."""
        views = [view for view in _views() if view.renderEnabled]
        for view in views:
            view.renderEnabled = False
            self._held.append(view)
        self._releaseTimer.start()

    def close(self):
        """Let all views draw when they like to."""
        self._releaseTimer.close()
        self._drawTimer.close()
        self._release()

    def _release(self):
        held, self._held = self._held, []
        for view in held:
            if view:  # false if another layout has deleted it meanwhile
                view.renderEnabled = True
        # Something else may have been added as well, by who observes the scene: it is drawn later.
        if held:
            self._asked += [view for view in held if view not in self._asked]
            self._drawTimer.startIfIdle(_MILLISECONDS_UNTIL_DRAWN)

    def _draw(self):
        asked, self._asked = self._asked, []
        for view in asked:
            if view:
                view.scheduleRender()


def _views():
    layoutManager = slicer.app.layoutManager()
    if layoutManager is None:
        return []
    count = layoutManager.threeDViewCount
    return [layoutManager.threeDWidget(index).threeDView() for index in range(count)]
