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

from ..errors import DecodeError, EncodeError
from .base import Message, register

_CONTENT_SIZE = 48
_WIRE_TYPE = np.dtype(">f4")
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

    def pack_content(self) -> list[bytes]:
        """Return the first three rows, column by column."""
        try:
            matrix = np.asarray(self.matrix, float)
        except (TypeError, ValueError) as error:
            raise EncodeError(f"the matrix of TRANSFORM holds what is no number: {error}") from None
        if matrix.shape != (4, 4) or not np.array_equal(matrix[3], _IDENTITY[3]):
            raise EncodeError(
                "TRANSFORM holds a matrix of shape (4, 4) whose last row is 0 0 0 1, "
                f"not {matrix.tolist()}"
            )
        with np.errstate(over="ignore"):  # told below
            columns = matrix[:3].T.astype(_WIRE_TYPE)
        if not np.array_equal(np.isinf(columns), np.isinf(matrix[:3].T)):
            raise EncodeError(f"the matrix {matrix.tolist()} is too large for float32")
        return [columns.tobytes()]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> TransformMessage:
        """Read twelve numbers."""
        if len(content) != _CONTENT_SIZE:
            raise DecodeError(f"TRANSFORM has {_CONTENT_SIZE} bytes; {len(content)} are there")
        matrix = _IDENTITY.copy()
        matrix[:3] = np.frombuffer(content, _WIRE_TYPE).reshape(4, 3).T
        return cls(matrix=matrix, **header_fields)
