"""LBMETA."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

ITEMS = [
    {
        "name": "Leber, Läsion",
        "id": "LABEL_0",
        "label": 1,
        "rgba": [255, 128, 0, 200],
        "size": [512, 511, 300],
        "owner": "IMAGE_0",
    },
    {  # each text fills its field: there is no NUL at its end
        "name": "N" * 64,
        "id": "I" * 20,
        "label": 255,
        "rgba": [0, 0, 0, 0],
        "size": [65535, 0, 1],
        "owner": "O" * 20,
    },
]

CONTENTS = [
    ("label_meta", "LBMETA", "Database", {"items": ITEMS}),
    ("label_meta_empty", "LBMETA", "Database", {"items": []}),
]


def pack_label_meta(fields: Fields) -> bytes:
    """Return items of 116 bytes."""
    return b"".join(
        struct.pack(
            ">64s20sBB4B3H20s",
            item["name"].encode(),
            item["id"].encode(),
            item["label"],
            0,
            *item["rgba"],
            *item["size"],
            item["owner"].encode(),
        )
        for item in fields["items"]
    )


PACKERS = {"LBMETA": pack_label_meta}
