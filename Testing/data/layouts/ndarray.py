"""NDARRAY."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

# Number on the wire and code of ``struct``.
SCALAR_TYPES = {
    "int8": (2, "b"),
    "uint8": (3, "B"),
    "int16": (4, "h"),
    "uint16": (5, "H"),
    "int32": (6, "i"),
    "uint32": (7, "I"),
    "float32": (10, "f"),
    "float64": (11, "d"),
    "complex128": (13, "d"),
}


def array(dtype: str, shape: list[int], values: list[float]) -> Fields:
    """Return the fields of an array."""
    return {"array": {"dtype": dtype, "shape": shape, "values": values}}


CONTENTS = [
    ("ndarray_int8", "NDARRAY", "Sensor", array("int8", [2], [-128, 127])),
    ("ndarray_uint8", "NDARRAY", "Sensor", array("uint8", [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 255])),
    ("ndarray_int16", "NDARRAY", "Sensor", array("int16", [1, 2], [-32768, 32767])),
    # The last index is the fastest.
    ("ndarray_uint16", "NDARRAY", "Sensor", array("uint16", [2, 3, 2], list(range(1, 13)))),
    ("ndarray_int32", "NDARRAY", "Sensor", array("int32", [2, 1], [-(2**31), 2**31 - 1])),
    ("ndarray_uint32", "NDARRAY", "Sensor", array("uint32", [2], [1, 2**32 - 1])),
    ("ndarray_float32", "NDARRAY", "Sensor", array("float32", [2], [-0.15625, 2.0**127])),
    ("ndarray_float64", "NDARRAY", "Sensor", array("float64", [1, 1, 2], [0.1, -1e300])),
    # Two numbers, of which each has a real and an imaginary part.
    ("ndarray_complex", "NDARRAY", "Sensor", array("complex128", [2], [0.5, -1.0, 1e300, 0.1])),
    ("ndarray_empty", "NDARRAY", "Sensor", array("float64", [0, 65535], [])),
    ("ndarray_5d", "NDARRAY", "Sensor", array("uint8", [1, 2, 1, 2, 1], [1, 2, 3, 4])),
]


def pack_ndarray(fields: Fields) -> bytes:
    """Return scalar type, number of dimensions, sizes and numbers."""
    shape, values = fields["array"]["shape"], fields["array"]["values"]
    number, code = SCALAR_TYPES[fields["array"]["dtype"]]
    header = struct.pack(f">BB{len(shape)}H", number, len(shape), *shape)
    return header + struct.pack(f">{len(values)}{code}", *values)


PACKERS = {"NDARRAY": pack_ndarray}
