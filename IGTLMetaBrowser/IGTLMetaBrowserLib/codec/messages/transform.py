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

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..arrays import float32_array, write_array
from ..errors import DecodeError
from ..geometry import checked_matrix
from ..wire import Buffer
from .base import Message, register

_CONTENT_SIZE = 48
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
        matrix = checked_matrix(self.matrix)
        return [write_array(float32_array(matrix[:3].T, "numbers of the matrix"))]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> TransformMessage:
        """Read twelve numbers."""
        if len(content) != _CONTENT_SIZE:
            raise DecodeError(f"TRANSFORM has {_CONTENT_SIZE} bytes; {len(content)} are there")
        message = cls(None, **header_fields)
        del message.matrix
        message._content = bytes(content)
        return message

    def __getattr__(self, name: str) -> Any:
        """Make the matrix of a message that was read, when it is first looked at.

        Of hundreds of positions a second, most are replaced by the next before anybody does.
        """
        if name != "matrix" or "_content" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name}")
        self.matrix = _IDENTITY.copy()
        columns = np.ndarray((3, 4), _WIRE_TYPE, self._content, strides=_COLUMN_BY_COLUMN)
        with np.errstate(invalid="ignore"):  # a NaN of any kind becomes a NaN
            self.matrix[:3] = columns
        return self.matrix
