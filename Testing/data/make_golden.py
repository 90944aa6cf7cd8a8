"""Writes the golden messages: each a ``.bin`` with the bytes and a ``.json`` with its fields.

Made from the layout tables of the OpenIGTLink documents with ``struct`` alone, so that nothing of
the project's own codec checks itself. Those of header version 1 are byte for byte what the C++
library packs (``golden.cc`` and ``Testing/codec/test_golden.py``). To write them again::

    python Testing/data/make_golden.py
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent

Fields = dict[str, Any]

# 2024-05-17 08:30:00.75 UTC: the seconds, and three quarters of 2³².
TIMESTAMP = (1715934600 << 32) + (3 << 30)
# A whole second: the C++ library keeps such times as nanoseconds, which cuts their fraction.
SCAN_TIME = 1715934600 << 32
METADATA = {
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.45787841905188114249811977060352427",
    "Größe": "182 cm (ärztlich gemessen)",
    "Comment": "",
}

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

IMAGE_META_ITEMS = [
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

TRAJECTORY_ITEMS = [
    {
        "name": "Biopsy left",
        "group": "Trajectory",
        "type": 3,
        "rgba": [255, 128, 0, 200],
        "entry": [-41.5, 80.25, 62.0],
        "target": [-12.0, 9.5, 3.125],
        "diameter": 2.5,
        "owner": "IMAGE_0",
    },
    {
        "name": "T" * 64,
        "group": "G" * 32,
        "type": 2,
        "rgba": [0, 0, 0, 0],
        "entry": [0.0, 0.0, 0.0],
        "target": [1.0, -2.0, 0.5],
        "diameter": 0.0,
        "owner": "O" * 20,
    },
]

# As in codec.ImageMessage: pixels by k, j, i; size None where they are the whole image.
IMAGE = {
    "pixels": [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 65535]]] * 2,
    "scalar_type": "uint16",
    "big_endian": False,
    "coordinates": "RAS",
    "matrix": [[0.0, -0.5, 0.0, 10.5], [0.25, 0.0, 0.0, -20.0], [0.0, 0.0, 2.0, 30.0]],
    "size": None,
    "offset": [0, 0, 0],
}

# Two slices of five, of a vector image.
SUBVOLUME = {
    "pixels": [[[[-1, 2, -3], [4, -5, 6]]], [[[127, 128, -129], [-32768, 32767, 0]]]],
    "scalar_type": "int16",
    "big_endian": True,
    "coordinates": "LPS",
    "matrix": [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]],
    "size": [4, 3, 5],
    "offset": [1, 2, 3],
}

STATUS = {
    "code": 4,
    "subcode": -0x123456789ABCDEF,
    "error_name": "NotFound",
    "message": "IMAGE_9 is not in the database",
}

# File name without version, type name, device name, fields of the content.
CONTENTS: list[tuple[str, str, str, Fields]] = [
    ("image_meta", "IMGMETA", "Database", {"items": IMAGE_META_ITEMS}),
    ("trajectories", "TRAJ", "Planner", {"items": TRAJECTORY_ITEMS}),
    ("image", "IMAGE", "IMAGE_0", IMAGE),
    ("subvolume", "IMAGE", "D" * 20, SUBVOLUME),
    ("status", "STATUS", "Device", STATUS),
    ("get_image", "GET_IMAGE", "IMAGE_0", {"content": ""}),
    ("rts_image", "RTS_IMAGE", "IMAGE_0", {"content": "01"}),
]


def golden_messages() -> Iterator[tuple[str, Fields, bytes]]:
    """Yield file name, fields and bytes of each message."""
    for name, type_name, device_name, content in CONTENTS:
        header = {"type": type_name, "device_name": device_name, "timestamp": TIMESTAMP}
        version_1 = {"header_version": 1, "message_id": 0, "metadata": {}}
        version_2 = {"header_version": 2, "message_id": 0xDEADBEEF, "metadata": METADATA}
        for version in (version_1, version_2):
            fields = {**header, **version, **content}
            yield f"{name}_v{fields['header_version']}", fields, pack(fields)


def pack(fields: Fields) -> bytes:
    """Return header and body."""
    content = PACKERS[fields["type"]](fields)
    body = content if fields["header_version"] == 1 else pack_version_2(fields, content)
    header = struct.pack(
        ">H12s20sQQQ",
        fields["header_version"],
        fields["type"].encode(),
        fields["device_name"].encode(),
        fields["timestamp"],
        len(body),
        crc64(body),
    )
    return header + body


def pack_version_2(fields: Fields, content: bytes) -> bytes:
    """Return extended header, content, metadata header and metadata."""
    entries, texts = b"", b""
    for key, value in fields["metadata"].items():
        encoding = 3 if value.isascii() else 106
        entries += struct.pack(">HHI", len(key.encode()), encoding, len(value.encode()))
        texts += key.encode() + value.encode()
    metadata_header = struct.pack(">H", len(fields["metadata"])) + entries
    sizes = 12, len(metadata_header), len(texts)
    extended_header = struct.pack(">HHII", *sizes, fields["message_id"])
    return extended_header + content + metadata_header + texts


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


def pack_trajectories(fields: Fields) -> bytes:
    """Return items of 150 bytes."""
    return b"".join(
        struct.pack(
            ">64s32sbB4B3f3ff20s",
            item["name"].encode(),
            item["group"].encode(),
            item["type"],
            0,
            *item["rgba"],
            *item["entry"],
            *item["target"],
            item["diameter"],
            item["owner"].encode(),
        )
        for item in fields["items"]
    )


def pack_image(fields: Fields) -> bytes:
    """Return image header, 72 bytes, and pixels."""
    number, code = SCALAR_TYPES[fields["scalar_type"]]
    slices = fields["pixels"]
    first_voxel = slices[0][0][0]
    components = len(first_voxel) if isinstance(first_voxel, list) else 1
    subvolume = len(slices[0][0]), len(slices[0]), len(slices)
    values = list(flatten(slices))
    header = struct.pack(
        ">HBBBB3H12f3H3H",
        1,
        components,
        number,
        1 if fields["big_endian"] else 2,
        {"RAS": 1, "LPS": 2}[fields["coordinates"]],
        *(fields["size"] or subvolume),
        *(fields["matrix"][row][column] for column in range(4) for row in range(3)),
        *fields["offset"],
        *subvolume,
    )
    byte_order = ">" if fields["big_endian"] else "<"
    return header + struct.pack(f"{byte_order}{len(values)}{code}", *values)


def pack_status(fields: Fields) -> bytes:
    """Return code, subcode, error name, and the message with a NUL at its end."""
    error_name = fields["error_name"].encode()
    message = fields["message"].encode() + b"\0"
    return struct.pack(">Hq20s", fields["code"], fields["subcode"], error_name) + message


def pack_content(fields: Fields) -> bytes:
    """Return the content of a query, written in hexadecimal."""
    return bytes.fromhex(fields["content"])


PACKERS = {
    "IMGMETA": pack_image_meta,
    "TRAJ": pack_trajectories,
    "IMAGE": pack_image,
    "STATUS": pack_status,
    "GET_IMAGE": pack_content,
    "RTS_IMAGE": pack_content,
}


def flatten(values: Any) -> Iterator[float]:
    """Yield the numbers in nested lists, the last index fastest."""
    if isinstance(values, list):
        for value in values:
            yield from flatten(value)
    else:
        yield values


def crc64(data: bytes) -> int:
    """Return the CRC-64 bit by bit, straight from its definition."""
    crc = 0
    for byte in data:
        crc ^= byte << 56
        for _ in range(8):
            crc = (crc << 1) ^ (0x142F0E1EBA9EA3693 if crc >> 63 else 0)
    return crc


def main() -> None:
    """Write all files beside this one."""
    for name, fields, data in golden_messages():
        (FOLDER / f"{name}.bin").write_bytes(data)
        text = json.dumps(fields, indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
