"""Thumbnails that the index of a folder keeps between runs."""

from __future__ import annotations

import logging
import os
import struct

from ... import codec
from ...dicom_index.database import DicomIndexError
from ...dicom_index.index import DicomIndex

_logger = logging.getLogger(__name__)

# Behind each: what a disk has changed would be shown as the image.
_CHECKSUM = struct.Struct(">Q")


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
            kept = self._index.thumbnail(image_id, version)
            if kept is None:
                return None
            content, checksum = kept[: -_CHECKSUM.size], kept[-_CHECKSUM.size :]
            if checksum != _checksum_of(image_id, version, content):
                raise codec.ChecksumError("what is kept of it is damaged")
            return codec.ThumbnailMessage.unpack_content(memoryview(content))
        except (DicomIndexError, codec.DecodeError) as error:
            _logger.warning("a thumbnail is made anew: %s", error)
            return None

    def keep(self, image_id: str, version: bytes, thumbnail: codec.ThumbnailMessage) -> None:
        """Keep a thumbnail, if the disk has room for it."""
        try:
            content = b"".join(thumbnail.pack_content())
            checksum = _checksum_of(image_id, version, content)
            self._index.keep_thumbnail(image_id, version, content + checksum)
        except DicomIndexError as error:  # a full disk: it is made again next time
            _logger.warning("a thumbnail is not kept: %s", error)


def _checksum_of(image_id: str, version: bytes, content: bytes) -> bytes:
    return _CHECKSUM.pack(codec.crc64(os.fsencode(image_id) + b"\0" + version + content))
