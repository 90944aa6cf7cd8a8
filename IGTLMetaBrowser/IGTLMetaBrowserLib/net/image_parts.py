"""Parts of images, cut out by a server in turns (IMGPART, ``docs/PROTOCOL.md``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import codec
from ..codec.part_encoding import encode_in_pieces
from .source import SourceError

# Voxels that are looked at in one turn: about 2 ms.
_BYTES_A_TURN = 4 << 20
# What has to be copied takes memory for each client that is sent it. Of larger boxes clients can
# ask for slices; those of whole slices are not copied.
_LARGEST_COPY = 64 << 20
# A larger part is sent as it is: the first step of encoding it would take longer than a turn.
_LARGEST_ENCODED = 4 << 20


def part_in_turns(
    image: codec.ImageMessage, request: codec.GetImagePartMessage, tag: str
) -> Iterator[codec.ImagePartMessage | None]:
    """Yield None after each turn of some ms, and at last the part.

    Raises ``SourceError`` if there is no such part, or if ``tag`` is not the one that is wanted.
    """
    _check(image, request, tag)
    start, size = request.box_in(image.whole_size)
    part = codec.ImagePartMessage(
        b"",
        codec.ScalarType.of(image.pixels.dtype),
        image.whole_size,
        start,
        size,
        request.stride,
        tag,
        image.components,
        matrix=image.matrix,
        coordinates=image.coordinates,
    )
    view = image.pixels[part.slices()]
    is_encoded = codec.PartEncoding.ZIGZAG_DELTAS in request.encodings
    is_encoded = is_encoded and 0 < view.nbytes <= _LARGEST_ENCODED
    is_as_it_is = view.flags.c_contiguous and view.dtype == _little_endian(view.dtype)
    if not is_as_it_is:
        if view.nbytes > _LARGEST_COPY:
            raise SourceError(
                f"this part has {view.nbytes} bytes; if it has more than {_LARGEST_COPY}, ask for "
                "less at a time, or for whole slices"
            )
        for copied in _copy_in_turns(view):
            yield None
            view = copied
    if is_encoded:
        pieces = []
        for piece in encode_in_pieces(view):
            pieces.append(piece)
            yield None
        part.data, part.encoding = b"".join(pieces), codec.PartEncoding.ZIGZAG_DELTAS
    else:
        part.data = memoryview(view).cast("B") if view.size else b""
    yield part


def _check(image: codec.ImageMessage, request: codec.GetImagePartMessage, tag: str) -> None:
    if request.tag and request.tag != tag:
        raise SourceError("the image has changed since the first part of it; load it again")
    if image.is_subvolume:
        raise SourceError("only a part of this image is here; ask for the image")
    _, size = request.box_in(image.whole_size)
    if 0 in size:
        raise SourceError(f"this image has {image.whole_size} voxels, none where you ask for some")


def _copy_in_turns(view: np.ndarray) -> Iterator[np.ndarray]:
    """Yield a copy that is not whole before the end, after each turn."""
    copy = np.empty(view.shape, _little_endian(view.dtype))
    # What lies between the voxels is read, too: a line of the processor's cache at a time.
    bytes_a_slice = max(1, view.strides[0])
    slices = max(1, _BYTES_A_TURN // bytes_a_slice)
    for first in range(0, len(view), slices):
        copy[first : first + slices] = view[first : first + slices]
        yield copy


def _little_endian(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("<")
