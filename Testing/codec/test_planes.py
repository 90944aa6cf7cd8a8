"""Slices as a viewer shows them."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec.planes import Direction, PlaneAxes, as_colors, as_gray, shrunk

# What goes to the right, up, and towards who looks, in RAS: Slicer's orientation presets.
PRESETS = {
    Direction.AXIAL: ((-1, 0, 0), (0, 1, 0), (0, 0, 1)),
    Direction.SAGITTAL: ((0, -1, 0), (0, 0, 1), (-1, 0, 0)),
    Direction.CORONAL: ((-1, 0, 0), (0, 0, 1), (0, 1, 0)),
}


def grids():
    """All ways in which the axes i, j, k can lie along R, A, S, and one that is tilted."""
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        matrix = np.zeros((4, 4))
        for column, (row, sign) in enumerate(zip(order, signs, strict=True)):
            matrix[row, column] = sign * (column + 1)
        matrix[3, 3] = 1
        yield matrix
    tilted, angle = np.eye(4), 0.6
    tilted[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    yield tilted


@pytest.mark.parametrize("direction", Direction)
def test_slices_look_as_in_slicers_slice_views_however_the_axes_lie(direction):
    """Each voxel has its own RAS position as its components: neighbors say where right is."""
    for matrix in grids():
        index = np.stack(np.meshgrid(*map(range, (3, 3, 3)), indexing="ij")[::-1], axis=-1)
        positions = index @ matrix[:3, :3].T  # of shape (k, j, i, 3)
        axes = PlaneAxes.of(matrix, direction)
        plane, behind = axes.plane(positions, 0), axes.plane(positions, 1)
        right, up, towards = PRESETS[direction]
        width, height = axes.pixel_size
        assert (plane[0, 1] - plane[0, 0]) @ right > 0.7 * width
        assert (plane[0, 0] - plane[1, 0]) @ up > 0.7 * height
        assert (behind[0, 0] - plane[0, 0]) @ towards > 0.5


def test_a_large_slice_becomes_the_means_of_its_blocks():
    plane = np.arange(300 * 5, dtype=np.int16).reshape(300, 5)
    small, (right, down) = shrunk(plane, 128)
    assert (small.shape, right, down) == ((100, 5), 1, 3)
    assert small[0].tolist() == [5, 6, 7, 8, 9]
    colors = np.full((256, 256, 3), (9, 8, 7), np.uint8)
    assert (shrunk(colors, 128)[0] == (9, 8, 7)).all()


def test_of_a_very_large_slice_not_all_pixels_are_looked_at():
    plane = np.zeros((4096, 2048, 3), np.uint8)
    plane[1::32], plane[:, 1::16] = 100, 100  # beside the first row and column of each block
    small, _ = shrunk(plane, 128)
    assert small.shape == (128, 128, 3)
    assert not small.any()


def test_a_small_slice_stays_as_it_is():
    plane = np.zeros((128, 1), np.int16)
    assert shrunk(plane, 128) == (plane, (1, 1))


def test_grays_go_from_the_lower_to_the_upper_end_of_the_window():
    plane = np.array([[-1000, -135, 40, 215, 3000]], np.int16)
    assert as_gray(plane, 350, 40).tolist() == [[0, 0, 127, 255, 255]]
    assert as_gray(plane, 350, 40, is_inverted=True).tolist() == [[255, 255, 128, 0, 0]]


def test_what_is_not_a_number_is_black():
    plane = np.array([[np.nan, np.inf, -np.inf, 0]], np.float32)
    assert as_gray(plane, 2, 0).tolist() == [[0, 255, 0, 127]]


def test_colors_are_kept_and_of_vectors_the_first_component_is_shown():
    colors = np.zeros((2, 2, 4), np.uint8)
    colors[..., 0] = 200
    assert as_colors(colors).shape == (2, 2, 3)
    assert as_colors(np.ones((2, 2, 3), np.float32)).tolist() == [[1, 1], [1, 1]]
