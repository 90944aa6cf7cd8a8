"""Images of which a server sends some slices while the others are still being decoded.

They are sent in parts (IMGPART); as IMAGE, only with header version 2 and from the first slice on:
the checksum in the header is made to fit at the end (``codec.GrowingContent``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ... import codec
from ...codec.wire import Buffer
from ..source import NotReadyError, Source
from .packed_images import PackedImage, PackedImages

# Of an image that grows, so much is summed and sent in one turn, and looked for again so soon.
_BYTES_A_TURN = 4 << 20
_RETRY_SECONDS = 0.003


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


class GrowingImage(Protocol):
    """An image that is being read from the first slice on."""

    message: codec.ImageMessage
    """Has the whole size, and voxels in the slices that are there."""

    def slices(self) -> int:
        """Return how many slices may be sent: the last one when the image is checked.

        ``message`` may be another object then, with the same voxels in those that were sent. Raises
        ``NotReadyError``, and ``SourceError`` if it turns out to be another image.
        """
        ...


@runtime_checkable
class OffersGrowingImages(Protocol):
    """A source that has slices of an image before the others, in their order."""

    def growing_image(self, image_id: str) -> GrowingImage | None:
        """Return an image of which the first slice is there, and the others come.

        None if it is to be asked for as a whole. Raises ``SourceError``, and ``NotReadyError``
        until that is known.
        """
        ...


class GrowingAnswer:
    """An image that is sent to one client while it grows.

    If it turns out to be another one, nothing can be said any more in the middle of a message: the
    connection has to be closed, so that nobody takes what was sent for an image. ``counted`` stands
    for its memory as long as it is sent.
    """

    def __init__(
        self, image: GrowingImage, query: codec.QueryMessage, counted: PackedImage
    ) -> None:
        self._image = image
        self._counted = counted
        self._content = codec.GrowingContent(image.message, query.device_name, query.message_id)

    @property
    def is_done(self) -> bool:
        """Whether all bytes were returned."""
        return self._content.is_done

    @property
    def left(self) -> int:
        """How many bytes of voxels are still to be returned."""
        return self._content.left

    def parts(self) -> list[Buffer]:
        """Return the next bytes. Raises ``NotReadyError``, and ``SourceError`` as above."""
        slices = self._image.slices()
        parts = self._content.parts(self._image.message, slices, _BYTES_A_TURN)
        if not parts:
            raise NotReadyError(_RETRY_SECONDS)
        return parts


def growing_image(
    source: Source, images: PackedImages, query: codec.QueryMessage
) -> GrowingAnswer | None:
    """Return the answer to a query for an image that can be sent while it grows.

    Raises what the source raises, and ``NoRoomError``.
    """
    is_whole = not isinstance(query, codec.GetMessage) or images.has(query.device_name)
    if is_whole or query.header_version < 2 or not isinstance(source, OffersGrowingImages):
        return None
    found = source.growing_image(query.device_name)
    if found is None:
        return None
    return GrowingAnswer(found, query, images.count_growing(found.message))


def arriving_image(
    source: Source, images: PackedImages, request: codec.GetImagePartMessage
) -> PackedImage | None:
    """Return what has come of an image that is not whole yet, if the source sends it like that.

    Raises what the source raises, and ``NoRoomError``.
    """
    if not isinstance(source, OffersArrivingImages) or images.has(request.device_name, request.tag):
        return None
    found = source.arriving_image(request)
    if found is None:
        return None
    counted = images.count_growing(found.message)
    return PackedImage(codec.PackedContent(found.message), None, found.tag, counted)
