"""STRING."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

# What Python calls the encodings; None is one that nobody knows.
CODECS = {3: "ascii", 4: "latin-1", 17: "shift_jis", 106: "utf-8", 1013: "utf-16-be", 60000: None}

CONTENTS = [
    ("string_ascii", "STRING", "Console", {"string": "Needle at target", "encoding": 3}),
    ("string_utf8", "STRING", "Console", {"string": "Größe 頭部 🧠", "encoding": 106}),
    ("string_utf8_of_ascii", "STRING", "Console", {"string": "plain", "encoding": 106}),
    ("string_latin_1", "STRING", "Console", {"string": "Größe", "encoding": 4}),
    ("string_shift_jis", "STRING", "Console", {"string": "頭部", "encoding": 17}),
    ("string_utf16", "STRING", "Console", {"string": "頭部", "encoding": 1013}),
    (
        "string_unknown_encoding",
        "STRING",
        "Console",
        {"string": "Gr\udcf6\udcdfe", "encoding": 60000},
    ),
    ("string_not_ascii", "STRING", "Console", {"string": "Gr\udcf6\udcdfe", "encoding": 3}),
    ("string_empty", "STRING", "Console", {"string": "", "encoding": 3}),
]


def pack_string(fields: Fields) -> bytes:
    """Return encoding, length and text."""
    text, encoding = fields["string"], fields["encoding"]
    try:
        data = text.encode(CODECS[encoding] or "utf-8")
    except UnicodeEncodeError:  # bytes that are not in their encoding
        data = text.encode("utf-8", "surrogateescape")
    return struct.pack(">HH", encoding, len(data)) + data


PACKERS = {"STRING": pack_string}
