"""TDATA: where several tools are (OpenIGTLink ``trackingdata.md``; ``igtl_tdata.h``).

An item, 70 bytes:

======  ========  =========  ===============================================================
offset  type      field      meaning
======  ========  =========  ===============================================================
0       char[20]  name       name and id of the instrument or tracker
20      u8        type       see ``InstrumentType``
21      u8        reserved
22      f32×12    transform  as in TRANSFORM: i, j, k axis, and the position in mm
======  ========  =========  ===============================================================

STT_TDATA asks for a stream of them, 36 bytes:

======  ========  ===============  =========================================================
offset  type      field            meaning
======  ========  ===============  =========================================================
0       i32       resolution       least time between two messages, ms; 0: as fast as can be.
                                   (The document says u32.)
4       char[32]  coordinate name  name of the coordinate system; empty for the usual one
======  ========  ===============  =========================================================

RTS_TDATA answers it, 1 byte: status u8, 0 success, 1 error. STP_TDATA has no content. Tools that
are not seen at the moment are left out of TDATA.

The messages have no field for their coordinate system; OpenIGTLink's is RAS. Trackers that are not
registered to a patient send their own, which the document names ``CAMERA``.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..geometry import checked_matrix
from ..wire import Buffer, Reader, decode_text, encode_text, whole_number
from .base import member_or_number, register
from .items import ItemListMessage
from .query import QueryWithFields, StartMessage, StatusReturnMessage

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_START_LAYOUT = struct.Struct(">i32s")


class InstrumentType(IntEnum):
    """What is known of a tool's pose."""

    TRACKER = 1
    INSTRUMENT_6D = 2  # the regular kind
    INSTRUMENT_3D = 3  # only the tip
    INSTRUMENT_5D = 4  # tip and handle, but not how it is turned about the line between them


@dataclass(slots=True)
class TrackingDataItem:
    """One tool.

    ``transform`` has the twelve numbers of the wire: i, j and k axis, and the position in mm.
    ``to_matrix`` gives them as a matrix. ``type`` is an ``InstrumentType``, or the plain number
    if a peer sent another.
    """

    columns: ClassVar[np.dtype] = np.dtype(
        [("name", "S20"), ("type", "u1"), ("reserved", "u1"), ("transform", ">f4", 12)]
    )
    converters: ClassVar[Mapping[str, Callable[[int], Any]]] = {
        "type": member_or_number(InstrumentType)
    }

    name: str = ""
    type: InstrumentType | int = InstrumentType.TRACKER
    transform: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, **fields: Any) -> TrackingDataItem:
        """Make an item of a matrix as ``to_matrix`` gives it, and the other fields.

        Raises ``EncodeError`` for another shape or last row.
        """
        return cls(transform=tuple(checked_matrix(matrix)[:3].T.ravel().tolist()), **fields)

    def to_matrix(self) -> np.ndarray:
        """Return the matrix from the tool's coordinate system, mm, to RAS mm.

        float64 of shape (4, 4), last row 0 0 0 1.
        """
        matrix = np.eye(4)
        matrix[:3] = np.reshape(self.transform, (4, 3)).T
        return matrix


@register
@dataclass(eq=False)
class TrackingDataMessage(ItemListMessage[TrackingDataItem]):
    """Where tools are. ``items`` is a sequence of ``TrackingDataItem``."""

    wire_type: ClassVar[str] = "TDATA"
    item_class = TrackingDataItem


@register
@dataclass(eq=False)
class StartTrackingDataMessage(QueryWithFields, StartMessage):
    """Asks for a stream of TDATA.

    ``resolution`` is the least time between two messages in ms, from -2³¹ to 2³¹−1; 0 is as fast
    as can be. ``coordinate_name`` has up to 32 bytes; empty is the usual coordinate system.
    """

    wire_type: ClassVar[str] = "STT_TDATA"
    data_type = "TDATA"

    resolution: int = 0
    coordinate_name: str = ""

    def pack_content(self) -> list[Buffer]:
        """Return 36 bytes."""
        coordinate_name = encode_text(self.coordinate_name, 32, "coordinate name")
        resolution = whole_number(self.resolution, -0x80000000, 0x7FFFFFFF, "resolution in ms")
        return [_START_LAYOUT.pack(resolution, coordinate_name)]

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> StartTrackingDataMessage:
        """Read 36 bytes, or none, as queries of most other types have."""
        if not content:
            return cls(**header_fields)
        reader = Reader(content, cls.wire_type)
        resolution, coordinate_name = reader.unpack(_START_LAYOUT, "fields")
        reader.expect_end()
        return cls(resolution, decode_text(coordinate_name), **header_fields)


@register
class RTSTrackingDataMessage(StatusReturnMessage):
    """Answers STT_TDATA and STP_TDATA."""

    wire_type: ClassVar[str] = "RTS_TDATA"
    data_type = "TDATA"
