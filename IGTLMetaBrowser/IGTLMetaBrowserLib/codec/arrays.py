"""Arrays of numbers on the wire: big-endian, as all of OpenIGTLink but the pixels of IMAGE."""

from __future__ import annotations

import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import EncodeError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_SWAPPED = sys.byteorder == "little"


def read_array(content: memoryview, dtype: np.dtype) -> np.ndarray:
    """Return the big-endian numbers in ``content`` as a one-dimensional array of native ``dtype``.

    Bytes are swapped in place if ``content`` is writable; else the array is a copy. The size
    of ``content`` must be a multiple of the type's.
    """
    array = np.frombuffer(content, dtype)
    if not array.flags.aligned:
        array = array.copy()
    if _SWAPPED and dtype.itemsize > 1:
        array = array.byteswap(inplace=array.flags.writeable)
    return array


def write_array(array: np.ndarray) -> memoryview | bytes:
    """Return the numbers of an array as big-endian bytes, in C order."""
    if not array.size:  # memoryview cannot cast an array without numbers
        return b""
    return memoryview(np.ascontiguousarray(array, array.dtype.newbyteorder(">"))).cast("B")


def float32_array(values: ArrayLike, what: str) -> np.ndarray:
    """Return ``values`` as float32; raises ``EncodeError`` for what is too large or no number."""
    array = number_array(values, "biuf", what)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite is told below, NaN stays NaN
        converted = array.astype(np.float32, copy=False)
    if converted is not array and (np.isinf(converted) & np.isfinite(array)).any():
        raise EncodeError(f"the {what} hold numbers too large for float32")
    return converted


def uint32_array(values: ArrayLike, what: str) -> np.ndarray:
    """Return ``values`` as uint32; raises ``EncodeError`` for others than 0 to 2**32 - 1."""
    array = number_array(values, "iu", what)
    limits = np.iinfo(np.uint32)
    if array.size and not limits.min <= array.min() <= array.max() <= limits.max:
        raise EncodeError(f"the {what} hold numbers that are not from 0 to 2**32 - 1")
    return array.astype(np.uint32, copy=False)


def number_array(values: ArrayLike, kinds: str, what: str) -> np.ndarray:
    """Return ``values`` as an array; raises ``EncodeError`` if its kind is none of ``kinds``.

    ``kinds`` are letters of ``numpy.dtype.kind``. Converted at once, None would become NaN, and
    digits in a text a number.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodeError(f"the {what} are not an array: {error}") from None
    if array.size and array.dtype.kind not in kinds:
        raise EncodeError(f"the {what} are numbers, not {array.dtype}")
    return array


def equal_fields(one: Any, other: Any) -> bool:
    """Whether fields that are compared are equal in two dataclass objects.

    Arrays are if their types and numbers are.
    """
    names = [field.name for field in fields(one) if field.compare]
    return all(_are_equal(getattr(one, name), getattr(other, name)) for name in names)


def _are_equal(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, np.ndarray) and isinstance(theirs, np.ndarray):
        return mine.dtype == theirs.dtype and np.array_equal(mine, theirs)
    if isinstance(mine, np.ndarray) or isinstance(theirs, np.ndarray):
        return False  # numpy would compare number by number
    return mine == theirs
