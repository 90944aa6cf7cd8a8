"""TRANSFORM: where a tool is (OpenIGTLink ``transform.md``; ``igtl_transform.h``).

======  ======  ========  ======================================================================
offset  type    field     meaning
======  ======  ========  ======================================================================
0       f32×3   i axis    first column of the matrix, no unit
12      f32×3   j axis    second column
24      f32×3   k axis    third column
36      f32×3   position  fourth column, mm
======  ======  ========  ======================================================================

The last row of the matrix, 0 0 0 1, is not sent. The message has no field for its coordinate
system; OpenIGTLink's is RAS.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..errors import DecodeError, EncodeError
from ..geometry import checked_matrix
from ..wire import Buffer
from .base import Message, register

# For twelve numbers, struct takes a fifth of the time that arrays take.
_LAYOUT = struct.Struct(">12f")
_CONTENT_SIZE = _LAYOUT.size
_WIRE_TYPE = np.dtype(">f4")
_COLUMN_BY_COLUMN = (4, 12)  # bytes from row to row, and from column to column
_IDENTITY = np.eye(4)


@register
@dataclass(eq=False)
class TransformMessage(Message):
    """A linear transform.

    ``matrix`` has shape (4, 4); it maps (x, y, z, 1) in the device's coordinate system, mm, to
    the reference's, RAS mm. On the wire its numbers are float32.
    """

    wire_type: ClassVar[str] = "TRANSFORM"

    matrix: np.ndarray = field(default_factory=_IDENTITY.copy)

    def pack_content(self) -> list[Buffer]:
        """Return the first three rows, column by column."""
        columns = checked_matrix(self.matrix)[:3].T.ravel().tolist()
        try:
            return [_LAYOUT.pack(*columns)]
        except OverflowError:
            raise EncodeError(f"{columns} are numbers too large for float32") from None

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> TransformMessage:
        """Read twelve numbers."""
        if len(content) != _CONTENT_SIZE:
            raise DecodeError(f"TRANSFORM has {_CONTENT_SIZE} bytes; {len(content)} are there")
        # Without __init__, which would make a matrix: see __getattr__.
        message = cls.__new__(cls)
        header_fields.setdefault("metadata", {})
        header_fields["_content"] = bytes(content)
        message.__dict__ = header_fields
        return message

    def __getattr__(self, name: str) -> Any:
        """Make the matrix of a message that was read, when it is first looked at.

        Of hundreds of positions a second, most are replaced by the next before anybody does.
        """
        if name != "matrix" or "_content" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name}")
        self.matrix = _IDENTITY.copy()
        columns: np.ndarray = np.ndarray(
            (3, 4), _WIRE_TYPE, self._content, strides=_COLUMN_BY_COLUMN
        )
        with np.errstate(invalid="ignore"):  # a NaN of any kind becomes a NaN
            self.matrix[:3] = columns
        return self.matrix
