"""IMAGE and IMGMETA."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

# A whole second: the C++ library keeps such times as nanoseconds, which cuts their fraction.
SCAN_TIME = 1715934600 << 32

# Number on the wire and code of struct.
SCALAR_TYPES = {
    "int8": (2, "b"),
    "uint8": (3, "B"),
    "int16": (4, "h"),
    "uint16": (5, "H"),
    "int32": (6, "i"),
    "uint32": (7, "I"),
    "float32": (10, "f"),
    "float64": (11, "d"),
}

ITEMS = [
    {
        "name": "CT of the head, axial, 0.75 mm",
        "id": "IMAGE_0",
        "modality": "CT",
        "patient_name": "Doe^Jane",
        "patient_id": "4711",
        "scan_time": SCAN_TIME,
        "size": [512, 511, 300],
        "scalar_type": 5,
    },
    {  # each text fills its field: there is no NUL at its end
        "name": "N" * 64,
        "id": "I" * 20,
        "modality": "M" * 32,
        "patient_name": "P" * 64,
        "patient_id": "Q" * 64,
        "scan_time": 0,
        "size": [65535, 0, 1],
        "scalar_type": 11,
    },
]


def matrix(*rows: list[float]) -> Fields:
    """Return an image's matrix: i, j and k axis, and the center, in columns."""
    return {"dtype": "float64", "shape": [3, 4], "values": [x for row in rows for x in row]}


def image(dtype: str, shape: list[int], values: list[float], **others: Any) -> Fields:
    """Return the fields of an image; those that are not given are the plainest."""
    fields = {
        "pixels": {"dtype": dtype, "shape": shape, "values": values},
        "matrix": matrix([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]),
        "coordinates": 1,
        "big_endian": False,
        "size": None,
        "offset": [0, 0, 0],
    }
    return {**fields, **others}


IMAGE = image(
    "uint16",
    [2, 3, 4],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 65535] * 2,
    matrix=matrix([0.0, -0.5, 0.0, 10.5], [0.25, 0.0, 0.0, -20.0], [0.0, 0.0, 2.0, 30.0]),
)

# Two slices of five, of a vector image.
SUBVOLUME = image(
    "int16",
    [2, 1, 2, 3],
    [-1, 2, -3, 4, -5, 6, 127, 128, -129, -32768, 32767, 0],
    coordinates=2,
    big_endian=True,
    size=[4, 3, 5],
    offset=[1, 2, 3],
)

# Two voxels of each scalar type, in both byte orders.
EXTREMES = {
    "int8": [-128, 127],
    "uint8": [0, 255],
    "int16": [-32768, 32767],
    "uint16": [1, 65535],
    "int32": [-(1 << 31), (1 << 31) - 1],
    "uint32": [1, (1 << 32) - 1],
    "float32": [-0.15625, 3.4028234663852886e38],
    "float64": [0.1, -1.7976931348623157e308],
}

CONTENTS = [
    ("image_meta", "IMGMETA", "Database", {"items": ITEMS}),
    ("image_meta_empty", "IMGMETA", "", {"items": []}),
    ("image", "IMAGE", "IMAGE_0", IMAGE),
    ("subvolume", "IMAGE", "D" * 20, SUBVOLUME),
    *(
        (f"image_{dtype}_big", "IMAGE", "Größe", image(dtype, [1, 1, 2], values, big_endian=True))
        for dtype, values in EXTREMES.items()
    ),
    *(
        (f"image_{dtype}_little", "IMAGE", "Größe", image(dtype, [1, 2, 1], values))
        for dtype, values in EXTREMES.items()
    ),
]


def pack_image_meta(fields: Fields) -> bytes:
    """Return items of 260 bytes."""
    return b"".join(
        struct.pack(
            ">64s20s32s64s64sQ3HBB",
            *(item[key].encode() for key in ("name", "id", "modality")),
            *(item[key].encode() for key in ("patient_name", "patient_id")),
            item["scan_time"],
            *item["size"],
            item["scalar_type"],
            0,
        )
        for item in fields["items"]
    )


def pack_image(fields: Fields) -> bytes:
    """Return image header, 72 bytes, and pixels."""
    pixels = fields["pixels"]
    number, code = SCALAR_TYPES[pixels["dtype"]]
    k, j, i, *components = pixels["shape"]
    header = struct.pack(
        ">HBBBB3H12f3H3H",
        1,
        components[0] if components else 1,
        number,
        1 if fields["big_endian"] else 2,
        fields["coordinates"],
        *(fields["size"] or (i, j, k)),
        *(fields["matrix"]["values"][4 * row + column] for column in range(4) for row in range(3)),
        *fields["offset"],
        *(i, j, k),
    )
    byte_order = ">" if fields["big_endian"] else "<"
    values = pixels["values"]
    return header + struct.pack(f"{byte_order}{len(values)}{code}", *values)


PACKERS = {"IMGMETA": pack_image_meta, "IMAGE": pack_image}
