"""An image that is sent while its slices come from the archive; what goes on if they break off."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .... import codec
from ....net.source import SourceError
from .arriving_volume import ArrivingVolume


class GrowingVolume:
    """The image of a volume that is sent while its slices come, see ``net.GrowingImage``.

    If they come no more, as from an archive that breaks off, ``find_whole`` returns the image as
    it is in the end: it goes on with that, if it is the same as far as it was sent.
    """

    def __init__(
        self,
        volume: ArrivingVolume,
        message: codec.ImageMessage,
        find_whole: Callable[[], codec.ImageMessage],
    ) -> None:
        self.message = message
        self._volume = volume
        self._count = 0
        self._find_whole = find_whole
        self._is_whole = False

    def slices(self) -> int:
        """Return how many may be sent. Raises ``NotReadyError``, and ``SourceError``."""
        if not self._is_whole and self._volume.still_fills(self.message.pixels):
            self._count = self._volume.slices_from_first(self._count)
        elif not self._is_whole:
            whole = self._find_whole()
            if not self._is_continued_by(whole):
                raise SourceError("its slices are not as the archive had said; ask for it again")
            self.message, self._is_whole, self._count = whole, True, len(whole.pixels)
        return self._count

    def _is_continued_by(self, whole: codec.ImageMessage) -> bool:
        begun, count = self.message, self._count
        return (
            whole.pixels.dtype == begun.pixels.dtype
            and whole.pixels.shape == begun.pixels.shape
            and np.array_equal(whole.pixels[:count], begun.pixels[:count])
            and np.array_equal(whole.matrix, begun.matrix)
            and whole.coordinates == begun.coordinates
            and (whole.timestamp, whole.metadata) == (begun.timestamp, begun.metadata)
        )
