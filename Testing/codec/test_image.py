"""IMAGE: the pixels and their layout on the wire. Where they lie is in test_image_geometry.py."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from codec.stream import content_of_image, frame, version_2_body
from IGTLMetaBrowserLib import codec

SCALAR_TYPES = {
    "int8": 2,
    "uint8": 3,
    "int16": 4,
    "uint16": 5,
    "int32": 6,
    "uint32": 7,
    "float32": 10,
    "float64": 11,
}


def pixels_of(dtype: str, *shape: int) -> np.ndarray:
    """Return an array with the smallest and the largest number of its type in it."""
    pixels = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    limits = np.finfo(dtype) if dtype.startswith("float") else np.iinfo(dtype)
    pixels.flat[0], pixels.flat[-1] = limits.min, limits.max
    return pixels


def round_trip(message: codec.ImageMessage) -> codec.ImageMessage:
    return codec.unpack(codec.pack(message))


class TestLayout:
    def test_header_and_pixels(self):
        message = codec.ImageMessage(
            np.arange(24, dtype=np.uint16).reshape(2, 3, 4),
            np.arange(12.0).reshape(3, 4),
            coordinates=codec.Coordinates.LPS,
        )
        content = codec.pack(message)[58:]
        assert content[0:6] == bytes((0, 1, 1, 5, 2, 2))  # version, components, type, endian, LPS
        assert content[6:12] == struct.pack(">3H", 4, 3, 2)
        # Column after column: three axes, then the center.
        assert content[12:60] == struct.pack(">12f", 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11)
        assert content[60:72] == struct.pack(">6H", 0, 0, 0, 4, 3, 2)
        assert content[72:] == struct.pack("<24H", *range(24))

    def test_i_is_the_fastest_index(self):
        data = frame("IMAGE", content_of_image(bytes(range(24)), size=(4, 3, 2)))
        pixels = codec.unpack(data).pixels
        assert pixels.shape == (2, 3, 4)
        assert pixels[0, 0].tolist() == [0, 1, 2, 3]
        assert pixels[1, 2, 3] == 23

    def test_components_are_interleaved(self):
        data = frame("IMAGE", content_of_image(bytes(range(24)), components=3))
        pixels = codec.unpack(data).pixels
        assert pixels.shape == (2, 2, 2, 3)
        assert pixels[0, 0, 1].tolist() == [3, 4, 5]


class TestPixels:
    @pytest.mark.parametrize("big_endian", [False, True])
    @pytest.mark.parametrize("components", [1, 3])
    @pytest.mark.parametrize(("dtype", "number"), SCALAR_TYPES.items())
    def test_each_type_in_both_byte_orders(
        self, dtype: str, number: int, components: int, big_endian: bool
    ):
        shape = (2, 3, 4) if components == 1 else (2, 3, 4, components)
        pixels = pixels_of(dtype, *shape)
        message = codec.ImageMessage(pixels, big_endian=big_endian)
        data = codec.pack(message)
        assert data[58 + 3] == number
        assert (
            data[58 + 72 :]
            == pixels.astype(pixels.dtype.newbyteorder(">" if big_endian else "<")).tobytes()
        )
        received = codec.unpack(data)
        assert received.pixels.dtype == np.dtype(dtype)
        assert received.pixels.dtype.isnative
        np.testing.assert_array_equal(received.pixels, pixels)
        assert received == message

    @pytest.mark.parametrize(
        "pixels",
        [
            pytest.param(np.arange(24, dtype=">u2").reshape(2, 3, 4), id="foreign byte order"),
            pytest.param(np.arange(24, dtype="u2").reshape(4, 3, 2).T, id="transposed"),
            pytest.param(np.arange(48, dtype="u2").reshape(2, 3, 8)[:, :, ::2], id="every second"),
            pytest.param(np.arange(24, dtype="u2").reshape(2, 3, 4)[::-1], id="reversed"),
        ],
    )
    def test_any_memory_layout_may_be_packed(self, pixels: np.ndarray):
        before = pixels.copy()
        np.testing.assert_array_equal(round_trip(codec.ImageMessage(pixels)).pixels, before)
        np.testing.assert_array_equal(pixels, before)

    def test_one_component_needs_no_fourth_axis(self):
        pixels = pixels_of("uint8", 2, 3, 4)
        received = round_trip(codec.ImageMessage(pixels[..., np.newaxis]))
        assert received.components == 1
        np.testing.assert_array_equal(received.pixels, pixels)

    def test_no_voxels_at_all(self):
        received = round_trip(codec.ImageMessage(np.zeros((0, 3, 4), np.int16)))
        assert received.pixels.shape == (0, 3, 4)

    @pytest.mark.parametrize("dtype", ["bool", "int64", "uint64", "float16", "complex64", "U1"])
    def test_types_that_openigtlink_has_not_are_refused(self, dtype: str):
        with pytest.raises(codec.EncodeError, match="convert them to one of int8, uint8"):
            codec.pack(codec.ImageMessage(np.zeros((1, 1, 1), dtype)))

    @pytest.mark.parametrize("pixels", [None, [[[1, 2]]], b"bytes"])
    def test_what_is_no_array_is_refused(self, pixels: object):
        with pytest.raises(codec.EncodeError, match="the pixels of IMAGE are an array, not"):
            codec.pack(codec.ImageMessage(pixels))

    @pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 2, 3, 4, 5)])
    def test_other_shapes_are_refused(self, shape: tuple[int, ...]):
        with pytest.raises(codec.EncodeError, match=r"\(k, j, i\) or \(k, j, i, components\)"):
            codec.pack(codec.ImageMessage(np.zeros(shape, np.uint8)))

    @pytest.mark.parametrize("shape", [(1, 1, 65536), (1, 1, 1, 256)])
    def test_sizes_that_do_not_fit_are_refused(self, shape: tuple[int, ...]):
        with pytest.raises(codec.EncodeError, match=r"not a whole number from [01] to (65535|255)"):
            codec.pack(codec.ImageMessage(np.zeros(shape, np.uint8)))


class TestViews:
    """A byte is copied at most once between the socket and the volume's memory."""

    def test_pixels_are_a_read_only_view_of_the_bytes(self):
        data = bytearray(codec.pack(codec.ImageMessage(pixels_of("uint8", 2, 3, 4))))
        pixels = codec.unpack(data).pixels
        assert np.shares_memory(pixels, np.frombuffer(data, np.uint8))
        assert not pixels.flags.writeable

    def test_bytes_are_never_changed(self):
        data = bytearray(
            codec.pack(codec.ImageMessage(pixels_of("int32", 2, 3, 4), big_endian=True))
        )
        before = bytes(data)
        codec.unpack(data)
        assert data == before

    @pytest.mark.parametrize("shift", range(8))
    def test_pixels_are_aligned_wherever_the_message_lies(self, shift: int):
        pixels = pixels_of("float64", 2, 3, 4)
        data = bytes(shift) + codec.pack(codec.ImageMessage(pixels))
        received = codec.unpack(memoryview(data)[shift:]).pixels
        assert received.flags.aligned
        np.testing.assert_array_equal(received, pixels)


class TestSubvolume:
    def test_is_a_part_of_the_image(self):
        message = codec.ImageMessage(pixels_of("uint8", 1, 2, 3), size=(6, 5, 4), offset=(3, 2, 1))
        received = round_trip(message)
        assert received == message
        assert received.is_subvolume
        assert received.whole_size == (6, 5, 4)
        assert received.subvolume_size == (3, 2, 1)
        assert received.offset == (3, 2, 1)

    def test_a_whole_image_is_none(self):
        received = round_trip(codec.ImageMessage(pixels_of("uint8", 1, 2, 3)))
        assert not received.is_subvolume
        assert received.size is None
        assert received.whole_size == received.subvolume_size == (3, 2, 1)

    @pytest.mark.parametrize(
        "place",
        [
            {"offset": (1, 0, 0)},
            {"size": (2, 2, 1)},
            {"size": (6, 5, 4), "offset": (4, 0, 0)},
            {"size": (6, 5, 4), "offset": (0, 0, 4)},
        ],
    )
    def test_that_lies_outside_of_the_image_is_refused(self, place: dict):
        with pytest.raises(codec.EncodeError, match="not part of an image"):
            codec.pack(codec.ImageMessage(pixels_of("uint8", 1, 2, 3), **place))

    @pytest.mark.parametrize("size", [[3, 2, 1], np.array([3, 2, 1])])
    def test_the_size_of_the_whole_may_be_any_row_of_numbers(self, size: object):
        message = codec.ImageMessage(pixels_of("uint8", 1, 2, 3), size=size)
        assert not message.is_subvolume
        assert message.whole_size == round_trip(message).whole_size == (3, 2, 1)

    @pytest.mark.parametrize(
        "place",
        [
            {"offset": (0, 0)},
            {"size": (9, 9)},
            {"offset": (-1, 0, 0)},
            {"offset": None},
            {"offset": (0, 0, "0")},
            {"size": 9},
            {"size": (9.0, 9.0, 9.0)},
        ],
    )
    def test_that_has_no_three_numbers_from_0_is_refused(self, place: dict):
        with pytest.raises(codec.EncodeError, match="of IMAGE"):
            codec.pack(codec.ImageMessage(pixels_of("uint8", 1, 2, 3), **place))


class TestVersion2:
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
    @pytest.mark.parametrize("extended_header_size", [12, 13, 16, 40])
    def test_pixels_behind_an_extended_header_of_any_size(
        self, dtype: str, extended_header_size: int
    ):
        pixels = pixels_of(dtype, 2, 2, 2)
        body = version_2_body(
            content_of_image(pixels.tobytes(), scalar_type=SCALAR_TYPES[dtype]),
            extended_header_size=extended_header_size,
            metadata_header=b"\0\1\0\1\0\3\0\0\0\1",
            metadata=b"kv",
        )
        message = codec.unpack(frame("IMAGE", body, version=2))
        np.testing.assert_array_equal(message.pixels, pixels)
        assert message.pixels.flags.aligned
        assert message.metadata == {"k": "v"}


class TestDamaged:
    """Each case says what is wrong with it."""

    @pytest.mark.parametrize(
        ("fields", "why"),
        [
            ({"version": 0}, "format version 0"),
            ({"version": 2}, "format version 2; 1 is known"),
            ({"components": 0}, "0 components"),
            ({"components": 2}, "has 16 bytes of pixels; 8 are there"),
            ({"scalar_type": 0}, "scalar type 0 is none of"),
            ({"scalar_type": 8}, "scalar type 8 is none of"),
            ({"scalar_type": 11}, "has 64 bytes of pixels; 8 are there"),
            ({"endian": 0}, "byte order 0"),
            ({"endian": 3}, "byte order 3"),
            ({"coordinates": 0}, "coordinates 0"),
            ({"coordinates": 3}, "coordinates 3"),
            ({"size": (3, 2, 2)}, "has 12 bytes of pixels; 8 are there"),
            ({"size": (2, 2, 1)}, "has 4 bytes of pixels; 8 are there"),
            ({"size": (65535, 65535, 65535)}, "has 281462092005375 bytes of pixels; 8 are there"),
            ({"offset": (1, 0, 0)}, "sends voxels 1 to 2 along i of an image that has 2"),
            ({"subvolume": (2, 3, 2)}, "sends voxels 0 to 2 along j of an image that has 2"),
            ({"size": (2, 2, 3), "subvolume": (2, 2, 1)}, "has 4 bytes of pixels; 8 are there"),
        ],
    )
    def test_is_an_error(self, fields: dict[str, Any], why: str):
        with pytest.raises(codec.DecodeError, match=why):
            codec.unpack(frame("IMAGE", content_of_image(bytes(8), **fields)))

    @pytest.mark.parametrize("length", [0, 1, 71])
    def test_of_less_than_a_header_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match=f"72 bytes are needed .* {length} are there"):
            codec.unpack(frame("IMAGE", bytes(length)))

    def test_the_same_image_undamaged_is_none(self):
        assert codec.unpack(frame("IMAGE", content_of_image(bytes(8)))).pixels.shape == (2, 2, 2)


class TestEquality:
    def test_looks_at_every_field(self):
        image = codec.ImageMessage(pixels_of("uint8", 1, 2, 3))
        same = codec.ImageMessage(pixels_of("uint8", 1, 2, 3))
        assert image == same
        same.pixels[0, 0, 0] += 1
        assert image != same
        for difference in (
            {"device_name": "other"},
            {"matrix": np.full((3, 4), 2.0)},
            {"coordinates": codec.Coordinates.LPS},
            {"big_endian": True},
        ):
            assert image != codec.ImageMessage(pixels_of("uint8", 1, 2, 3), **difference)

    def test_tells_types_apart(self):
        numbers = np.arange(6).reshape(1, 2, 3)
        images = [codec.ImageMessage(numbers.astype(dtype)) for dtype in ("u1", "i2")]
        assert images[0] != images[1]


class TestScalarType:
    @pytest.mark.parametrize(("dtype", "number"), SCALAR_TYPES.items())
    def test_numbers_and_numpy_types(self, dtype: str, number: int):
        assert codec.ScalarType(number).dtype == np.dtype(dtype)
        assert codec.ScalarType.of(dtype) == codec.ScalarType.of(np.dtype(dtype)) == number
        assert codec.ScalarType.of(np.dtype(dtype).newbyteorder()) == number
        assert codec.ScalarType.read(number) == number

    def test_there_are_no_others(self):
        assert sorted(codec.ScalarType) == sorted(SCALAR_TYPES.values())
