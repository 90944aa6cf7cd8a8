"""Matrices and quaternions: one made of the other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.geometry import (
    checked_matrix,
    position_and_quaternion,
    quaternion_matrix,
)

HALF = math.sqrt(0.5)
NUMBERS = st.floats(-1e3, 1e3)
QUATERNIONS = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS).filter(lambda q: math.hypot(*q) > 1e-3)


def move(*position: float) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = position
    return matrix


class TestQuaternionMatrix:
    @pytest.mark.parametrize(
        ("quaternion", "rows"),
        [
            ((0, 0, 0, 1), [[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
            ((HALF, 0, 0, HALF), [[1, 0, 0], [0, 0, -1], [0, 1, 0]]),  # a quarter turn about i
            ((0, HALF, 0, HALF), [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]),  # about j
            ((0, 0, HALF, HALF), [[0, -1, 0], [1, 0, 0], [0, 0, 1]]),  # about k
            ((1, 0, 0, 0), [[1, 0, 0], [0, -1, 0], [0, 0, -1]]),  # a half turn about i
        ],
    )
    def test_of_known_turns(self, quaternion: tuple, rows: list):
        matrix = quaternion_matrix(quaternion, (1, 2, 3))
        assert np.allclose(matrix[:3, :3], rows)
        assert matrix[:, 3].tolist() == [1, 2, 3, 1]
        assert matrix[3].tolist() == [0, 0, 0, 1]

    def test_the_length_does_not_matter(self):
        assert np.allclose(quaternion_matrix((1, 2, 3, 4)), quaternion_matrix((2, 4, 6, 8)))

    @pytest.mark.parametrize("number", [0.0, math.inf, math.nan])
    def test_of_what_is_no_rotation_is_an_error(self, number: float):
        with pytest.raises(codec.GeometryError, match="is not a rotation"):
            quaternion_matrix((number, 0.0, 0.0, 0.0))

    @given(QUATERNIONS)
    def test_is_a_rotation(self, quaternion: tuple):
        turn = quaternion_matrix(quaternion)[:3, :3]
        assert np.allclose(turn.T @ turn, np.eye(3))
        assert np.linalg.det(turn) == pytest.approx(1)


class TestPositionAndQuaternion:
    @given(QUATERNIONS, st.tuples(NUMBERS, NUMBERS, NUMBERS))
    def test_make_the_matrix_again(self, quaternion: tuple, position: tuple):
        matrix = quaternion_matrix(quaternion, position)
        found_position, found = position_and_quaternion(matrix)
        assert found_position == position
        assert np.allclose(quaternion_matrix(found, position), matrix)
        assert math.hypot(*found) == pytest.approx(1)
        assert found[3] >= 0

    def test_of_float32_numbers(self):
        rounded = quaternion_matrix((1, 2, 3, 4)).astype(np.float32)
        _, quaternion = position_and_quaternion(rounded)
        assert np.allclose(quaternion, np.array([1, 2, 3, 4]) / math.sqrt(30), atol=1e-6)

    @pytest.mark.parametrize(
        "matrix",
        [
            np.diag([1.1, 1.0, 1.0, 1.0]),
            np.diag([-1.0, 1.0, 1.0, 1.0]),  # a mirror
            np.diag([0.0, 0.0, 0.0, 1.0]),
            np.eye(4) + np.eye(4, k=1) * [0, 1, 0, 0],  # a shear
            np.diag([math.nan, 1.0, 1.0, 1.0]),
        ],
    )
    def test_of_a_matrix_that_does_more_are_refused(self, matrix: np.ndarray):
        with pytest.raises(codec.EncodeError, match="more than turn and move"):
            position_and_quaternion(matrix)


class TestCheckedMatrix:
    def test_takes_lists_and_integers(self):
        matrix = checked_matrix([[1, 0, 0, 4], [0, 1, 0, 5], [0, 0, 1, 6], [0, 0, 0, 1]])
        assert matrix.dtype == np.float64
        assert np.array_equal(matrix, move(4, 5, 6))

    def test_is_a_copy(self):
        given_matrix = np.eye(4)
        checked_matrix(given_matrix)[0, 0] = 7
        assert given_matrix[0, 0] == 1

    @pytest.mark.parametrize(
        "matrix",
        [
            None,
            "1 0 0 0",
            1.0,
            np.eye(3),
            np.eye(3, 4),
            np.zeros((4, 4)),  # its last row is not 0 0 0 1
            np.full((4, 4), None),
            np.full((4, 4), "1"),
            np.eye(4) * 1j,
            [[1.0], [1.0, 2.0]],
        ],
        ids=str,
    )
    @pytest.mark.filterwarnings("ignore:Creating an ndarray from ragged")
    def test_refuses_what_is_none(self, matrix: object):
        with pytest.raises(codec.EncodeError, match="matrix"):
            checked_matrix(matrix)
