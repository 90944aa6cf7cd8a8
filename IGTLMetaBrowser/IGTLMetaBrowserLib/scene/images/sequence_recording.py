"""Recording live images into a Sequence, as users of the Sequences module know it.

A sequence node gets a volume for each frame, at the seconds since the first one. When the recording
ends, a sequence browser node and a volume of its own replay it; the live volume stays live.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer
import vtk

from ...codec import Coordinates, GeometryError, ImageMessage
from ...codec.pieces import pieces
from ..errors import SceneError
from ..server_nodes.attributes import write_timestamp
from .sequence_nodes import RECORDING_ATTRIBUTE, make_browser, new_sequence
from .subvolumes import is_of_same_whole, new_whole, part_of
from .volumes import image_data, set_vector_type, volume_class

MOST_BYTES = 2 << 30
"""Of voxels. Ultrasound of 640 × 480 at 30 frames a second fills it in less than four minutes."""
# Of voxels that are copied before somebody looks at the clock: about 1 ms, 3 of new memory.
_PIECE = 1 << 20
# Indexes are told apart to a microsecond. Slicer's own tolerance of a millisecond would let a frame
# take the place of the one before in a stream of more than 1000 a second, or with equal times.
_SHORTEST_STEP = 1e-6
OF_ANOTHER_PATIENT = "the images are of another patient now: the recording was ended"
_REMOVED = "its sequence was removed from the scene"


class SequenceRecording:
    """Records the frames of one image id.

    ``add`` takes a frame, and ``work`` copies its voxels into the sequence, for some milliseconds a
    call. After ``end`` it takes no more, and ``stop`` is to be called when there is no more
    ``work``: it copies at once what is left. ``problem`` says why it records no longer;
    ``browser_node`` and ``volume_node`` are there after ``stop``, unless there was no frame.
    ``coordinates`` overrules what messages say of their matrix. Raises ``SceneError`` if Slicer
    cannot replay anything.
    """

    def __init__(
        self,
        scene: Any,
        name: str,
        coordinates: Coordinates | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.frames = 0
        self.byte_count = 0
        self.problem = ""
        self.browser_node: Any = None
        self.volume_node: Any = None
        self._scene = scene
        self._coordinates = coordinates
        self._most_bytes = most_bytes
        self._is_ended = False
        self._is_stopped = False
        self._patient = ""
        self._clock = _FrameClock()
        self._waiting: deque[tuple[float, ImageMessage]] = deque()
        self._copying: Iterator[None] | None = None
        self._last_pixels: np.ndarray | None = None
        self._last_place = np.eye(4)
        self.sequence_node = new_sequence(scene, f"{name} recording", "time", "s", _SHORTEST_STEP)
        self.sequence_node.SetAttribute(RECORDING_ATTRIBUTE, "yes")

    @property
    def is_recording(self) -> bool:
        """Whether ``add`` still takes frames."""
        return not self._is_ended and not self.problem

    @property
    def is_working(self) -> bool:
        """Whether ``work`` has something to do."""
        return self._copying is not None or bool(self._waiting)

    @property
    def _is_removed(self) -> bool:
        return self.sequence_node.GetScene() is not self._scene

    @property
    def seconds(self) -> float:
        """The time of the last frame since the first."""
        return self._clock.last

    def add(self, image: ImageMessage) -> None:
        """Record a frame; one that has no voxels or no usable geometry is left out."""
        if not self.is_recording or not image.pixels.size:
            return
        if self._is_removed:
            self.refuse(_REMOVED)
            return
        patient = image.metadata.get("PatientID") or image.metadata.get("PatientName") or ""
        if patient and self._patient not in ("", patient):
            self.refuse(OF_ANOTHER_PATIENT)
            return
        self._patient = patient or self._patient
        size = frame_size(image)
        if self.byte_count + size > self._most_bytes:
            limit = f"{self._most_bytes / (1 << 30):.3g} GiB"
            self.refuse(f"the recording has reached its limit of {limit}, and was ended")
            return
        self.byte_count += size
        self._waiting.append((self._clock.index(image), image))

    def refuse(self, problem: str) -> None:
        """Record no more frames, for a reason that the user reads; the first one counts."""
        self.problem = self.problem or problem

    def work(self, seconds: float) -> None:
        """Copy voxels of frames that wait, for about so many seconds."""
        end = time.monotonic() + seconds
        while self.is_working:
            if self._copying is None:
                self._copying = self._record(*self._waiting.popleft())
            for _ in self._copying:
                if time.monotonic() > end:
                    return
            self._copying = None

    def end(self) -> None:
        """Record no more frames than have come."""
        self._is_ended = True

    def stop(self) -> None:
        """Record no more frames, and make what replays them."""
        if self._is_stopped:
            return
        self._is_ended = self._is_stopped = True
        self.work(float("inf"))
        if self._is_removed:
            self.refuse(_REMOVED)
            return
        if self.frames:
            rate = (self.frames - 1) / self.seconds if self.seconds > 0 else None
            self.browser_node, self.volume_node = make_browser(
                self._scene, self.sequence_node, rate
            )
        else:
            self._scene.RemoveNode(self.sequence_node)

    def abandon(self) -> None:
        """Record no more frames: the scene was closed."""
        self.refuse("the scene was closed, and the recording with it")
        self._is_ended = self._is_stopped = True
        self._waiting.clear()
        self._copying = None

    def _record(self, index: float, image: ImageMessage) -> Iterator[None]:
        """Copy a frame into the sequence, with a pause after each piece."""
        try:
            ijk_to_ras = image.usable_ijk_to_ras(self._coordinates)
            pixels = new_whole(image)
        except (GeometryError, SceneError):
            return  # as the live volume, which says so, is left as it was
        for voxels, source in self._sources(image, ijk_to_ras, pixels):
            for piece in pieces(voxels, _PIECE):
                voxels[piece] = source[piece]
                yield
        # The sequence would copy all voxels at once: it gets a node without any.
        frame = getattr(slicer, volume_class(image))()
        frame.SetName(self.sequence_node.GetName())  # without a patient who was hidden meanwhile
        frame.SetAttribute(RECORDING_ATTRIBUTE, "yes")
        frame.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
        set_vector_type(frame, image)
        write_timestamp(frame, image)
        frame = self.sequence_node.SetDataNodeAtValue(frame, f"{index:.6f}")
        frame.SetAndObserveImageData(image_data(pixels))
        self._last_pixels, self._last_place = pixels, ijk_to_ras
        self.frames += 1

    def _sources(
        self, image: ImageMessage, ijk_to_ras: np.ndarray, pixels: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield parts of the new frame's ``pixels``, and what is to be copied into each.

        Of a sub-volume, the rest is that of the frame before, if that lies in the same place.
        """
        if not image.is_subvolume:
            yield pixels, image.pixels
            return
        last = self._last_pixels
        is_same_place = np.allclose(self._last_place, ijk_to_ras)
        if last is not None and is_same_place and is_of_same_whole(last, image):
            yield pixels, last
        yield part_of(pixels, image), image.pixels


def frame_size(image: ImageMessage) -> int:
    """Return how many bytes of voxels a frame takes: of a sub-volume, those of the whole."""
    return math.prod(image.whole_size) * image.components * image.pixels.itemsize


class RecordedBytes:
    """How much memory recordings take that are in the scene, those that have ended, too."""

    def __init__(self) -> None:
        self._ended: list[tuple[Any, int]] = []

    def add(self, recording: SequenceRecording) -> None:
        """Count a recording that has ended, until its sequence is removed from the scene."""
        # It keeps neither the node nor the recording, with its last frame, in memory.
        node = vtk.vtkWeakReference()
        node.Set(recording.sequence_node)
        self._ended.append((node, recording.byte_count))

    def count(self) -> int:
        """Return the bytes of those that have ended and are still there."""
        self._ended = [
            (node, size)
            for node, size in self._ended
            if node.Get() is not None and node.Get().GetScene() is not None
        ]
        return sum(size for _, size in self._ended)


class _FrameClock:
    """Gives each frame its seconds since the first: by the messages' times, or by the clock here.

    Servers leave the time out, repeat it or set their clock back: such a frame comes as long after
    the one before as it arrived here, because two frames of one index would be one.
    """

    def __init__(self) -> None:
        self.last = 0.0
        self._first_sent: float | None = None
        self._last_arrival: float | None = None

    def index(self, image: ImageMessage) -> float:
        """Return the seconds of a frame that has just arrived."""
        arrival = time.monotonic()
        sent = image.timestamp.seconds if image.timestamp else None
        if self._last_arrival is None:
            self._first_sent, self._last_arrival = sent, arrival
            return 0.0
        index = self.last
        if sent is not None and self._first_sent is not None:
            index = sent - self._first_sent
        if index <= self.last:
            index = self.last + max(arrival - self._last_arrival, _SHORTEST_STEP)
        self.last, self._last_arrival = index, arrival
        return index
