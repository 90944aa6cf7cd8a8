"""CAPABILITY."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

TYPES = ["IMAGE", "GET_IMAGE", "TRANSFORM", "GET_TRANSFOR", ""]

CONTENTS = [
    ("capability", "CAPABILITY", "Device", {"types": TYPES}),
    ("capability_empty", "CAPABILITY", "Device", {"types": []}),
]


def pack_capability(fields: Fields) -> bytes:
    """Return type names of 12 bytes."""
    return b"".join(struct.pack("12s", name.encode()) for name in fields["types"])


PACKERS = {"CAPABILITY": pack_capability}
