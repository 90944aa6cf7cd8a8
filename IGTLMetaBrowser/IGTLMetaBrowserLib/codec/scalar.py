"""Types of pixels and their numbers on the wire (OpenIGTLink ``image.md``)."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from .errors import DecodeError, EncodeError


class ScalarType(IntEnum):
    """The scalar types of IMAGE and IMGMETA."""

    INT8 = 2
    UINT8 = 3
    INT16 = 4
    UINT16 = 5
    INT32 = 6
    UINT32 = 7
    FLOAT32 = 10
    FLOAT64 = 11

    @property
    def dtype(self) -> np.dtype:
        """The numpy type, in native byte order."""
        return np.dtype(self.name.lower())

    @classmethod
    def of(cls, dtype: np.dtype | type | str) -> ScalarType:
        """Return the scalar type for a numpy type, or raise ``EncodeError``."""
        try:
            return cls[np.dtype(dtype).name.upper()]
        except (KeyError, TypeError):
            names = ", ".join(member.name.lower() for member in cls)
            raise EncodeError(
                f"OpenIGTLink has no pixels of type {dtype}; convert them to one of {names}"
            ) from None

    @classmethod
    def read(cls, number: int) -> ScalarType:
        """Return the scalar type with a number from the wire, or raise ``DecodeError``."""
        try:
            return cls(number)
        except ValueError:
            raise DecodeError(f"scalar type {number} is none of {[int(m) for m in cls]}") from None
