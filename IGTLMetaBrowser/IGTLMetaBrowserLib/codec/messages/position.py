"""POSITION and QTRANS: where a tool is (OpenIGTLink ``position.md``; ``igtl_position.h``).

======  ======  ==========  ====================================================================
offset  type    field       meaning
======  ======  ==========  ====================================================================
0       f32×3   position    x, y, z in mm
12      f32×4   quaternion  x, y, z, w of the orientation, w being the real part
======  ======  ==========  ====================================================================

Two shorter forms exist in the library alone, told apart by the content's size (its ``PackType``):

========  ================  ====================================================================
bytes     name              meaning
========  ================  ====================================================================
12        POSITION_ONLY     no orientation: as (0, 0, 0, 1)
24        WITH_QUATERNION3  x, y, z of a quaternion of length 1, whose w ≥ 0 follows from them
28        ALL               the table above
========  ================  ====================================================================

The messages have no field for their coordinate system; OpenIGTLink's is RAS. QTRANS is the name
that protocol 2 and 3 list for the same content (``index.md``, ``qtransform.md``); the library and
its peers say POSITION. pyigtl's POSITION is no such message: a list of points of 152 bytes each.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import DecodeError, EncodeError
from ..geometry import Point, Quaternion, position_and_quaternion, quaternion_matrix
from .base import Message, register

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# By how many of the quaternion's numbers are sent.
_LAYOUTS = {count: struct.Struct(f">{3 + count}f") for count in (0, 3, 4)}
_LAYOUTS_BY_SIZE = {layout.size: layout for layout in _LAYOUTS.values()}


@register
@dataclass(eq=False)
class PositionMessage(Message):
    """A position (x, y, z), RAS mm, and an orientation.

    ``quaternion`` has the numbers that are on the wire: four (x, y, z, w), three (x, y, z), or
    none, ``()``; this chooses the form in which the message is packed. ``orientation`` has four
    always. On the wire all are float32.
    """

    wire_type: ClassVar[str] = "POSITION"

    position: Point = (0.0, 0.0, 0.0)
    quaternion: tuple[float, ...] = (0.0, 0.0, 0.0, 1.0)

    @property
    def orientation(self) -> Quaternion:
        """The quaternion (x, y, z, w), completed where it was sent in a shorter form.

        Three numbers longer than 1 leave nothing for w: it is 0, a half turn. (The library
        takes them for no rotation at all, even if only rounding made them so long.)
        """
        if len(self.quaternion) == 4:
            return self.quaternion
        if not self.quaternion:
            return 0.0, 0.0, 0.0, 1.0
        x, y, z = self.quaternion
        return x, y, z, max(0.0, 1 - (x * x + y * y + z * z)) ** 0.5

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, **fields: Any) -> PositionMessage:
        """Make a message with all four numbers of the quaternion.

        ``matrix`` has shape (4, 4) and maps (x, y, z, 1) in the tool's coordinate system, mm, to
        RAS mm. Raises ``EncodeError`` if it does more than turn and move. ``fields`` are the
        other fields of the message.
        """
        position, quaternion = position_and_quaternion(matrix)
        return cls(position, quaternion, **fields)

    def to_matrix(self) -> np.ndarray:
        """Return the matrix from the tool's coordinate system, mm, to RAS mm.

        float64 of shape (4, 4). Raises ``GeometryError`` if the quaternion is not a rotation.
        """
        return quaternion_matrix(self.orientation, self.position)

    def pack_content(self) -> list[bytes]:
        """Return 12, 24 or 28 bytes, as many as ``quaternion`` needs."""
        try:
            return [_LAYOUTS[len(self.quaternion)].pack(*self.position, *self.quaternion)]
        except (KeyError, OverflowError, TypeError, struct.error) as error:
            raise EncodeError(
                f"position {self.position!r} and quaternion {self.quaternion!r} do not fit "
                f"{self.wire_type}, which has 3 and 4 (or 3, or 0) float32 numbers"
            ) from error

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> PositionMessage:
        """Read any of the three forms."""
        layout = _LAYOUTS_BY_SIZE.get(len(content))
        if layout is None:
            raise DecodeError(f"{cls.wire_type} has 12, 24 or 28 bytes; {len(content)} are there")
        numbers = layout.unpack(content)
        return cls(numbers[:3], numbers[3:], **header_fields)


@register
class QuaternionTransformMessage(PositionMessage):
    """The same under its other name."""

    wire_type: ClassVar[str] = "QTRANS"
