"""POSITION, TRANSFORM, TDATA and QTDATA."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

POSITION = {"position": [-41.5, 80.25, 62.0], "quaternion": [0.5, -0.5, 0.5, -0.5]}
POSITION_QUATERNION3 = {"position": [0.0, -1.5, 1e9], "quaternion": [0.5, -0.5, 0.25]}
POSITION_ONLY = {"position": [1.0, 2.0, 3.0], "quaternion": []}

# By rows: a quarter turn about k, and a move.
MATRIX = [0.0, -1.0, 0.0, 10.5, 1.0, 0.0, 0.0, -20.0, 0.0, 0.0, 1.0, 30.25, 0.0, 0.0, 0.0, 1.0]
# Twelve numbers as on the wire: the axes are scaled and not at right angles.
SHEAR = [0.5, 0.0, 0.0, 0.25, 2.0, 0.0, -1.0, 0.0, -3.0, 1e-3, -1e6, 3.125]
SHEAR = list(struct.unpack("12f", struct.pack("12f", *SHEAR)))

IDENTITY = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
TRANSFORM_ITEMS = [
    {"name": "Needle", "type": 3, "transform": SHEAR},
    {"name": "T" * 20, "type": 1, "transform": IDENTITY},  # fills its field: no NUL at its end
    {"name": "Zeigegerät", "type": 2, "transform": IDENTITY},
    {"name": "", "type": 4, "transform": [0.0] * 12},
]
QUATERNION_ITEMS = [
    {"name": "Needle", "type": 3, **POSITION},
    {"name": "Q" * 20, "type": 1, "position": [0.0] * 3, "quaternion": [0.0, 0.0, 0.0, 1.0]},
    {"name": "Zeigegerät", "type": 2, "position": [1.0] * 3, "quaternion": [2.0, 0.0, 0.0, 0.0]},
    {"name": "", "type": 4, "position": [0.0] * 3, "quaternion": [0.0] * 4},
]

START = {"resolution": 50, "coordinate_name": "CAMERA"}
START_UNUSUAL = {"resolution": -0x80000000, "coordinate_name": "C" * 32}
STOP = {"content": ""}


def of_unknown_types(item: Fields) -> list[Fields]:
    """Return such items with numbers that are no type of instrument."""
    return [{**item, "type": 0}, {**item, "type": 255}]


CONTENTS = [
    ("position", "POSITION", "Tracker", POSITION),
    ("position_quaternion3", "POSITION", "Tracker", POSITION_QUATERNION3),
    ("position_only", "POSITION", "Tracker", POSITION_ONLY),
    ("qtrans", "QTRANS", "Tracker", POSITION),
    ("qtrans_only", "QTRANS", "Tracker", POSITION_ONLY),
    (
        "transform",
        "TRANSFORM",
        "ProbeToTracker",
        {"matrix": {"dtype": "float64", "shape": [4, 4], "values": MATRIX}},
    ),
    ("tdata", "TDATA", "Tracker", {"items": TRANSFORM_ITEMS}),
    ("tdata_empty", "TDATA", "Tracker", {"items": []}),
    ("tdata_types", "TDATA", "Tracker", {"items": of_unknown_types(TRANSFORM_ITEMS[0])}),
    ("stt_tdata", "STT_TDATA", "Tracker", START),
    ("stt_tdata_unusual", "STT_TDATA", "Tracker", START_UNUSUAL),
    ("stp_tdata", "STP_TDATA", "Tracker", {"data_type": "TDATA", **STOP}),
    ("rts_tdata", "RTS_TDATA", "Tracker", {"status": 0}),
    ("rts_tdata_error", "RTS_TDATA", "Tracker", {"status": 1}),
    ("qtdata", "QTDATA", "Tracker", {"items": QUATERNION_ITEMS}),
    ("qtdata_empty", "QTDATA", "Tracker", {"items": []}),
    ("qtdata_types", "QTDATA", "Tracker", {"items": of_unknown_types(QUATERNION_ITEMS[0])}),
    ("stt_qtdata", "STT_QTDATA", "Tracker", START),
    ("stt_qtdata_unusual", "STT_QTDATA", "Tracker", START_UNUSUAL),
    ("stp_qtdata", "STP_QTDATA", "Tracker", {"data_type": "QTDATA", **STOP}),
    ("rts_qtdata", "RTS_QTDATA", "Tracker", {"status": 0}),
    ("rts_qtdata_error", "RTS_QTDATA", "Tracker", {"status": 1}),
]


def pack_position(fields: Fields) -> bytes:
    """Return x, y, z and the numbers that there are of the quaternion."""
    numbers = fields["position"] + fields["quaternion"]
    return struct.pack(f">{len(numbers)}f", *numbers)


def pack_transform(fields: Fields) -> bytes:
    """Return the first three rows, column by column."""
    values = fields["matrix"]["values"]
    return struct.pack(
        ">12f", *(values[4 * row + column] for column in range(4) for row in range(3))
    )


def pack_tdata(fields: Fields) -> bytes:
    """Return items of 70 bytes."""
    return b"".join(
        struct.pack(">20sBB12f", item["name"].encode(), item["type"], 0, *item["transform"])
        for item in fields["items"]
    )


def pack_qtdata(fields: Fields) -> bytes:
    """Return items of 50 bytes."""
    return b"".join(
        struct.pack(
            ">20sBB7f",
            item["name"].encode(),
            item["type"],
            0,
            *item["position"],
            *item["quaternion"],
        )
        for item in fields["items"]
    )


def pack_start(fields: Fields) -> bytes:
    """Return resolution and name of the coordinate system."""
    return struct.pack(">i32s", fields["resolution"], fields["coordinate_name"].encode())


def pack_stop(fields: Fields) -> bytes:
    """Return nothing."""
    return bytes.fromhex(fields["content"])


def pack_return(fields: Fields) -> bytes:
    """Return the status."""
    return bytes([fields["status"]])


PACKERS = {
    "POSITION": pack_position,
    "QTRANS": pack_position,
    "TRANSFORM": pack_transform,
    "TDATA": pack_tdata,
    "QTDATA": pack_qtdata,
    "STT_TDATA": pack_start,
    "STT_QTDATA": pack_start,
    "STP_TDATA": pack_stop,
    "STP_QTDATA": pack_stop,
    "RTS_TDATA": pack_return,
    "RTS_QTDATA": pack_return,
}
