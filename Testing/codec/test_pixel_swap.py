"""Pixels of the other byte order, which are swapped while they arrive."""

from __future__ import annotations

import numpy as np
import pytest

from codec.stream import content_of_image, feed, feed_pieces, frame, version_2_body
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages.pixel_swap import PixelSwap

SIZE = (40, 30, 50)
HEADERS = [
    {"header_version": 1},
    {"header_version": 2, "metadata": {"key": "value", "another": "ü" * 33}, "message_id": 5},
]


def big_endian_image(dtype: str, **fields: object) -> codec.ImageMessage:
    pixels = np.random.default_rng(1).integers(0, 255, SIZE[::-1]).astype(dtype)
    return codec.ImageMessage(pixels * 3 + 7, big_endian=True, **fields)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32", "float64"])
@pytest.mark.parametrize("fields", HEADERS)
@pytest.mark.parametrize("piece_size", [57, 1000, 65_537, 1 << 30])
def test_however_the_stream_is_cut(dtype: str, fields: dict, piece_size: int):
    image = big_endian_image(dtype, **fields)
    data = codec.pack(image)
    [received] = feed(codec.Receiver(), data, piece_size)
    assert received == image
    assert received.pixels.dtype.isnative
    assert codec.pack(received) == data


def test_wherever_the_headers_are_cut():
    data = codec.pack(big_endian_image("uint16", header_version=2))
    for cut in range(56, 160):
        [received] = feed_pieces(codec.Receiver(), [data[:cut], data[cut:]])
        assert received.big_endian
        assert codec.pack(received) == data


def test_pixels_are_swapped_as_soon_as_they_are_there():
    body = bytearray(codec.pack(big_endian_image("uint16"))[58:])
    before = np.frombuffer(bytes(body), np.uint16, offset=72)
    pixels = np.frombuffer(body, np.uint16, offset=72)
    swap = PixelSwap(memoryview(body), 0)
    swap.update(71)
    swap.update(72 + 2001)  # a thousand pixels, and a byte of the next
    assert np.array_equal(pixels[:1000], before[:1000].byteswap())
    assert np.array_equal(pixels[1000:], before[1000:])


@pytest.mark.parametrize(
    "changes",
    [
        {"endian": 7},
        {"scalar_type": 99},
        {"components": 0},
        {"components": 255},  # more pixels than there are bytes
        {"size": (65535, 65535, 65535)},
        {"size": (60, 60, 10)},  # less
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_an_image_header_that_is_wrong_is_refused_and_the_stream_goes_on(
    changes: dict, version: int
):
    fields = {"endian": 1, "scalar_type": 5, "size": (60, 60, 30), **changes}
    body = content_of_image(bytes(60 * 60 * 30 * 2), **fields)
    if version == 2:
        body = version_2_body(body)
    status = codec.StatusMessage(message="still here")
    rejected, received = feed(
        codec.Receiver(), frame("IMAGE", body, version=version) + codec.pack(status), 5000
    )
    assert isinstance(rejected.error, codec.DecodeError)
    assert received == status
