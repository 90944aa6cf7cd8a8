"""GET_, STT_, STP_ and RTS_, and a type that no protocol defines."""

from __future__ import annotations

from typing import Any

Fields = dict[str, Any]

# As the C++ library writes them, three of them cut.
GET = [
    "IMAGE",
    "IMGMETA",
    "LBMETA",
    "COLORT",
    "POINT",
    "TRAJ",
    "POLYDATA",
    "STATUS",
    "TRANS",
    "TRANSFOR",
    "CAPABIL",
    "VMETA",
]

CONTENTS = [
    *(
        (
            f"get_{data_type.lower()}",
            f"GET_{data_type}",
            "IMAGE_0",
            {"data_type": data_type, "content": ""},
        )
        for data_type in GET
    ),
    ("stt_image", "STT_IMAGE", "IMAGE_0", {"data_type": "IMAGE", "content": ""}),
    ("stp_image", "STP_IMAGE", "IMAGE_0", {"data_type": "IMAGE", "content": ""}),
    ("stp_bind", "STP_BIND", "", {"data_type": "BIND", "content": ""}),
    ("rts_image", "RTS_IMAGE", "IMAGE_0", {"data_type": "IMAGE", "content": "01"}),
    ("unknown", "UNHEARD-OF", "Device", {"data_type": "UNHEARD-OF", "content": "000102ff"}),
]


def pack_content(fields: Fields) -> bytes:
    """Return the content, written in hexadecimal."""
    return bytes.fromhex(fields["content"])


PACKERS = {type_name: pack_content for _, type_name, _, _ in CONTENTS}
