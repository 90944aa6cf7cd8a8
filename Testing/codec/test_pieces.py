"""Boxes of an array that can be copied in a turn each."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec.pieces import pieces

ARRAYS = {
    "a stack of small slices": np.zeros((30, 5, 4), np.uint16),
    "large slices": np.zeros((2, 30, 40), np.uint16),
    "long rows": np.zeros((2, 3, 5000), np.uint16),
    "voxels of many components": np.zeros((2, 3, 4, 100), np.float64),
    "every other row of a larger array": np.zeros((4, 60, 40), np.uint16)[:, ::2],
    "turned round": np.zeros((30, 40, 2), np.uint16).T,
    "read from the end": np.zeros((4, 30, 40), np.uint16)[::-1, ::-1],
    "one row": np.zeros(7000, np.uint8),
    "nothing": np.zeros((4, 0, 3), np.uint8),
}
MOST_BYTES = 1000


@pytest.mark.parametrize("array", ARRAYS.values(), ids=ARRAYS)
def test_each_element_is_in_one_piece_and_no_piece_is_large(array: np.ndarray):
    counts = np.zeros(array.shape, int)
    for piece in pieces(array, MOST_BYTES):
        assert array[piece].nbytes <= MOST_BYTES
        counts[piece] += 1
    assert (counts == 1).all()


def test_what_lies_between_the_elements_counts_as_it_is_read():
    every_100th = np.zeros((10, 100, 100), np.uint8)[:, :, ::100]
    assert len([*pieces(every_100th, MOST_BYTES)]) == 100
