"""SENSOR: readings of a sensor (OpenIGTLink ``sensordata.md``; ``igtl_sensor.h``).

======  ======  ======  ================================================================
offset  type    field   meaning
======  ======  ======  ================================================================
0       u8      length  number of values
1       u8      status  reserved
2       u64     unit    of all values, see ``unit``
10      f64     values  ``length`` times
======  ======  ======  ================================================================
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..arrays import number_array, read_array, write_array
from ..errors import DecodeError, EncodeError
from ..unit import Unit
from ..wire import Buffer, Reader, whole_number
from .base import Message, register

_LAYOUT = struct.Struct(">BBQ")
_FLOAT64 = np.dtype(np.float64)
_MOST_VALUES = 255


def _no_values() -> np.ndarray:
    return np.empty(0)


@register
@dataclass(eq=False)
class SensorMessage(Message):
    """Readings of one sensor, or of several that share a unit.

    ``values`` is a float64 array of shape (number of values,), at most 255. ``status``, 0 to 255,
    is reserved; what a peer sent there is kept.
    """

    wire_type: ClassVar[str] = "SENSOR"

    values: np.ndarray = field(default_factory=_no_values)
    unit: Unit = field(default_factory=Unit)
    status: int = 0

    def pack_content(self) -> list[Buffer]:
        """Return the fields and the values."""
        values = self._checked_values()
        if not isinstance(self.unit, Unit):
            raise EncodeError(f"the unit of SENSOR is a Unit, not {self.unit!r}")
        status = whole_number(self.status, 0, 0xFF, "status of SENSOR")
        fields = _LAYOUT.pack(len(values), status, self.unit.pack())
        return [fields, write_array(values.astype(_FLOAT64))]

    def _checked_values(self) -> np.ndarray:
        values = number_array(self.values, "iuf", "values of SENSOR")
        if values.ndim != 1 or len(values) > _MOST_VALUES:
            raise EncodeError(
                f"SENSOR holds a row of at most {_MOST_VALUES} values; "
                f"an array of the shape {values.shape} does not fit"
            )
        return values

    @classmethod
    def unpack_content(cls, content: memoryview, **header_fields: Any) -> SensorMessage:
        """Read the fields and as many values as they tell."""
        reader = Reader(content, "SENSOR")
        length, status, unit = reader.unpack(_LAYOUT, "fields")
        if reader.remaining != length * _FLOAT64.itemsize:
            raise DecodeError(
                f"SENSOR tells {length} values, which have {length * _FLOAT64.itemsize} bytes; "
                f"{reader.remaining} are there"
            )
        values = read_array(reader.rest(), _FLOAT64)
        return cls(values, Unit.unpack(unit), status, **header_fields)
