"""SENSOR."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]


def sensor(prefix: int, factors: list[list[int]], values: list[float], status: int = 0) -> Fields:
    """Return the fields of a reading."""
    return {
        "values": {"dtype": "float64", "shape": [len(values)], "values": values},
        "unit": {"prefix": prefix, "factors": factors},
        "status": status,
    }


CONTENTS = [
    # mm/s²
    ("sensor", "SENSOR", "Accelerometer", sensor(11, [[1, 1], [3, -2]], [0.1, -9.80665e3, 1e300])),
    # The example of sensordata.md: N·m, whose exponents it leaves 0.
    ("sensor_torque", "SENSOR", "Torque", sensor(0, [[11, 0], [1, 0]], [0.0, 0.0, 0.0])),
    ("sensor_empty", "SENSOR", "Device", sensor(0, [], [])),
    # Six factors, each bit of the unit in use; the status is reserved.
    (
        "sensor_unusual",
        "SENSOR",
        "Device",
        sensor(15, [[63, -1], [27, 7], [1, -7], [32, 1], [0, 3], [2, -6]], [-0.0], 0xA5),
    ),
]


def pack_sensor(fields: Fields) -> bytes:
    """Return number of values, status, unit and values."""
    unit = fields["unit"]["prefix"] << 60
    for place, (number, exponent) in enumerate(fields["unit"]["factors"]):
        unit |= (number << 4 | exponent % 16) << (50 - 10 * place)
    values = fields["values"]["values"]
    return struct.pack(f">BBQ{len(values)}d", len(values), fields["status"], unit, *values)


PACKERS = {"SENSOR": pack_sensor}
