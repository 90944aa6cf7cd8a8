"""COLORT, and the same as COLORTABLE. Tables of 65536 entries are too large for this place."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

# By numpy's name and components: number on the wire and code of struct.
MAP_TYPES = {("uint8", 1): (3, "B"), ("uint16", 1): (5, "H"), ("uint8", 3): (19, "B")}


def table(dtype: str, components: int) -> Fields:
    """Return 256 colors, no two alike."""
    factor = 257 if dtype == "uint16" else 1
    channels = (lambda n: n, lambda n: 255 - n, lambda n: n * 7 % 256)[:components]
    values = [channel(entry) * factor for entry in range(256) for channel in channels]
    return {"colors": {"dtype": dtype, "shape": [256, components], "values": values}}


CONTENTS = [
    ("color_table_rgb", "COLORT", "IMAGE_0", table("uint8", 3)),
    ("color_table_uint8", "COLORT", "IMAGE_0", table("uint8", 1)),
    ("color_table_uint16", "COLORT", "IMAGE_0", table("uint16", 1)),
    ("color_table_long_name", "COLORTABLE", "IMAGE_0", table("uint8", 1)),
]


def pack_color_table(fields: Fields) -> bytes:
    """Return index type, map type and the table."""
    colors = fields["colors"]
    map_type, code = MAP_TYPES[colors["dtype"], colors["shape"][1]]
    return struct.pack(f">BB{len(colors['values'])}{code}", 3, map_type, *colors["values"])


PACKERS = {"COLORT": pack_color_table, "COLORTABLE": pack_color_table}
