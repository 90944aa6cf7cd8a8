"""QTDATA: where several tools are (OpenIGTLink ``qtrackingdata.md``; ``igtl_qtdata.h``).

An item, 50 bytes:

======  ========  ==========  ===============================================================
offset  type      field       meaning
======  ========  ==========  ===============================================================
0       char[20]  name        name and id of the instrument or tracker
20      u8        type        see ``InstrumentType``
21      u8        reserved
22      f32×3     position    x, y, z in mm
34      f32×4     quaternion  x, y, z, w of the orientation, w being the real part
======  ========  ==========  ===============================================================

STT_QTDATA and RTS_QTDATA are as those of TDATA. The document has a status byte before the fields of
STT_QTDATA, and writes RTS_QDATA; the library has neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..geometry import Point, Quaternion, position_and_quaternion, quaternion_matrix
from .base import member_or_number, register
from .items import ItemListMessage
from .tracking import InstrumentType, RTSTrackingDataMessage, StartTrackingDataMessage

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclass(slots=True)
class QuaternionTrackingDataItem:
    """One tool.

    ``position`` is (x, y, z) in RAS mm, ``quaternion`` (x, y, z, w). ``type`` is an
    ``InstrumentType``, or the plain number if a peer sent another.
    """

    columns: ClassVar[np.dtype] = np.dtype(
        [
            ("name", "S20"),
            ("type", "u1"),
            ("reserved", "u1"),
            ("position", ">f4", 3),
            ("quaternion", ">f4", 4),
        ]
    )
    converters: ClassVar[Mapping[str, Callable[[int], Any]]] = {
        "type": member_or_number(InstrumentType)
    }

    name: str = ""
    type: InstrumentType | int = InstrumentType.TRACKER
    position: Point = (0.0, 0.0, 0.0)
    quaternion: Quaternion = (0.0, 0.0, 0.0, 1.0)

    @classmethod
    def from_matrix(cls, matrix: ArrayLike, **fields: Any) -> QuaternionTrackingDataItem:
        """Make an item of a matrix as ``to_matrix`` gives it, and the other fields.

        Raises ``EncodeError`` if the matrix does more than turn and move.
        """
        position, quaternion = position_and_quaternion(matrix)
        return cls(position=position, quaternion=quaternion, **fields)

    def to_matrix(self) -> np.ndarray:
        """Return the matrix from the tool's coordinate system, mm, to RAS mm.

        float64 of shape (4, 4), last row 0 0 0 1. Raises ``GeometryError`` if the quaternion is
        no rotation.
        """
        return quaternion_matrix(self.quaternion, self.position)


@register
@dataclass(eq=False)
class QuaternionTrackingDataMessage(ItemListMessage[QuaternionTrackingDataItem]):
    """Where tools are. ``items`` is a sequence of ``QuaternionTrackingDataItem``."""

    wire_type: ClassVar[str] = "QTDATA"
    item_class = QuaternionTrackingDataItem


@register
class StartQuaternionTrackingDataMessage(StartTrackingDataMessage):
    """Asks for a stream of QTDATA, with the fields of ``StartTrackingDataMessage``."""

    wire_type: ClassVar[str] = "STT_QTDATA"
    data_type = "QTDATA"


@register
class RTSQuaternionTrackingDataMessage(RTSTrackingDataMessage):
    """Answers STT_QTDATA and STP_QTDATA."""

    wire_type: ClassVar[str] = "RTS_QTDATA"
    data_type = "QTDATA"
