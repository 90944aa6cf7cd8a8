"""What the header of an IMAGE message says: pixels and geometry."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from ... import codec
from ..image_modules import ImagePixel, VolumeGeometry
from ..modules import IMAGE_PIXEL, VOLUME_GEOMETRY
from ..observable import ImageProvider
from ..registry import NOTHING
from .image_list import pixel_module

# A server can send images under any number of names.
MOST_IMAGES = 100_000


class _Header(NamedTuple):
    pixels: ImagePixel
    geometry: VolumeGeometry


class ImageHeaderProvider(ImageProvider[_Header]):
    """Knows the headers of images that have come, not their pixels.

    At most ``most_images`` are remembered, the newest.
    """

    name = "image header"

    def __init__(self, most_images: int = MOST_IMAGES) -> None:
        super().__init__(most_images)

    def keep(
        self,
        image_id: str,
        image: codec.ImageMessage,
        coordinates: codec.Coordinates | None = None,
    ) -> None:
        """Remember an image's header.

        ``coordinates`` overrules what it says of its matrix. A matrix whose axes span no space is
        left out.
        """
        self._keep(image_id, _read(image, coordinates))

    def __call__(self, type_: str, image_id: str) -> Any:
        """Return the pixel or geometry module of an image."""
        header = self._kept.get(image_id)
        if header is None:
            return NOTHING
        return {IMAGE_PIXEL: header.pixels, VOLUME_GEOMETRY: header.geometry}.get(type_, NOTHING)


def _read(image: codec.ImageMessage, coordinates: codec.Coordinates | None) -> _Header:
    columns, rows, _ = image.whole_size
    pixels = pixel_module(columns, rows, codec.ScalarType.of(image.pixels.dtype))
    try:
        matrix = tuple(image.usable_ijk_to_ras(coordinates).ravel().tolist())
    except codec.GeometryError:
        matrix = ()  # whoever makes the volume tells the user why it cannot be made
    geometry = VolumeGeometry(matrix, image.whole_size)
    return _Header(replace(pixels, SamplesPerPixel=image.components), geometry)
