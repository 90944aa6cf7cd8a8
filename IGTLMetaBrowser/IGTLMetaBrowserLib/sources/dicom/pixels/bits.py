"""The bits of a stored value among those that are allocated for it (DICOM PS3.5 8.1.1)."""

from __future__ import annotations

import numpy as np


def integer_range(bits: int, is_signed: bool) -> tuple[int, int]:
    """Return the least and the largest integer of so many bits."""
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)


def range_of_bits(dtype: np.dtype, stored: int, high: int) -> tuple[int, int] | None:
    """Return what integers are between at most, if fewer bits are stored than allocated.

    ``high`` is the highest of those that are stored. None if they are all, or make no sense.
    """
    allocated = 8 * dtype.itemsize
    if not 0 < stored < allocated or not stored - 1 <= high < allocated:
        return None
    return integer_range(stored, dtype.kind == "i")


def without_other_bits(pixels: np.ndarray, stored: int, high: int) -> np.ndarray:
    """Return integers in native order, without the bits that are not of the value.

    Old scanners have overlays in the bits above those stored. Few files do, so this is seen by
    values that the bits stored cannot hold.
    """
    if not pixels.dtype.isnative:
        pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    ends = range_of_bits(pixels.dtype, stored, high)
    if ends is None:
        return pixels
    allocated = 8 * pixels.dtype.itemsize
    is_above = pixels.dtype.kind == "u" or ends[0] <= pixels.min()
    if high == stored - 1 and is_above and pixels.max() <= ends[1]:
        return pixels
    return (pixels << (allocated - 1 - high)) >> (allocated - stored)
