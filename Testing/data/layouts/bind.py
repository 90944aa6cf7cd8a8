"""BIND, and the queries for it."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]

# As in make_golden: children have the time stamp of the BIND that they are in.
TIMESTAMP = (1715934600 << 32) + (3 << 30)


def child(device_name: str, **fields: Any) -> Fields:
    """Return a child; of its header, only the device name is its own."""
    header = {"timestamp": TIMESTAMP, "header_version": 1, "message_id": 0, "metadata": {}}
    return {"device_name": device_name, **header, **fields}


STRING = child("Größe", string="182 cm", encoding=3)
UNKNOWN = child("D" * 20, data_type="UNHEARD-OF", content="000102")
EMPTY = child("", string="", encoding=106)
NESTED = child("Inner", children=[UNKNOWN, EMPTY])

NAMES = [["TRANSFORM", "Needle"], ["GET_TRANSFOR", "D" * 20], ["", ""]]
# An odd number of bytes, 17 with the NULs; and none that the library finds too long.
SHORT_NAMES = [["TRANSFORM", "Needle"], ["IMAGE", "Größen"], ["", ""]]

CONTENTS = [
    ("bind", "BIND", "Patient", {"children": [STRING, UNKNOWN, EMPTY]}),
    ("bind_nested", "BIND", "Outer", {"children": [NESTED, EMPTY, NESTED]}),
    ("bind_empty", "BIND", "Patient", {"children": []}),
    ("get_bind", "GET_BIND", "Patient", {"children": NAMES, "is_padded": True}),
    ("get_bind_unpadded", "GET_BIND", "Patient", {"children": SHORT_NAMES, "is_padded": False}),
    ("get_bind_of_none", "GET_BIND", "Patient", {"children": [], "is_padded": True}),
    ("get_bind_of_all", "GET_BIND", "", {"children": None, "is_padded": True}),
    (
        "stt_bind",
        "STT_BIND",
        "Patient",
        {"resolution": 0x0123456789ABCDEF, "children": NAMES, "is_padded": True},
    ),
    (
        "stt_bind_unpadded",
        "STT_BIND",
        "Patient",
        {"resolution": 0, "children": SHORT_NAMES, "is_padded": False},
    ),
    (
        "stt_bind_of_all",
        "STT_BIND",
        "Patient",
        {"resolution": 0, "children": None, "is_padded": True},
    ),
    ("rts_bind", "RTS_BIND", "Patient", {"status": 1}),
]


def pack_bind(fields: Fields) -> bytes:
    """Return count, types and sizes, name table, and contents."""
    children = fields["children"]
    packed = [pack_child(child) for child in children]
    entries = (struct.pack(">12sQ", type_name, len(data)) for type_name, data in packed)
    names = pack_names([child["device_name"] for child in children], True)
    contents = (data + bytes(len(data) % 2) for _, data in packed)
    return struct.pack(">H", len(children)) + b"".join([*entries, names, *contents])


def pack_child(fields: Fields) -> tuple[bytes, bytes]:
    """Return type and content of a child, which is known by its fields."""
    if "children" in fields:
        return b"BIND", pack_bind(fields)
    if "data_type" in fields:
        return fields["data_type"].encode(), bytes.fromhex(fields["content"])
    data = fields["string"].encode()
    return b"STRING", struct.pack(">HH", fields["encoding"], len(data)) + data


def pack_names(names: list[str], is_padded: bool) -> bytes:
    """Return size and names, each with a NUL at its end."""
    table = b"".join(name.encode() + b"\0" for name in names)
    if is_padded and len(table) % 2:
        table += b"\0"
    return struct.pack(">H", len(table)) + table


def pack_get_bind(fields: Fields) -> bytes:
    """Return count, types and name table; or nothing, which asks for all."""
    children = fields["children"]
    if children is None:
        return b""
    types = b"".join(struct.pack("12s", type_name.encode()) for type_name, _ in children)
    names = pack_names([device_name for _, device_name in children], fields["is_padded"])
    return struct.pack(">H", len(children)) + types + names


def pack_stt_bind(fields: Fields) -> bytes:
    """Return the resolution, and the same as in GET_BIND."""
    return struct.pack(">Q", fields["resolution"]) + pack_get_bind(fields)


def pack_rts_bind(fields: Fields) -> bytes:
    """Return the status."""
    return struct.pack(">B", fields["status"])


PACKERS = {
    "BIND": pack_bind,
    "GET_BIND": pack_get_bind,
    "STT_BIND": pack_stt_bind,
    "RTS_BIND": pack_rts_bind,
}
