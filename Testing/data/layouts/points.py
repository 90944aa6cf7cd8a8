"""POINT."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

ITEMS = [
    {
        "name": "Nasion, 鼻根",
        "group": "Landmark",
        "rgba": [255, 128, 0, 200],
        "position": [-41.5, 80.25, 62.0],
        "diameter": 2.5,
        "owner": "IMAGE_0",
    },
    {  # each text fills its field: there is no NUL at its end
        "name": "N" * 64,
        "group": "G" * 32,
        "rgba": [0, 0, 0, 0],
        "position": [0.0, -123456.0, 0.125],
        "diameter": 0.0,
        "owner": "O" * 20,
    },
]

CONTENTS = [
    ("points", "POINT", "Pointer", {"items": ITEMS}),
    ("points_empty", "POINT", "Pointer", {"items": []}),
]


def pack_points(fields: Fields) -> bytes:
    """Return items of 136 bytes."""
    return b"".join(
        struct.pack(
            ">64s32s4B3ff20s",
            item["name"].encode(),
            item["group"].encode(),
            *item["rgba"],
            *item["position"],
            item["diameter"],
            item["owner"].encode(),
        )
        for item in fields["items"]
    )


PACKERS = {"POINT": pack_points}
