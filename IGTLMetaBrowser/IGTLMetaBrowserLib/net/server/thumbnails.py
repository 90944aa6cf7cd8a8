"""Thumbnails of images (IMGTHUMB, ``docs/PROTOCOL.md``): made once, in turns, and kept."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from dataclasses import replace

from ... import codec
from ...codec.slice_stack import SliceStack
from ...codec.window_level import is_emission, window_level
from ..source import (
    KeepsThumbnails,
    NotReadyError,
    OffersMetadata,
    Source,
    SourceError,
)
from .packed_images import PackedImage, version_key

# About 700 of a CT.
_MOST_BYTES = 32 << 20


class ServedThumbnails:
    """The thumbnails of the images of ``source``, ready to be sent.

    Those of images whose version the source tells are kept, the last ones here, and all by a source
    that ``KeepsThumbnails``.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kept: OrderedDict[tuple[str, Hashable], PackedImage] = OrderedDict()
        self._size = 0

    def find(self, image_id: str) -> PackedImage | None:
        """Return the thumbnail of an image as it is now, or None if it has to be made.

        Raises what the source raises.
        """
        key = version_key(self._source, image_id)
        found = None if key is None else self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        if not isinstance(self._source, KeepsThumbnails):
            return None
        message = self._source.kept_thumbnail(image_id)
        return None if message is None else self._keep(key, message)

    def begin(self, image_id: str, image: PackedImage) -> ThumbnailInWork:
        """Begin to make the thumbnail of an image that is packed and summed; it is kept then.

        Raises ``SourceError`` if it cannot be shown.
        """
        planes = planes_of(image.content.message, self._modality(image_id))
        return ThumbnailInWork(self, image_id, image, planes)

    def keep(
        self, image_id: str, image: PackedImage, message: codec.ThumbnailMessage
    ) -> PackedImage:
        """Keep the thumbnail of an image, and return it packed.

        If the image is another by now, it is for who has asked for it, and not for others.
        """
        message = replace(message, tag=image.tag)
        key = version_key(self._source, image_id)
        if key != image.key:
            return PackedImage(codec.PackedContent(message))
        if isinstance(self._source, KeepsThumbnails):
            self._source.keep_thumbnail(image_id, message)
        return self._keep(key, message)

    def _keep(
        self, key: tuple[str, Hashable] | None, message: codec.ThumbnailMessage
    ) -> PackedImage:
        packed = PackedImage(codec.PackedContent(message))
        if key is None:
            return packed
        if (before := self._kept.pop(key, None)) is not None:
            self._size -= before.content.size  # two clients asked for it while it was made
        self._kept[key] = packed
        self._size += packed.content.size
        while self._size > _MOST_BYTES:
            _, forgotten = self._kept.popitem(last=False)
            self._size -= forgotten.content.size
        return packed

    def _modality(self, image_id: str) -> str:
        """Return the modality, which says how an image is viewed; empty for label maps.

        What a source of many tells of one image has it; only others' lists are searched.
        """
        if isinstance(self._source, OffersMetadata):
            try:
                metadata = self._source.metadata(image_id)
            except SourceError:
                return ""
            return metadata.get("Modality") or metadata.get("modality") or ""
        entries = (item.modality for item in self._source.images() if item.id == image_id)
        return next(entries, "")


class ThumbnailInWork:
    """A thumbnail that is being made for one client."""

    def __init__(
        self,
        thumbnails: ServedThumbnails,
        image_id: str,
        image: PackedImage,
        planes: Iterator[codec.ThumbnailPlane],
    ) -> None:
        self.image = image
        self._thumbnails = thumbnails
        self._image_id = image_id
        self._planes = planes
        self._made: list[codec.ThumbnailPlane] = []

    def step(self, seconds: float) -> PackedImage:
        """Go on for about ``seconds``, a slice at least; return the thumbnail when it is there.

        Raises ``NotReadyError`` until then, and what the source raises.
        """
        end = time.monotonic() + seconds
        for plane in self._planes:
            self._made.append(plane)
            if time.monotonic() >= end:
                raise NotReadyError
        message = codec.ThumbnailMessage(self._made)
        return self._thumbnails.keep(self._image_id, self.image, message)


def planes_of(image: codec.ImageMessage, modality: str) -> Iterator[codec.ThumbnailPlane]:
    """Return what an image looks like. Raises ``SourceError`` if it has no place or no voxels."""
    if not image.pixels.size:
        raise SourceError("this image has no voxels to be shown")
    try:
        ijk_to_ras = image.usable_ijk_to_ras()
    except codec.GeometryError as error:
        raise SourceError(f"this image cannot be shown: {error}") from None
    window = window_level(image.pixels, modality)
    stack = SliceStack(image.pixels, ijk_to_ras, *window, is_emission(modality))
    return stack.thumbnail_planes()
