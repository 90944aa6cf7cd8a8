"""IMGPART, GET_IMGPART and IMGTHUMB."""

from __future__ import annotations

import struct
import zlib
from typing import Any

Fields = dict[str, Any]

TAG = "0123456789abcdef" * 2

MATRIX = {
    "dtype": "float64",
    "shape": [3, 4],
    "values": [0.0, -0.5, 0.0, 10.5, 0.25, 0.0, 0.0, -20.0, 0.0, 0.0, 2.0, 30.0],
}
VOXELS = [-1000, 30, 31, 29, -32768, 32767, 0, 1]


def part(data: bytes, **others: Any) -> Fields:
    """Return the fields of a part; those that are not given are the plainest."""
    fields = {
        "data": data.hex(),
        "scalar_type": 4,
        "image_size": [9, 4, 5],
        "start": [1, 0, 3],
        "size": [7, 1, 2],
        "stride": [2, 1, 1],
        "tag": TAG,
        "components": 1,
        "encoding": 0,
        "matrix": MATRIX,
        "coordinates": 1,
        "big_endian": False,
    }
    return {**fields, **others}


def encoded(values: list[int]) -> bytes:
    """Return 16-bit voxels as encoding 1 has them, computed one by one."""
    zigzag, before = [], 0
    for value in values:
        step = (value - before + 0x8000) % 0x10000 - 0x8000
        zigzag.append((step << 1 if step >= 0 else (-step << 1) - 1) & 0xFFFF)
        before = value
    planes = bytes(number & 0xFF for number in zigzag) + bytes(number >> 8 for number in zigzag)
    # A stream that needs no compressor's choice: the same bytes from each zlib.
    return zlib.compress(planes, 0)


COLORS = {"size": [2, 2, 1], "start": [0, 0, 0], "stride": [1, 1, 1], "image_size": [2, 2, 1]}

CONTENTS = [
    (
        "get_image_part",
        "GET_IMGPART",
        "IMAGE_0",
        {"start": [1, 0, 3], "size": [7, 0, 2], "stride": [2, 1, 1], "tag": TAG, "encodings": [1]},
    ),
    (
        "get_image_part_whole",
        "GET_IMGPART",
        "IMAGE_0",
        {"start": [0] * 3, "size": [0] * 3, "stride": [1] * 3, "tag": "", "encodings": []},
    ),
    ("image_part", "IMGPART", "IMAGE_0", part(struct.pack("<8h", *VOXELS))),
    (
        "image_part_big",
        "IMGPART",
        "IMAGE_0",
        part(struct.pack(">8h", *VOXELS), big_endian=True, coordinates=2, tag=""),
    ),
    ("image_part_encoded", "IMGPART", "IMAGE_0", part(encoded(VOXELS), encoding=1)),
    (
        "image_part_colors",
        "IMGPART",
        "Größe",
        part(bytes(range(12)), scalar_type=3, components=3, **COLORS),
    ),
    (
        "thumbnail",
        "IMGTHUMB",
        "IMAGE_0",
        {
            "planes": [
                {
                    "pixels": {"dtype": "uint8", "shape": [2, 3], "values": [0, 1, 2, 3, 4, 255]},
                    "pixel_size": [0.5, 0.75],
                },
                {
                    "pixels": {"dtype": "uint8", "shape": [1, 2], "values": [7, 8]},
                    "pixel_size": [1.0, 2.5],
                },
            ],
            "tag": TAG,
        },
    ),
    (
        "thumbnail_colors",
        "IMGTHUMB",
        "IMAGE_0",
        {
            "planes": [
                {
                    "pixels": {
                        "dtype": "uint8",
                        "shape": [1, 2, 3],
                        "values": [255, 0, 0, 0, 0, 255],
                    },
                    "pixel_size": [1.0, 1.0],
                }
            ],
            "tag": "",
        },
    ),
    ("thumbnail_empty", "IMGTHUMB", "IMAGE_0", {"planes": [], "tag": TAG}),
]


def pack_request(fields: Fields) -> bytes:
    """Return 54 bytes."""
    mask = sum(1 << number for number in fields["encodings"])
    numbers = (*fields["start"], *fields["size"], *fields["stride"])
    return struct.pack(">HH9H32s", 1, mask, *numbers, fields["tag"].encode())


def pack_part(fields: Fields) -> bytes:
    """Return the header of 112 bytes, and the voxels."""
    header = struct.pack(
        ">H6B12H12f32s",
        1,
        fields["components"],
        fields["scalar_type"],
        1 if fields["big_endian"] else 2,
        fields["coordinates"],
        fields["encoding"],
        0,
        *(*fields["image_size"], *fields["start"], *fields["size"], *fields["stride"]),
        *(fields["matrix"]["values"][4 * row + column] for column in range(4) for row in range(3)),
        fields["tag"].encode(),
    )
    return header + bytes.fromhex(fields["data"])


def pack_thumbnail(fields: Fields) -> bytes:
    """Return header, sizes and pixels."""
    planes = fields["planes"]
    is_color = any(len(plane["pixels"]["shape"]) == 3 for plane in planes)
    packed = struct.pack(">HBB32s", 1, 3 if is_color else 1, len(planes), fields["tag"].encode())
    for plane in planes:
        rows, columns = plane["pixels"]["shape"][:2]
        packed += struct.pack(">HHff", columns, rows, *plane["pixel_size"])
    return packed + b"".join(bytes(plane["pixels"]["values"]) for plane in planes)


PACKERS = {"GET_IMGPART": pack_request, "IMGPART": pack_part, "IMGTHUMB": pack_thumbnail}
