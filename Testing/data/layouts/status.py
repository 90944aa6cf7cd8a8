"""STATUS."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

STATUS = {
    "code": 4,
    "subcode": -0x123456789ABCDEF,
    "error_name": "NotFound",
    "message": "IMAGE_9 is not in the database",
}
FULL = {
    "code": 19,
    "subcode": 0x7FFFFFFFFFFFFFFF,
    "error_name": "E" * 20,  # fills its field: there is no NUL at its end
    "message": "Gerät nicht bereit",
}
UNUSUAL = {"code": 999, "subcode": -1, "error_name": "\N{DEGREE SIGN}", "message": "?"}
OK = {"code": 1, "subcode": 0, "error_name": "", "message": ""}

CONTENTS = [
    ("status", "STATUS", "Device", STATUS),
    ("status_full", "STATUS", "Device", FULL),
    ("status_unusual", "STATUS", "Device", UNUSUAL),
    ("status_ok", "STATUS", "Device", OK),
]


def pack_status(fields: Fields) -> bytes:
    """Return code, subcode, error name, and the message with a NUL at its end."""
    error_name = fields["error_name"].encode()
    message = fields["message"].encode() + b"\0"
    return struct.pack(">Hq20s", fields["code"], fields["subcode"], error_name) + message


PACKERS = {"STATUS": pack_status}
