"""Boxes of an array that are small enough to be copied, or looked at, in a turn of an event loop.

A slice of an image is no such box: one of 20,000 × 16,000 voxels has 640 MB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

_Index = tuple[int | slice, ...]


def pieces(array: np.ndarray, most_bytes: int) -> Iterator[_Index]:
    """Yield the indices of boxes that cover an array, in its order.

    Each lies over at most ``most_bytes`` of memory, or is one element. What is between its elements
    counts: it is read, too, by lines of the processor's cache. An index fits every array of that
    shape.
    """
    if not array.size:
        return
    spans = [
        max(abs(stride), math.prod(array.shape[axis + 1 :]) * array.itemsize)
        for axis, stride in enumerate(array.strides)
    ]
    # The first axis along which one step is small enough; along those before it, one at a time.
    axis = next((axis for axis, span in enumerate(spans) if span <= most_bytes), len(spans) - 1)
    count = max(1, most_bytes // spans[axis])
    for before in np.ndindex(array.shape[:axis]):
        for first in range(0, array.shape[axis], count):
            yield (*before, slice(first, first + count))
