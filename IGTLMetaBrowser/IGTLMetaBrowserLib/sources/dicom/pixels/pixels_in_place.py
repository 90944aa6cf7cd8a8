"""Stored pixels that lie in their place in a volume already: there they become what they mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....dicom_index.headers.image_header import ImageHeader
from ..files import Frame
from .stored_pixels import stored_dtype
from .values import aligned_range, rescale_of


@dataclass(frozen=True)
class PixelsInPlace:
    """How integers become what they mean where they lie: by one that is added to each.

    ``least`` and ``most`` are what may be stored; None if that is whatever ``stored`` holds.
    """

    stored: np.dtype
    least: int | None
    most: int | None
    added: int

    def rescale(self, place: np.ndarray) -> bool:
        """Rescale what lies there; return False, and change nothing, if it may not be there."""
        pixels = place.view(self.stored)
        if self.most is not None and pixels.max() > self.most:
            return False
        if self.least is not None and pixels.min() < self.least:
            return False
        if self.added:  # integers of either sign wrap around to the same bits
            pixels += np.array(self.added).astype(self.stored)
        return True


def pixels_in_place(frame: Frame, dtype: np.dtype) -> PixelsInPlace | None:
    """Return how the stored pixels of a frame are rescaled in the memory of a volume of ``dtype``.

    None if they cannot be: they need another type, or more than to add an integer.
    """
    stored = stored_dtype(frame.file.header)
    slope, intercept = rescale_of(frame)
    if stored is None or not stored.isnative or stored.itemsize != dtype.itemsize:
        return None
    if stored.kind not in "iu" or dtype.kind not in "iu":
        return None
    if slope != 1.0 or not intercept.is_integer() or frame.get("ModalityLUTSequence"):
        return None
    ends = aligned_range(stored, frame)
    if ends is None:
        return None
    held, room, added = np.iinfo(stored), np.iinfo(dtype), int(intercept)
    least, most = max(ends[0], room.min - added), min(ends[1], room.max - added)
    return PixelsInPlace(
        stored, least if least > held.min else None, most if most < held.max else None, added
    )


def are_read_alike(header: ImageHeader, other: ImageHeader) -> bool:
    """Whether the pixels of two files are rescaled in the same way, as far as is seen at once."""
    return (
        header.shared is other.shared
        and header.pixels == other.pixels
        and header.own.get("RescaleSlope") == other.own.get("RescaleSlope")
        and header.own.get("RescaleIntercept") == other.own.get("RescaleIntercept")
    )
