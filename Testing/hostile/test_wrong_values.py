"""Fields that hold what they cannot: a message is packed so that it can be read, or refused.

Only ``EncodeError`` may come out, whatever a caller puts where.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from data import golden
from IGTLMetaBrowserLib import codec

# What numpy warns of is a finding, too.
pytestmark = pytest.mark.filterwarnings("error")

# One golden message of each type that is not empty.
NAMES = {
    golden.golden_fields(name)["type_name"]: name
    for name in reversed(golden.NAMES)
    if name.endswith("_v1") and "empty" not in name
}
LISTS = ("items", "children", "attributes")
WRONG_TEXT = codec.EncodedText("text", 70_000, b"text")
NUMBERS = [True, -1, 3, 256, 1 << 16, 1 << 32, 1 << 64, 1 << 300, 0.5, 1e39, float("nan"), 1j]
TEXTS = ["", "x", "123", "é" * 300, "\ud800", "\udcff", "a\0b", WRONG_TEXT]
BYTES = [b"", b"abc", bytearray(3), memoryview(b"abcd"), memoryview(np.arange(4, dtype="u2"))]
ROWS = [(), [1], (1, 2, 3), (1.0,) * 12, [None] * 3, ["a"] * 4, [[1, 2], [3]], [(1, "a")], range(3)]
OTHERS = [None, {}, {"key": 5}, {"key": WRONG_TEXT}, {1: "value"}, set(), object(), int]
CELLS = [
    codec.CellArray(None, None),
    codec.CellArray([[1], [2, 3]], [1]),
    codec.CellArray([0, "1"], [1]),
    codec.CellArray([0, (1 << 63) - 1, -1 << 63, -1, 0, 1], [1]),  # their differences overflow
]
PARTS = [
    [codec.PolyDataAttribute(None, "name", np.zeros((1, 1)))],
    [codec.PolyDataAttribute(0, None, [[1], [2, 3]])],
    [codec.ChildName("IMAGE", None)],
    [codec.UnknownMessage("X", None)],
    [codec.GetMessage(None)],
    [codec.TrajectoryItem(rgba=None)],
    codec.Unit(99, None),
]
ARRAYS = [
    np.array(3),
    np.array([1]),
    np.zeros(12),
    np.eye(4),
    np.eye(3, 4, dtype=complex),
    np.full((3, 4), None),
    np.full((3, 4), "1"),
    np.full((3, 4), 1e39),
    np.zeros((2, 3, 4), ">u2"),
    np.zeros((2, 3, 4), "f4", "F"),
    np.zeros((4, 6, 8), "u1")[::2, ::2, ::-2],
    np.zeros((2, 2, 2), "f2"),
    np.zeros((2, 2, 2), bool),
    np.zeros((2, 2, 2), "M8[s]"),
    np.zeros((2, 2, 2, 0), "u1"),
    np.zeros((2, 2, 2, 256), "u1"),
    np.zeros((65536, 1, 1), "u1"),
    np.zeros(2, [("a", "i4")]),
    np.zeros((256, 1), ">u2"),
]
VALUES = [*NUMBERS, *TEXTS, *BYTES, *ROWS, *OTHERS, *CELLS, *PARTS, *ARRAYS]
# A truth value that is not yes or no is no wrong field, but a wrong program.
TRUTH_VALUES = ("big_endian", "is_padded")


def wrong_messages(name: str) -> Iterator[tuple[str, codec.Message]]:
    """Yield the message with each value in each field, and in each field of what is in a list."""
    for field in golden.given_fields(codec.unpack(golden.golden_bytes(name))):
        for value in VALUES if field not in TRUTH_VALUES else ():
            message = golden.made_anew(codec.unpack(golden.golden_bytes(name)))
            if field in ("metadata", "message_id"):
                message.header_version = 2
            setattr(message, field, value)
            yield f"{field} = {value!r}", message
    for list_name in LISTS:
        parts = getattr(codec.unpack(golden.golden_bytes(name)), list_name, None) or ()
        for field in fields(parts[0]) if parts and not isinstance(parts[0], tuple) else ():
            for value in VALUES if field.name not in TRUTH_VALUES else ():
                message = golden.made_anew(codec.unpack(golden.golden_bytes(name)))
                setattr(getattr(message, list_name)[0], field.name, value)
                yield f"{list_name}[0].{field.name} = {value!r}", message


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_wrong_value_is_refused_or_can_be_read(name: str):
    refused = packed = 0
    for what, message in wrong_messages(name):
        try:
            data = codec.pack(message)
        except codec.EncodeError:
            refused += 1
            continue
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} from {what}: {error}") from error
        packed += 1
        assert codec.pack(codec.unpack(data)) == data, what
    assert refused > packed > 0
