"""An image of which the parts come one by one, and slices are so large that no turn can copy one.

What a turn does is counted, not timed: the voxels that it writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from helpers.part_peers import TAG, part_of
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.net.client import partial_image
from IGTLMetaBrowserLib.net.client.partial_image import Box, PartialImage

PIECE = 64 << 10  # bytes
SIZE = (500, 300, 3)  # 300 kB a slice
STRIDE = (7, 5, 2)
UNTOUCHED = 65_535

Grid = tuple[int, int, int]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial_image, "_PIECE", PIECE)


@pytest.fixture(params=[1, 3], ids=["scalar", "vector"])
def image(request: pytest.FixtureRequest) -> codec.ImageMessage:
    """An image with other numbers in all places."""
    i, j, k = SIZE
    components = request.param
    pixels = (np.arange(i * j * k * components, dtype=np.uint32) % 65_521).astype(np.uint16)
    shape = (k, j, i) if components == 1 else (k, j, i, components)
    return codec.ImageMessage(pixels.reshape(shape), device_name="A")


def part(
    image: codec.ImageMessage, start: Grid, size: Grid, stride: Grid = (1, 1, 1)
) -> codec.ImagePartMessage:
    query = codec.GetImagePartMessage(start, size, stride, device_name="A")
    part = part_of(image, query, TAG)
    part.components = image.components
    part.data = np.ascontiguousarray(image.pixels[part.slices()], "<u2").tobytes()
    return part


@pytest.fixture
def partial(image: codec.ImageMessage) -> PartialImage:
    """The image of which only some voxels have come."""
    first = part(image, (0, 0, 0), SIZE, STRIDE)
    partial = PartialImage(first, Box((0, 0, 0), SIZE), 1 << 30)
    partial.pixels[...] = UNTOUCHED
    return partial


def slab(image: codec.ImageMessage, first: int, count: int) -> codec.ImagePartMessage:
    return part(image, (0, 0, first), (*SIZE[:2], count))


def most_bytes_a_turn(
    partial: PartialImage, turn: Callable[[float], None], is_done: Callable[[], bool]
) -> int:
    """Take turns that have no time until it is done; return what the largest has written."""
    most = 0
    while not is_done():
        before = partial.pixels.copy()
        turn(0.0)
        most = max(most, 2 * np.count_nonzero(partial.pixels != before))
    return most


def test_no_turn_fills_more_than_a_piece(partial: PartialImage):
    assert 0 < most_bytes_a_turn(partial, partial.fill, lambda: partial.is_filled) <= PIECE
    assert not partial.is_whole


def test_the_nearest_voxel_stands_for_those_that_have_not_come(
    partial: PartialImage, image: codec.ImageMessage
):
    partial.fill(math.inf)
    k, j, i = (
        np.minimum((np.arange(count) + step // 2) // step, -(-count // step) - 1) * step
        for count, step in zip(SIZE[::-1], STRIDE[::-1], strict=True)
    )
    assert np.array_equal(partial.pixels, image.pixels[np.ix_(k, j, i)])


def test_no_turn_writes_more_than_a_piece(partial: PartialImage, image: codec.ImageMessage):
    partial.write(slab(image, 0, 3))
    turns = most_bytes_a_turn(partial, partial.write_some, lambda: not partial.slabs_to_write)
    assert 0 < turns <= PIECE
    assert np.array_equal(partial.pixels, image.pixels)


def test_voxels_of_the_other_byte_order_are_swapped_in_pieces(
    partial: PartialImage, image: codec.ImageMessage
):
    swapped = slab(image, 0, 3)
    swapped.big_endian, swapped.data = True, image.pixels.astype(">u2").tobytes()
    partial.write(swapped)
    turns = most_bytes_a_turn(partial, partial.write_some, lambda: not partial.slabs_to_write)
    assert 0 < turns <= PIECE
    assert np.array_equal(partial.pixels, image.pixels)


def test_an_image_is_not_whole_before_the_last_voxel_is_written(
    partial: PartialImage, image: codec.ImageMessage
):
    partial.write(slab(image, 0, 3))
    while partial.slabs_to_write:
        assert partial.is_all_here
        assert not partial.is_whole
        assert partial.fraction == 0
        partial.write_some(0.0)
    assert partial.is_whole


def test_what_comes_while_its_slice_is_filled_is_not_written_over(
    partial: PartialImage, image: codec.ImageMessage
):
    partial.fill(0.0)  # some of the first slice
    partial.write(slab(image, 0, 1))
    partial.write_some(0.0)
    partial.fill(math.inf)
    assert not partial.is_filled  # voxels of the first slice are neither written nor stood for
    partial.write_some(math.inf)
    assert partial.is_filled
    assert np.array_equal(partial.pixels[0], image.pixels[0])
    assert not (partial.pixels == UNTOUCHED).any()
