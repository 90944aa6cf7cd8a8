"""Voxels compressed without loss."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.part_encoding import decode, encode, encode_in_pieces

SHAPES = [(1, 1, 1), (3, 4, 5), (2, 3, 4, 3), (0, 3, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scalar_type", codec.ScalarType)
def test_nothing_is_lost(scalar_type: codec.ScalarType, shape: tuple[int, ...]):
    dtype = scalar_type.dtype
    numbers = np.random.default_rng(1)
    data = numbers.bytes(int(np.prod(shape)) * dtype.itemsize)  # NaN among them
    voxels = np.frombuffer(data, dtype).reshape(shape)
    decoded = decode(encode(voxels), dtype, shape)
    assert (decoded.dtype, decoded.shape) == (dtype, shape)
    assert decoded.tobytes() == voxels.tobytes()


def test_strided_voxels_are_encoded_as_they_are_seen():
    voxels = np.arange(4 * 6 * 8, dtype=np.uint16).reshape(4, 6, 8)[::2, ::3, ::-1]
    assert np.array_equal(decode(encode(voxels), voxels.dtype, voxels.shape), voxels)


def test_noise_over_smooth_voxels_becomes_much_smaller():
    noise = np.random.default_rng(1).normal(0, 10, (4, 64, 64))
    voxels = (noise + np.arange(64) * 20).astype(np.int16)
    assert len(encode(voxels)) < 0.5 * voxels.nbytes


def test_large_voxels_come_in_pieces():
    voxels = np.zeros((16, 256, 256), np.int16)
    pieces = list(encode_in_pieces(voxels))
    assert len(pieces) >= 8
    assert np.array_equal(decode(b"".join(pieces), voxels.dtype, voxels.shape), voxels)
