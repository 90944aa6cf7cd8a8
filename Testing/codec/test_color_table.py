"""COLORT, and the same as COLORTABLE."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

GRAY = np.arange(256, dtype=np.uint8)[::-1].reshape(256, 1)
RGB = np.arange(768, dtype=np.uint16).reshape(256, 3).astype(np.uint8)
DEEP = (np.arange(256, dtype=np.uint16) * 257 + 1).reshape(256, 1)

# Colors, index type, map type.
TABLES = [
    (GRAY, 3, 3),
    (DEEP, 3, 5),
    (RGB, 3, 19),
    (np.tile(GRAY, (256, 1)), 5, 3),
    (np.tile(DEEP, (256, 1)), 5, 5),
    (np.tile(RGB, (256, 1)), 5, 19),
]


@pytest.mark.parametrize(("colors", "index_type", "map_type"), TABLES)
class TestEveryTable:
    def test_has_its_types_and_then_its_entries(
        self, colors: np.ndarray, index_type: int, map_type: int
    ):
        data = codec.pack(codec.ColorTableMessage(colors))[58:]
        big_endian = colors.astype(colors.dtype.newbyteorder(">"))
        assert data == bytes([index_type, map_type]) + big_endian.tobytes()

    def test_comes_back(self, colors: np.ndarray, index_type: int, map_type: int):
        message = codec.ColorTableMessage(colors, device_name="IMAGE_0")
        received = codec.unpack(codec.pack(message))
        assert received == message
        assert received.colors.shape == colors.shape
        assert received.colors.dtype == colors.dtype
        assert received.colors.dtype.isnative

    def test_may_be_written_from_any_memory(
        self, colors: np.ndarray, index_type: int, map_type: int
    ):
        expected = codec.pack(codec.ColorTableMessage(colors))
        fortran = np.asfortranarray(colors)
        swapped = colors.astype(
            colors.dtype.newbyteorder(">" if sys.byteorder == "little" else "<")
        )
        assert codec.pack(codec.ColorTableMessage(fortran)) == expected
        assert codec.pack(codec.ColorTableMessage(swapped)) == expected


def test_other_colors_are_another_table():
    assert codec.ColorTableMessage(GRAY) != codec.ColorTableMessage(GRAY[::-1])


def test_the_long_name_is_kept():
    data = frame("COLORTABLE", bytes([3, 3]) + GRAY.tobytes())
    message = codec.unpack(data)
    assert isinstance(message, codec.ColorTableMessage)
    assert np.array_equal(message.colors, GRAY)
    assert codec.pack(message) == data


def test_the_table_is_not_copied():
    data = codec.pack(codec.ColorTableMessage(RGB))
    assert np.shares_memory(codec.unpack(data).colors, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "COLORT ends within its index and map type"),
        (b"\3", "COLORT ends within its index and map type"),
        (bytes([4, 3]) + bytes(256), r"index type 4 and the map type 3; \[3, 5\] and \[3, 5, 19\]"),
        (bytes([3, 20]) + bytes(256), "index type 3 and the map type 20"),
        (bytes([3, 3]) + bytes(255), "ends within its table: 256 bytes are needed"),
        (bytes([5, 19]) + bytes(768), "ends within its table: 196608 bytes are needed"),
        (bytes([3, 3]) + bytes(257), "1 bytes more than its fields"),
    ],
)
def test_damaged_is_an_error(content: bytes, why: str):
    with pytest.raises(codec.DecodeError, match=why):
        codec.unpack(frame("COLORT", content))


@pytest.mark.parametrize(
    ("colors", "why"),
    [
        (GRAY.ravel(), "an array of two dimensions"),
        (GRAY.tolist(), "an array of two dimensions"),
        (None, "an array of two dimensions, not None"),
        (GRAY[:255], r"256 or 65536 colors .* not an array of uint8, shape \(255, 1\)"),
        (RGB.astype(np.uint16), r"not an array of uint16, shape \(256, 3\)"),
        (np.zeros((256, 4), np.uint8), r"shape \(256, 4\)"),
        (GRAY.astype(np.int16), "not an array of int16"),
        (GRAY.astype(float), "not an array of float64"),
    ],
)
def test_what_does_not_fit_is_refused(colors: object, why: str):
    with pytest.raises(codec.EncodeError, match=why):
        codec.pack(codec.ColorTableMessage(colors))
