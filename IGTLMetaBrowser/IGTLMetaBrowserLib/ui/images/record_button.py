"""Recording live images into sequences: the button for the selected live rows, and its messages."""

from __future__ import annotations

from slicer.i18n import tr as _

from ...browser import events
from ...scene.errors import SceneError


class RecordButton:
    """Starts and stops recordings of the selected live images; hidden if none is selected.

    ``selectedIds`` returns the ids of the selected images. ``handlers`` are for the events of the
    browser that concern recordings.
    """

    def __init__(self, button, browser, selection, statusLine):
        self._button = button
        self._images = browser.images
        self._selection = selection
        self._statusLine = statusLine
        self.handlers = {
            events.RecordingStarted: self._onStarted,
            events.RecordingStopped: self._onStopped,
        }
        button.clicked.connect(self.onClicked)

    def onClicked(self, _checked=False):
        """Record the selected live images, or stop if all of them are being recorded."""
        recordings, liveIds = self._images.recordings, self._liveIds()
        areRecorded = self._areRecorded(liveIds)
        for imageId in liveIds:
            try:
                recordings.stop(imageId) if areRecorded else recordings.start(imageId)
            except SceneError as error:
                self._statusLine.showError(error)
        self.update()

    def update(self):
        """Show the button if a live image is selected, pressed while it is being recorded."""
        liveIds = self._liveIds()
        self._button.visible = bool(liveIds)
        self._button.checked = self._areRecorded(liveIds)

    def _liveIds(self):
        # A recording may go on for an image of which no frame has come since the scene was closed.
        live, recorded = self._images.live.states, self._images.recordings.current
        return self._selection.among({*live, *recorded})

    def _areRecorded(self, liveIds):
        current = self._images.recordings.current
        return bool(liveIds) and all(one in current for one in liveIds)

    def _onStarted(self, event):
        self._statusLine.showResult(_("Recording '{name}' …"), name=event.image_id)

    def _onStopped(self, event):
        recording = event.recording
        if recording.problem:
            text = _("The recording of '{name}' stopped after {count} frames: {problem}")
        elif not recording.frames:
            text = _("Nothing was recorded: no frame of '{name}' came meanwhile.")
        else:
            text = _("{count} frames of '{name}' recorded; replay them in the Sequences module.")
        self._statusLine.showResult(
            text, name=event.image_id, count=recording.frames, problem=recording.problem
        )
