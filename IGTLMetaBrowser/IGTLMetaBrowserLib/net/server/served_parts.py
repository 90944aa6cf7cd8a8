"""Parts of images, cut out by a server in turns (IMGPART, ``docs/PROTOCOL.md``).

Whole slices are sent from where they lie. Every other part is a copy, which takes memory for each
client that is sent it, within the limit of all packed images.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

import numpy as np

from ... import codec
from ...codec.part_encoding import LARGEST_ENCODED, encode_in_pieces
from ...codec.pieces import pieces
from ..source import NotReadyError, SourceError
from .packed_images import PackedImage, PackedImages

CHANGED = "the image has changed since the first part of it; load it again"

# Voxels that are looked at in one turn: about 2 ms.
_BYTES_A_TURN = 4 << 20
# Of larger boxes clients can ask for slices.
_LARGEST_COPY = 64 << 20


class PartInWork:
    """A part of ``image`` that is being made for one client.

    Raises ``SourceError`` if there is no such part, or the image is not of the version wanted.
    """

    def __init__(
        self, images: PackedImages, image: PackedImage, request: codec.GetImagePartMessage
    ) -> None:
        self._images = images
        self._image = image
        whole = image.content.message
        _check(whole, request, image.tag)
        start, size = request.box_in(whole.whole_size)
        self._key = (start, size, tuple(request.stride))
        self._part = codec.ImagePartMessage(
            b"",
            codec.ScalarType.of(whole.pixels.dtype),
            whole.whole_size,
            start,
            size,
            request.stride,
            image.tag,
            whole.components,
            matrix=whole.matrix,
            coordinates=whole.coordinates,
            timestamp=whole.timestamp,
        )
        self._voxels = whole.pixels[self._part.slices()]
        is_small = self._voxels.nbytes <= LARGEST_ENCODED
        self._is_encoded = is_small and codec.PartEncoding.ZIGZAG_DELTAS in request.encodings
        self._is_copied = self._is_encoded or not _can_be_sent(self._voxels)
        if not _can_be_sent(self._voxels) and self._voxels.nbytes > _LARGEST_COPY:
            raise SourceError(
                f"this part has {self._voxels.nbytes} bytes; if it has more than {_LARGEST_COPY}, "
                "ask for less at a time, or for whole slices"
            )
        self._packed = None if self._is_copied else image.parts.get(self._key)
        self._has_room = not self._is_copied
        # No method: with one, the copy would stay in memory until the collector comes.
        self._turns = _made(self._part, self._voxels, self._is_encoded)

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata of the whole image."""
        return self._image.content.message.metadata

    def step(self, seconds: float) -> PackedImage:
        """Go on for about ``seconds``; return the part with its checksum, when it is ready.

        Raises ``NotReadyError`` until then, and ``SourceError``.
        """
        end = time.monotonic() + seconds
        if self._packed is None:
            if not self._has_room:
                # While it is encoded, its differences lie beside the copy.
                byte_count = self._voxels.nbytes * (2 if self._is_encoded else 1)
                self._images.reserve(self, byte_count, beside=self._image)
                self._has_room = True
            for _ in self._turns:
                if time.monotonic() >= end:
                    raise NotReadyError
            self._packed = self._pack()
        if not self._packed.sum_for(seconds):
            raise NotReadyError
        return self._packed

    def _pack(self) -> PackedImage:
        packed = PackedImage(codec.PackedContent(self._part))
        if self._is_copied:
            self._images.count(packed, self)
        else:  # the next who asks for it needs its checksum only
            self._image.keep_part(self._key, packed)
        return packed


def _made(part: codec.ImagePartMessage, voxels: np.ndarray, is_encoded: bool) -> Iterator[None]:
    """Make the bytes of a part, and yield after each turn of some ms."""
    if not _can_be_sent(voxels):
        copy = np.empty(voxels.shape, voxels.dtype.newbyteorder("<"))
        for place in pieces(voxels, _BYTES_A_TURN):
            copy[place] = voxels[place]
            yield
        voxels = copy
    if is_encoded:
        encoded = []
        for piece in encode_in_pieces(voxels):
            encoded.append(piece)
            yield
        part.encoding = codec.PartEncoding.ZIGZAG_DELTAS
        part.data = b"".join(encoded)
    else:
        part.data = memoryview(voxels).cast("B")


def _can_be_sent(voxels: np.ndarray) -> bool:
    """Whether the voxels lie in memory as they are on the wire."""
    return voxels.flags.c_contiguous and voxels.dtype == voxels.dtype.newbyteorder("<")


def _check(image: codec.ImageMessage, request: codec.GetImagePartMessage, tag: str) -> None:
    if request.tag and request.tag != tag:
        raise SourceError(CHANGED)
    if image.is_subvolume:
        raise SourceError("only a part of this image is here; ask for the image")
    start, size = request.box_in(image.whole_size)
    if 0 in size:
        raise SourceError(f"this image has {image.whole_size} voxels, none from {start} on")
