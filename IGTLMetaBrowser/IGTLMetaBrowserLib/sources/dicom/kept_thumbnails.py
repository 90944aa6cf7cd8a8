"""Thumbnails that the index of a folder keeps between runs."""

from __future__ import annotations

import logging

from ... import codec
from ...dicom_index.database import DicomIndexError
from ...dicom_index.index import DicomIndex

_logger = logging.getLogger(__name__)


class KeptThumbnails:
    """The thumbnails in an index; ``version`` says which of an image's pixels one shows."""

    def __init__(self, index: DicomIndex) -> None:
        self._index = index

    @property
    def are_kept(self) -> bool:
        """Whether the index is a file: what is in memory, the server has anyway."""
        return self._index.database is not None

    def find(self, image_id: str, version: bytes) -> codec.ThumbnailMessage | None:
        """Return a thumbnail, if there is one that can be read."""
        try:
            content = self._index.thumbnail(image_id, version)
            if content is None:
                return None
            return codec.ThumbnailMessage.unpack_content(memoryview(content))
        except (DicomIndexError, codec.DecodeError) as error:
            _logger.warning("a thumbnail is made anew: %s", error)
            return None

    def keep(self, image_id: str, version: bytes, thumbnail: codec.ThumbnailMessage) -> None:
        """Keep a thumbnail, if the disk has room for it."""
        try:
            self._index.keep_thumbnail(image_id, version, b"".join(thumbnail.pack_content()))
        except DicomIndexError as error:  # a full disk: it is made again next time
            _logger.warning("a thumbnail is not kept: %s", error)
