"""Pixels of the other byte order, swapped while their IMAGE arrives."""

from __future__ import annotations

import math

import numpy as np

from ..scalar import ScalarType
from .image import IMAGE_HEADER_LAYOUT, IMAGE_HEADER_SIZE, is_native


class PixelSwap:
    """Brings the pixels of an IMAGE into native byte order while they arrive.

    A swap of all of them at the end would take as long as a user notices. ``body`` is the memory
    into which the message's body is received, ``image_header_begin`` where its content begins.
    """

    def __init__(self, body: memoryview, image_header_begin: int) -> None:
        self._body = body
        self._header_begin = image_header_begin
        self._pixels_begin = image_header_begin + IMAGE_HEADER_SIZE
        self._pixels: np.ndarray | None = None
        self._swapped = 0

    def update(self, received: int) -> None:
        """Swap what has arrived; ``received`` is the number of the body's bytes that are there."""
        if received < self._pixels_begin:
            return
        if self._pixels is None:
            self._pixels = self._pixels_to_swap()
        arrived = (received - self._pixels_begin) // self._pixels.itemsize
        self._pixels[self._swapped : arrived].byteswap(inplace=True)
        self._swapped = max(self._swapped, arrived)

    def _pixels_to_swap(self) -> np.ndarray:
        """Return the pixels, or none if they are native or will be refused."""
        nothing = np.empty(0, np.uint8)
        header = IMAGE_HEADER_LAYOUT.unpack_from(self._body, self._header_begin)
        _, components, scalar_type, endian, *_ = header
        if is_native(endian) or scalar_type not in ScalarType.__members__.values():
            return nothing
        dtype = ScalarType(scalar_type).dtype
        count = math.prod(header[23:26]) * components
        if dtype.itemsize == 1 or len(self._body) < self._pixels_begin + count * dtype.itemsize:
            return nothing
        return np.frombuffer(self._body, dtype, count, self._pixels_begin)
