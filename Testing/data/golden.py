"""The golden messages: bytes that other software made, and the messages they stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from IGTLMetaBrowserLib import codec

FOLDER = Path(__file__).parent
NAMES = sorted(file.stem for file in FOLDER.glob("*.bin"))

_QUERIES = {"GET_": codec.GetMessage, "RTS_": codec.ReturnMessage}


def golden_bytes(name: str) -> bytes:
    """Return the message of that name as it was on the wire."""
    return (FOLDER / f"{name}.bin").read_bytes()


def golden_message(name: str) -> codec.Message:
    """Return the message that the ``.json`` beside the bytes describes."""
    fields = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    type_name = fields.pop("type")
    fields["timestamp"] = codec.Timestamp(fields["timestamp"])
    if type_name == "IMGMETA":
        items = [_image_meta_item(**item) for item in fields.pop("items")]
        return codec.ImageMetaMessage(items=items, **fields)
    if type_name == "TRAJ":
        items = [_trajectory_item(**item) for item in fields.pop("items")]
        return codec.TrajectoryMessage(items=items, **fields)
    if type_name == "IMAGE":
        return _image(**fields)
    if type_name == "STATUS":
        return codec.StatusMessage(**fields)
    content = bytes.fromhex(fields.pop("content"))
    return _QUERIES[type_name[:4]](type_name[4:], content=content, **fields)


def _image_meta_item(**fields: Any) -> codec.ImageMetaItem:
    fields["scan_time"] = codec.Timestamp(fields["scan_time"])
    fields["size"] = tuple(fields["size"])
    fields["scalar_type"] = codec.ScalarType(fields["scalar_type"])
    return codec.ImageMetaItem(**fields)


def _trajectory_item(**fields: Any) -> codec.TrajectoryItem:
    fields["type"] = codec.TrajectoryType(fields["type"])
    for key in ("rgba", "entry", "target"):
        fields[key] = tuple(fields[key])
    return codec.TrajectoryItem(**fields)


def _image(**fields: Any) -> codec.ImageMessage:
    fields["pixels"] = np.array(fields["pixels"], fields.pop("scalar_type"))
    fields["matrix"] = np.array(fields["matrix"])
    fields["coordinates"] = codec.Coordinates[fields["coordinates"]]
    fields["offset"] = tuple(fields["offset"])
    if fields["size"] is not None:
        fields["size"] = tuple(fields["size"])
    return codec.ImageMessage(**fields)
