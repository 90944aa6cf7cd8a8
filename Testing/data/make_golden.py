"""Writes the golden messages: each a ``.bin`` with the bytes and a ``.json`` with its fields.

Made from the layout tables of the OpenIGTLink documents with ``struct`` alone, so that nothing of
the project's own codec checks itself. Those of header version 1 are byte for byte what the C++
library packs, where it knows the type (``Testing/interop/test_exactness.py``). To write them
again::

    python Testing/data/make_golden.py

Each file in ``layouts`` is a family of types, and has

CONTENTS
    a list of name, type name, device name and fields of a message, as ``golden.plain`` gives them
PACKERS
    for each type name a function that returns a content's bytes
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(__file__).parent / "messages"
LAYOUTS = Path(__file__).parent / "layouts"

Fields = dict[str, Any]

# 2024-05-17 08:30:00.75 UTC: the seconds, and three quarters of 2³².
TIMESTAMP = (1715934600 << 32) + (3 << 30)
METADATA = {
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.45787841905188114249811977060352427",
    "Größe": "182 cm (ärztlich gemessen)",
    "Comment": "",
}
HEADERS: list[Fields] = [
    {"header_version": 1, "message_id": 0, "metadata": {}},
    {"header_version": 2, "message_id": 0xDEADBEEF, "metadata": METADATA},
]


def load_family(file: Path) -> ModuleType:
    """Import a file by its path, so that this script runs without any import path set."""
    spec = spec_from_file_location(f"layouts_{file.stem}", file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FAMILIES = {file.stem: load_family(file) for file in sorted(LAYOUTS.glob("*.py"))}


def golden_messages() -> Iterator[tuple[str, Fields, bytes]]:
    """Yield file name, fields and bytes of each message."""
    for family in FAMILIES.values():
        for name, type_name, device_name, content in family.CONTENTS:
            packed = family.PACKERS[type_name](content)
            sender = {"type_name": type_name, "device_name": device_name, "timestamp": TIMESTAMP}
            for header in HEADERS:
                fields = {**sender, **header, **content}
                yield f"{name}_v{header['header_version']}", fields, pack(fields, packed)


def pack(fields: Fields, content: bytes) -> bytes:
    """Return header and body."""
    body = content if fields["header_version"] == 1 else pack_version_2(fields, content)
    header = struct.pack(
        ">H12s20sQQQ",
        fields["header_version"],
        fields["type_name"].encode(),
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


def crc64(data: bytes) -> int:
    """Return the CRC-64 bit by bit, straight from its definition."""
    crc = 0
    for byte in data:
        crc ^= byte << 56
        for _ in range(8):
            crc = (crc << 1) ^ (0x142F0E1EBA9EA3693 if crc >> 63 else 0)
    return crc


def as_json(fields: Fields) -> bytes:
    """Return the fields as JSON, each list of numbers on one line."""
    text = json.dumps(fields, indent=2, ensure_ascii=False)
    number_list = r"\[\s+([-+.,\s\deEInfityNa]+?)\s+\]"
    text = re.sub(number_list, lambda match: f"[{' '.join(match[1].split())}]", text)
    # Bytes that are no UTF-8 are lone surrogates in a text, which JSON writes as \udcff.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def main() -> None:
    """Write the files that are not as they should be, and remove those of no message."""
    files = {}
    for name, fields, data in golden_messages():
        files[FOLDER / f"{name}.bin"] = data
        files[FOLDER / f"{name}.json"] = as_json(fields)
    FOLDER.mkdir(exist_ok=True)
    for file in set(FOLDER.iterdir()) - set(files):
        file.unlink()
    for file, content in files.items():
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)


if __name__ == "__main__":
    main()
