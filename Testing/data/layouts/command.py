"""COMMAND and RTS_COMMAND."""

from __future__ import annotations

import struct
from typing import Any

Fields = dict[str, Any]


def command(command_id: int, name: str, text: str, encoding: int) -> Fields:
    """Return the fields of a command, or of its answer."""
    return {"command_id": command_id, "name": name, "command": text, "encoding": encoding}


QUESTION = '<Command Name="RequestDeviceIDs" DeviceType="VirtualCapture" />'
FAILURE = '<CommandReply Name="GetImage" Status="FAIL" Error="no image" Message=""></CommandReply>'

CONTENTS = [
    ("command", "COMMAND", "PlusServer", command(5, "RequestDeviceIDs", QUESTION, 3)),
    ("command_empty", "COMMAND", "", command(0, "", "", 3)),
    ("command_full", "COMMAND", "Slicer", command(2**32 - 1, "N" * 128, "Größe: 画像", 106)),
    ("command_latin_1", "COMMAND", "Slicer", command(1, "Größe", "Größe", 4)),
    ("rts_command", "RTS_COMMAND", "PlusServer", command(5, "GetImage", FAILURE, 3)),
]

# Python's names of the encodings.
ENCODINGS = {3: "ascii", 4: "latin-1", 106: "utf-8"}


def pack_command(fields: Fields) -> bytes:
    """Return id, name, encoding, length and text."""
    text = fields["command"].encode(ENCODINGS[fields["encoding"]])
    header = fields["command_id"], fields["name"].encode(), fields["encoding"], len(text)
    return struct.pack(">I128sHI", *header) + text


PACKERS = {"COMMAND": pack_command, "RTS_COMMAND": pack_command}
