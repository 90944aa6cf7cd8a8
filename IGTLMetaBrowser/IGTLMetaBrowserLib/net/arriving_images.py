"""Images of which a server sends some slices while the others are still being decoded.

Only parts can be sent so (IMGPART): the header of IMAGE has the checksum of all voxels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from .. import codec
from .packed_images import PackedImage, PackedImages
from .source import Source

ARRIVING = "SlicesArrive"
"""In the metadata of a part: in which order the other slices of the image will be there."""
FROM_BELOW, FROM_ABOVE = "from the first", "from the last"


@dataclass(frozen=True, eq=False)
class ArrivingImage:
    """An image that is being read: ``message`` has its whole size, and voxels in some slices.

    ``tag`` says which version of the image it is, as in IMGPART.
    """

    message: codec.ImageMessage
    tag: str


@runtime_checkable
class OffersArrivingImages(Protocol):
    """A source that has some slices of an image before the others."""

    def arriving_image(self, request: codec.GetImagePartMessage) -> ArrivingImage | None:
        """Return the image of which a part is asked for, once the slices of that part are there.

        They are read first. None if the image is to be asked for as a whole, which may be as it is
        whole. Raises ``SourceError``, and ``NotReadyError`` until the slices are there.
        """
        ...

    def image_tag(self, image_id: str, message: codec.ImageMessage) -> str:
        """Return the tag of an image that is whole; empty if that is made of its voxels."""
        ...


def arriving_image(
    source: Source, images: PackedImages, request: codec.GetImagePartMessage
) -> PackedImage | None:
    """Return what has come of an image that is not whole yet, if the source sends it like that.

    Raises what the source raises.
    """
    if not isinstance(source, OffersArrivingImages) or images.has(request.device_name):
        return None
    found = source.arriving_image(request)
    return None if found is None else PackedImage(codec.PackedContent(found.message), found.tag)
