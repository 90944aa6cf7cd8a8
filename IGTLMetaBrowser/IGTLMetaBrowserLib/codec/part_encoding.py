"""Voxels compressed without loss, for links that are slower than the compression.

Encoding 1 of IMGPART (``docs/PROTOCOL.md``), three steps on the voxels as unsigned whole numbers of
their size:

1. the difference to the voxel before, of the same component (before the first one is 0),
2. its sign moved to the lowest bit ("zigzag": 0, -1, 1, -2 … become 0, 1, 2, 3 …),
3. all lowest bytes, then all second ones and so on; these as one zlib stream (RFC 1950).

Neighbors are alike, so that higher bytes are nearly all 0. Of the lower ones noise is left, in
which no match is worth its search: zlib with ``Z_RLE`` codes them twice as fast as with level 1.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from .errors import DecodeError
from .wire import Buffer

# About 2 ms of work: between two pieces, a server serves its other clients.
_PIECE = 256 << 10
LARGEST_ENCODED = 4 << 20
"""Bytes of voxels. A larger part is sent as it is: the first step of encoding it would take longer
than a server's turn, and decoding it would keep a window waiting."""
LARGEST_RATIO = 1032
"""A zlib stream is at least so many times smaller than what it holds (zlib.net, "Technical
Details"): who claims more lies."""


def encode(voxels: np.ndarray) -> bytes:
    """Return voxels of shape (k, j, i) or (k, j, i, components), encoded."""
    return b"".join(encode_in_pieces(voxels))


def encode_in_pieces(voxels: np.ndarray) -> Iterator[bytes]:
    """Yield the encoded voxels piece by piece, some of them empty, after a few ms each.

    The first one takes the longest, about 2 ms for 1 MB.
    """
    planes = memoryview(_planes_of(voxels)).cast("B") if voxels.size else memoryview(b"")
    compressor = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_RLE)
    for start in range(0, len(planes), _PIECE):
        yield compressor.compress(planes[start : start + _PIECE])
    yield compressor.flush()


def decode(data: Buffer, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Return voxels of ``shape`` (k, j, i) or (k, j, i, components), in native byte order.

    Raises ``DecodeError`` if the stream is damaged or does not hold as many.
    """
    count = int(np.prod(shape, dtype=np.int64))
    size = count * dtype.itemsize
    stream = zlib.decompressobj()
    try:
        planes = stream.decompress(data, size + 1)
    except zlib.error as error:
        raise DecodeError(f"the voxels of IMGPART cannot be decompressed: {error}") from error
    if len(planes) != size or not stream.eof or stream.unused_data:
        raise DecodeError(f"the compressed voxels of IMGPART are not the {size} bytes of {shape}")
    shuffled = np.frombuffer(planes, np.uint8).reshape(dtype.itemsize, count)
    zigzag = np.empty((count, dtype.itemsize), np.uint8)
    for number, plane in enumerate(shuffled):  # faster than to transpose
        zigzag[:, number] = plane
    numbers = zigzag.view(f"<u{dtype.itemsize}").reshape(-1)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    signs = np.negative(numbers & 1)
    numbers >>= 1
    numbers ^= signs
    rows = numbers.reshape(_by_component(shape))
    np.cumsum(rows, axis=0, dtype=rows.dtype, out=rows)
    return rows.view(dtype).reshape(shape)


def _planes_of(voxels: np.ndarray) -> np.ndarray:
    """Return the bytes of the differences, shape (bytes of a voxel, voxels)."""
    size = voxels.dtype.itemsize
    numbers = np.ascontiguousarray(voxels).view(f"u{size}").reshape(_by_component(voxels.shape))
    zigzag = numbers.copy()
    zigzag[1:] -= numbers[:-1]
    signs = np.negative(zigzag >> (8 * size - 1))
    zigzag <<= 1
    zigzag ^= signs
    little_endian = zigzag.astype(f"<u{size}", copy=False)
    return np.ascontiguousarray(little_endian.view(np.uint8).reshape(-1, size).T)


def _by_component(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape in which axis 0 goes from voxel to voxel, and axis 1 over components."""
    return (-1,) if len(shape) == 3 else (-1, shape[3])
