"""NDARRAY."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from codec.stream import feed, frame
from IGTLMetaBrowserLib import codec

NUMBERS = {
    "int8": 2,
    "uint8": 3,
    "int16": 4,
    "uint16": 5,
    "int32": 6,
    "uint32": 7,
    "float32": 10,
    "float64": 11,
    "complex128": 13,
}


def content_of(array: np.ndarray) -> bytes:
    return codec.pack(codec.NDArrayMessage(array))[58:]


def round_trip(array: np.ndarray) -> np.ndarray:
    return codec.unpack(codec.pack(codec.NDArrayMessage(array))).array


class TestLayout:
    def test_each_field_is_at_its_place(self):
        content = content_of(np.array([[1, 2, 3], [4, 5, 6]], np.int16))
        assert content[:2] == bytes([4, 2])
        assert content[2:6] == struct.pack(">2H", 2, 3)
        # In C order: the last index is the fastest.
        assert content[6:] == struct.pack(">6h", 1, 2, 3, 4, 5, 6)

    @pytest.mark.parametrize(("dtype", "number"), NUMBERS.items())
    def test_each_scalar_type(self, dtype: str, number: int):
        array = np.arange(6).reshape(3, 2).astype(dtype)
        assert content_of(array)[0] == number
        received = round_trip(array)
        assert received.dtype == dtype
        assert np.array_equal(received, array)

    def test_a_complex_number_has_its_real_part_first(self):
        assert content_of(np.array([1 - 2j]))[4:] == struct.pack(">2d", 1, -2)


class TestArray:
    @pytest.mark.parametrize("shape", [(1,), (4, 3, 2), (0, 65535), (1,) * 32])
    def test_of_any_shape(self, shape: tuple[int, ...]):
        assert round_trip(np.zeros(shape)).shape == shape

    @pytest.mark.parametrize("array", [np.arange(6.0).reshape(2, 3).T, np.arange(9.0)[::-2]])
    def test_its_layout_in_memory_makes_no_difference(self, array: np.ndarray):
        assert np.array_equal(round_trip(array), array)

    def test_of_the_other_byte_order_comes_back_in_the_native_one(self):
        received = round_trip(np.array([1, 2, 3], ">u4"))
        assert received.dtype.isnative
        assert received.tolist() == [1, 2, 3]

    def test_from_a_receiver_is_aligned_and_writable(self):
        # Its numbers begin 8 bytes behind the header: not at a multiple of their own size.
        message = codec.NDArrayMessage(np.ones((3, 1, 2), complex))
        (received,) = feed(codec.Receiver(), codec.pack(message))
        assert received == message
        assert received.array.flags.aligned
        assert received.array.flags.writeable

    def test_that_differs_in_type_or_numbers_makes_another_message(self):
        message = codec.NDArrayMessage(np.array([1, 2], np.uint8))
        assert message == codec.NDArrayMessage(np.array([1, 2], np.uint8))
        assert message != codec.NDArrayMessage(np.array([1, 2], np.int8))
        assert message != codec.NDArrayMessage(np.array([1, 3], np.uint8))


class TestRefused:
    @pytest.mark.parametrize(
        "array", [np.array([1], np.int64), np.array([True]), np.array(["1"]), None, [[1], [2, 3]]]
    )
    def test_what_no_scalar_type_holds(self, array: object):
        with pytest.raises(codec.EncodeError, match="NDARRAY"):
            content_of(array)

    @pytest.mark.parametrize("shape", [(), (65536,), (1, 65536)])
    def test_no_dimension_or_one_that_is_too_large(self, shape: tuple[int, ...]):
        with pytest.raises(codec.EncodeError, match="1 to 32 dimensions of up to 65535"):
            content_of(np.zeros(shape, np.uint8))

    @pytest.mark.skipif(np.__version__ < "2", reason="numpy 1 has no array of 33 dimensions")
    def test_too_many_dimensions(self):
        with pytest.raises(codec.EncodeError, match="1 to 32 dimensions"):
            content_of(np.zeros((1,) * 33))

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "ends within its header"),
            (b"\3", "ends within its header"),
            (b"\3\0", "has 0 dimensions; 1 to 32"),
            (b"\3\x21" + bytes(66), "has 33 dimensions; 1 to 32"),
            (b"\3\xff" + b"\0\1" * 255 + b"\0", "has 255 dimensions; 1 to 32"),
            (b"\0\1\0\1\0", "scalar type 0"),
            (b"\x0c\1\0\1\0", "scalar type 12"),
            (b"\3\2\0\1", "ends within its size"),
            (b"\3\1\0\2\0", "has 2 bytes of numbers; 1 are there"),
            (b"\3\1\0\2\0\0\0", "has 2 bytes of numbers; 3 are there"),
            (b"\x0d\1\0\1" + bytes(8), "has 16 bytes of numbers; 8 are there"),
            # 65535 to the power of 32: counted, not allocated
            (b"\3\x20" + b"\xff" * 64, "bytes of numbers; 0 are there"),
            # no numbers at all, but of a shape that no array has
            (b"\3\x20\0\0" + b"\xff" * 62, "cannot be held"),
        ],
    )
    def test_content(self, content: bytes, words: str):
        with pytest.raises(codec.DecodeError, match=words):
            codec.unpack(frame("NDARRAY", content))
