"""The volumes that a source is reading for clients: in turns, and some slices before the others."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ....dicom_index.headers.buffer_file import Contents
from ....net.source import NotReadyError
from ...background import RETRY_SECONDS
from ...begun_work import BegunWork
from ...turn_clock import TurnClock
from ..volumes.stacks import Stack
from .decoding import Decoders
from .pixels import VolumeReading

_MOST_READINGS = 4
# When to look again for the first slices: until they are there, a client has nothing to show.
_RETRY_SECONDS_AT_FIRST = 0.004


class _Begun(NamedTuple):
    reading: VolumeReading
    steps: Iterator[int]
    version: Hashable


class VolumeReadings:
    """Reads volumes for ``seconds_a_turn``, or without stopping if that is None.

    A few at a time, see ``begun_work``.
    """

    def __init__(
        self,
        folder: Path,
        decoders: Decoders | None,
        seconds_a_turn: float | None,
        clock: TurnClock,
    ) -> None:
        self._folder = folder
        self._decoders = decoders
        self._seconds_a_turn = seconds_a_turn
        self._clock = clock
        self._begun: BegunWork[_Begun] = BegunWork(_MOST_READINGS, clock)

    def read(self, image_id: str, stack: Stack, contents: Contents | None = None) -> np.ndarray:
        """Return an image's pixels, or go on reading them.

        Raises ``SourceError``, and ``NotReadyError`` if another turn is needed.
        """
        begun = self._begun.take(image_id)
        if begun is None or begun.reading.stack is not stack:
            begun = self._begin(stack, None, contents)
        if self._seconds_a_turn is None:
            begun.reading.finish()
        else:
            self._go_on(image_id, begun, None)
        return begun.reading.volume

    def read_slices(
        self, image_id: str, stack: Stack, slices: range, version: Hashable
    ) -> VolumeReading:
        """Return the reading of an image when these slices (k) are there; they are read first.

        What was begun of another version of the files is begun anew. Raises as ``read`` does.
        """
        begun = self._begun.take(image_id)
        if begun is None or begun.reading.stack is not stack or begun.version != version:
            begun = self._begin(stack, version, None)
        begun.reading.want(slices)
        self._go_on(image_id, begun, slices)
        self._begun.keep(image_id, begun, is_awaited=False)
        return begun.reading

    def keep_whole(self, image_id: str, reading: VolumeReading) -> None:
        """Keep an image that was read elsewhere, for the next who reads it."""
        self._begun.keep(image_id, _Begun(reading, iter(()), None), is_awaited=False)

    def forget_whole(self) -> None:
        """Forget the images that are read, and that nobody has asked for."""
        self._begun.forget(*(key for key, one in self._begun.items() if one.reading.is_whole))

    def _begin(self, stack: Stack, version: Hashable, contents: Contents | None) -> _Begun:
        self._begun.make_room()
        reading = VolumeReading(stack, self._folder, self._decoders, contents)
        return _Begun(reading, reading.steps(), version)

    def _go_on(self, image_id: str, begun: _Begun, slices: range | None) -> None:
        """Read until these slices are there, or all. Raises ``NotReadyError`` at a turn's end."""
        reading = begun.reading
        end = time.monotonic() + (self._seconds_a_turn or 0.0)
        with self._clock.turn():
            while slices is None or not reading.has(slices):
                if next(begun.steps, None) is None:
                    return
                if reading.is_pending or time.monotonic() > end:
                    if slices is not None and reading.has(slices):
                        return
                    self._begun.keep(image_id, begun, is_awaited=True)
                    raise NotReadyError(_retry_seconds(reading))


def _retry_seconds(reading: VolumeReading) -> float:
    if not reading.is_pending:
        return 0.0
    return RETRY_SECONDS if reading.is_begun else _RETRY_SECONDS_AT_FIRST
