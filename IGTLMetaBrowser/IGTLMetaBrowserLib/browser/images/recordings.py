"""Recordings of images that a server streams, one for each id at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ... import codec
from ...scene.images.sequence_recording import (
    OF_ANOTHER_PATIENT,
    RecordedBytes,
    SequenceRecording,
    frame_size,
)
from ..events import Observer, RecordingStarted, RecordingStopped

# For all together: Slicer draws and receives between two turns.
_SECONDS_A_TURN = 0.004
MOST_BYTES_OF_ALL = 6 << 30
"""Of voxels, of all recordings of a browser that are in the scene: three that are full."""


class Recordings:
    """Records every frame that arrives, also those that the views are too slow to show.

    ``new_recording`` returns one for an image id, or raises ``SceneError``. ``current`` are those
    that are going on, by id. One that was ended has up to 2 GiB to copy still, in turns.
    """

    def __init__(self, notify: Observer, new_recording: Callable[[str], SequenceRecording]) -> None:
        self.current: dict[str, SequenceRecording] = {}
        self._ending: list[tuple[str, SequenceRecording]] = []
        self._recorded = RecordedBytes()
        self._notify = notify
        self._new_recording = new_recording

    def start(self, image_id: str) -> SequenceRecording:
        """Record what comes under an id from now on; ``RecordingStarted`` follows.

        Raises ``SceneError`` if Slicer cannot.
        """
        recording = self.current.get(image_id)
        if recording is None:
            self.current[image_id] = recording = self._new_recording(image_id)
            self._notify(RecordingStarted(image_id))
        return recording

    def stop(self, image_id: str) -> None:
        """End a recording, if there is one; ``RecordingStopped`` follows when all is copied."""
        recording = self.current.pop(image_id, None)
        if recording is not None:
            recording.end()
            self._ending.append((image_id, recording))
            self._notify_copied()

    def stop_all(self) -> None:
        """End all: the server was left."""
        for image_id in list(self.current):
            self.stop(image_id)

    def abandon_all(self) -> None:
        """Forget all: the scene was closed."""
        for _, recording in [*self.current.items(), *self._ending]:
            recording.abandon()
        self.stop_all()
        self._notify_copied()

    def close(self) -> None:
        """End all, and copy at once what is left of them."""
        self.stop_all()
        for _, recording in self._ending:
            recording.stop()
        self._notify_copied()

    def add(self, images: Iterable[codec.ImageMessage]) -> None:
        """Record those of what came unasked that are recorded."""
        if not self.current:
            return
        for image in images:
            if image.device_name in self.current:
                self._add(self.current[image.device_name], image)

    def on_patient_changed(self, image_id: str) -> None:
        """End a recording, as its id is another patient's now, or may be."""
        if image_id in self.current:
            self.current[image_id].refuse(OF_ANOTHER_PATIENT)

    def _add(self, recording: SequenceRecording, image: codec.ImageMessage) -> None:
        going_on = [*self.current.values(), *(one for _, one in self._ending)]
        total = sum(one.byte_count for one in going_on) + self._recorded.count()
        if total + frame_size(image) <= MOST_BYTES_OF_ALL:
            recording.add(image)
        elif recording.is_recording:
            recording.refuse(
                f"all recordings together have reached their limit of {MOST_BYTES_OF_ALL >> 30} "
                "GiB, and this one was ended; remove sequences from the scene, or save them and "
                "close it"
            )

    @property
    def is_working(self) -> bool:
        """Whether ``work`` has something to do."""
        current = self.current.values()
        return bool(self._ending) or any(one.is_working or not one.is_recording for one in current)

    def work(self) -> None:
        """Copy voxels for some milliseconds, and end the recordings that are full."""
        for image_id, recording in list(self.current.items()):
            if not recording.is_recording:
                self.stop(image_id)
        recordings = [*self.current.values(), *(one for _, one in self._ending)]
        working = [one for one in recordings if one.is_working]
        for recording in working:
            recording.work(_SECONDS_A_TURN / len(working))
        self._notify_copied()

    def _notify_copied(self) -> None:
        copied = [one for one in self._ending if not one[1].is_working]
        self._ending = [one for one in self._ending if one not in copied]
        for image_id, recording in copied:
            recording.stop()
            self._recorded.add(recording)
            self._notify(RecordingStopped(image_id, recording))
