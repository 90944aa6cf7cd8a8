"""What a server offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..codec import ImageMessage, ImageMetaItem, TrajectoryItem


class SourceError(Exception):
    """A source does not have an image, or cannot read it; the text says why."""


class Source(Protocol):
    """Images and trajectories, from wherever they come."""

    def images(self) -> Sequence[ImageMetaItem]:
        """Return the list of images; their ids are unique and have at most 20 bytes."""
        ...

    def image(self, image_id: str) -> ImageMessage:
        """Return one image of the list. Raises ``SourceError``."""
        ...

    def trajectories(self) -> Sequence[TrajectoryItem]:
        """Return the trajectories; their points are in RAS mm."""
        ...
