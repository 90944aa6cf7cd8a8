"""NDARRAY: an array of numbers (OpenIGTLink ``ndarray.md``; ``igtl_ndarray.h``).

======  ========  ===========  ==================================================================
offset  type      field        meaning
======  ========  ===========  ==================================================================
0       u8        scalar type  as in ``scalar``, or 13: complex, two float64 (real, imaginary)
1       u8        dimensions   D
2       u16×D     size         along each dimension
2+2D              numbers      big-endian; the last index is the fastest, as in C and numpy
======  ========  ===========  ==================================================================

The message has no field for units or a coordinate system. GET_NDARRAY has no content; streams of
NDARRAY are not defined.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arrays import read_array, write_array
from ..errors import DecodeError, EncodeError
from ..scalar import ScalarType
from ..wire import Buffer, Reader
from .base import Message, register

# The one scalar type that IMAGE does not have (``ndarray.md``).
_COMPLEX = 13
_DTYPES = {int(member): member.dtype for member in ScalarType} | {_COMPLEX: np.dtype(complex)}
_NUMBERS = {dtype.name: number for number, dtype in _DTYPES.items()}
# Every numpy has arrays of so many.
_MOST_DIMENSIONS = 32
_LARGEST_SIZE = 0xFFFF
_SIZE_DTYPE = np.dtype(np.uint16)


@register
@dataclass(eq=False)
class NDArrayMessage(Message):
    """An array of any shape with 1 to 32 dimensions of up to 65,535.

    ``array`` has one of the ``ScalarType``s or complex128, in native byte order.
    """

    wire_type: ClassVar[str] = "NDARRAY"

    array: np.ndarray

    def pack_content(self) -> list[Buffer]:
        """Return header and numbers; an array of single bytes in C order is not copied."""
        array = _as_array(self.array)
        shape = array.shape
        if not 1 <= len(shape) <= _MOST_DIMENSIONS or max(shape) > _LARGEST_SIZE:
            raise EncodeError(
                f"NDARRAY holds 1 to {_MOST_DIMENSIONS} dimensions of up to {_LARGEST_SIZE}; "
                f"the array has the shape {shape}"
            )
        header = bytes([_NUMBERS[array.dtype.name], len(shape)])
        return [header, write_array(np.array(shape, _SIZE_DTYPE)), write_array(array)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> NDArrayMessage:
        """Read an array; it is a view of ``content`` if that is writable."""
        reader = Reader(content, "NDARRAY")
        number, dimensions = reader.take(2, "header")
        if number not in _DTYPES:
            raise DecodeError(f"scalar type {number} of NDARRAY is none of {sorted(_DTYPES)}")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise DecodeError(
                f"NDARRAY has {dimensions} dimensions; 1 to {_MOST_DIMENSIONS} can be read"
            )
        sizes = reader.take(dimensions * _SIZE_DTYPE.itemsize, "size")
        shape = tuple(np.frombuffer(sizes, _SIZE_DTYPE.newbyteorder(">")).tolist())
        dtype = _DTYPES[number]
        expected = math.prod(shape) * dtype.itemsize
        if reader.remaining != expected:
            raise DecodeError(
                f"NDARRAY of shape {shape} and {dtype} has {expected} bytes of numbers; "
                f"{reader.remaining} are there"
            )
        return cls(_reshape(read_array(reader.rest(), dtype), shape), **header_fields)


def _as_array(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError) as error:
        raise EncodeError(f"NDARRAY holds an array: {error}") from None
    if array.dtype.name not in _NUMBERS:
        raise EncodeError(
            f"NDARRAY has no numbers of type {array.dtype}; "
            f"convert them to one of {', '.join(_NUMBERS)}"
        )
    return array


def _reshape(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return array.reshape(shape)
    except ValueError as error:  # an empty array whose other dimensions are beyond numpy's
        raise DecodeError(f"NDARRAY of shape {shape} cannot be held: {error}") from None
