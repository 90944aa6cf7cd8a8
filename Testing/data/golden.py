"""The golden messages: bytes, and the fields they stand for (see ``make_golden``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from IGTLMetaBrowserLib import codec

FOLDER = Path(__file__).parent / "messages"
NAMES = sorted(file.stem for file in FOLDER.glob("*.bin"))


def golden_bytes(name: str) -> bytes:
    """Return the message of that name as it is on the wire."""
    return (FOLDER / f"{name}.bin").read_bytes()


def golden_fields(name: str) -> dict[str, Any]:
    """Return the fields of the message of that name, as ``plain`` gives them."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def plain(message: codec.Message) -> dict[str, Any]:
    """Return all fields of a message in terms of JSON.

    Numbers and enums are numbers, sequences lists, bytes are written in hexadecimal, and an array
    is an object of ``dtype``, ``shape`` and ``values`` in C order.
    """
    return {"type_name": message.type_name, **_plain(message)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return float(value) if isinstance(value, float) else int(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, np.ndarray):
        return _plain_array(value)
    if is_dataclass(value):
        return {name: _plain(field) for name, field in given_fields(value).items()}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value)} has no plain form yet")


def _plain_array(array: np.ndarray) -> dict[str, Any]:
    values = array.ravel()
    if values.dtype.kind == "c":  # the real and the imaginary part, by turns
        values = values.view(values.real.dtype)
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": values.tolist()}


def made_anew(message: codec.Message) -> codec.Message:
    """Return an equal message that was not unpacked: no list or array of it is a view of bytes."""
    own = given_fields(message).items()
    return type(message)(**{name: _copy(value) for name, value in own})


def given_fields(value: Any) -> dict[str, Any]:
    """The fields that a constructor takes; the content of some queries is made of them."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.init}


def _copy(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, tuple)):
        return list(value)
    return value
