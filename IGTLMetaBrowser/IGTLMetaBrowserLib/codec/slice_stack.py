"""Stacks of slices in three directions, in the grays or colors in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .messages.thumbnail import ThumbnailMessage, ThumbnailPlane
from .planes import Direction, PlaneAxes, as_colors, as_gray, shrunk

MOST_PIXELS = 128
"""Of a side of a slice: it is made smaller by a whole number until it fits."""


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Voxels of shape (k, j, i), or (k, j, i, components), and how they are shown.

    ``ijk_to_ras`` (4, 4) maps the index (i, j, k, 1) of a voxel to RAS mm. ``window`` and ``level``
    are in units of the voxels; ``is_inverted`` shows the highest ones black. RGB is shown as it is.
    """

    voxels: np.ndarray
    ijk_to_ras: np.ndarray
    window: float
    level: float
    is_inverted: bool = False

    def count(self, direction: Direction) -> int:
        """Return how many slices there are in a direction."""
        return self.voxels.shape[self._axes(direction).across]

    @property
    def taken(self) -> Direction:
        """The direction across k: that in which most images are taken, and have most detail."""
        return next(one for one in Direction if self._axes(one).across == 0)

    def slice(self, direction: Direction, number: int) -> ThumbnailPlane:
        """Return a slice, counted from inferior, right or posterior on."""
        axes = self._axes(direction)
        plane = axes.plane(self.voxels, number)
        if plane.ndim == 3:
            plane = as_colors(plane)
        plane, (right, down) = shrunk(plane, MOST_PIXELS)
        if plane.ndim == 2:
            plane = as_gray(plane, self.window, self.level, self.is_inverted)
        width, height = axes.pixel_size
        pixels = np.ascontiguousarray(plane, np.uint8)
        return ThumbnailPlane(pixels, (width * right, height * down))

    def thumbnail(self) -> ThumbnailMessage:
        """Return the slices of ``thumbnail_planes``."""
        return ThumbnailMessage([*self.thumbnail_planes()])

    def thumbnail_planes(self) -> Iterator[ThumbnailPlane]:
        """Yield the middle slices across k, i and j; the first alone if there is one slice.

        One after the other, as each may take 20 ms.
        """
        across = {self._axes(direction).across: direction for direction in Direction}
        axes = (0,) if self.voxels.shape[0] == 1 else (0, 2, 1)
        for direction in (across[axis] for axis in axes):
            yield self.slice(direction, self.count(direction) // 2)

    def _axes(self, direction: Direction) -> PlaneAxes:
        return PlaneAxes.of(self.ijk_to_ras, direction)
