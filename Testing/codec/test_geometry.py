"""LPS and RAS, and axes that are not at right angles."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib.codec.geometry import flip_lps_ras, flip_matrix_lps_ras, sheared_axes


def test_left_and_right_and_front_and_back_change_places():
    assert flip_lps_ras((1.0, 2.0, 3.0)) == (-1.0, -2.0, 3.0)
    assert flip_lps_ras(flip_lps_ras((1.0, 2.0, 3.0))) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 4), (4, 4)])
def test_a_matrix_that_maps_to_lps_maps_to_ras(shape):
    matrix = np.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    flipped = flip_matrix_lps_ras(matrix)
    assert (flipped[:2] == -matrix[:2]).all()
    assert (flipped[2:] == matrix[2:]).all()
    assert (flip_matrix_lps_ras(flipped) == matrix).all()


def test_the_matrix_that_is_flipped_stays_as_it_was_and_zeros_have_no_sign():
    matrix = np.eye(4)
    flipped = flip_matrix_lps_ras(matrix)
    assert (matrix == np.eye(4)).all()
    assert not np.signbit(flipped[flipped == 0]).any()


ROTATED = np.linalg.qr(np.array([[-0.9, 0.2, 0.3], [0.3, -0.8, 0.2], [0.1, 0.3, 1.0]]))[0]


def test_axes_at_right_angles_are_not_sheared_however_they_are_turned_and_scaled():
    assert sheared_axes(ROTATED * [0.5, 2.0, 300.0]) == {}
    assert sheared_axes((ROTATED * [0.5, 2.0, 300.0]).astype(np.float32)) == {}
    assert sheared_axes(np.round(ROTATED, 4)) == {}


def test_a_gantry_that_is_tilted_shears_two_axes():
    tilt = np.radians(75)
    matrix = np.array([[1, 0, 0], [0, 1, 5 * np.cos(tilt)], [0, 0, 5 * np.sin(tilt)]])
    assert sheared_axes(matrix) == {"jk": pytest.approx(75)}
    assert sheared_axes(ROTATED @ matrix) == {"jk": pytest.approx(75)}
    assert sheared_axes(matrix * [1, -1, 1]) == {"jk": pytest.approx(105)}
