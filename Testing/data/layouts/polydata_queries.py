"""STT_POLYDATA, STP_POLYDATA and RTS_POLYDATA. (GET_POLYDATA is with the other queries.)"""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

CONTENTS = [
    ("stt_polydata", "STT_POLYDATA", "Skull", {"resolution": None}),
    ("stt_polydata_slow", "STT_POLYDATA", "Skull", {"resolution": 2**64 - 1}),
    ("stp_polydata", "STP_POLYDATA", "Skull", {"data_type": "POLYDATA", "content": ""}),
    ("rts_polydata", "RTS_POLYDATA", "Skull", {"status": 0}),
    ("rts_polydata_error", "RTS_POLYDATA", "Skull", {"status": 1}),
]


def pack_start(fields: Fields) -> bytes:
    """Return the resolution, if there is one."""
    resolution = fields["resolution"]
    return b"" if resolution is None else struct.pack(">Q", resolution)


def pack_stop(fields: Fields) -> bytes:
    """Return the content, written in hexadecimal."""
    return bytes.fromhex(fields["content"])


def pack_return(fields: Fields) -> bytes:
    """Return the status."""
    return struct.pack(">B", fields["status"])


PACKERS = {"STT_POLYDATA": pack_start, "STP_POLYDATA": pack_stop, "RTS_POLYDATA": pack_return}
