"""Arrays in messages: what equals what, and what is an array at all."""

from __future__ import annotations

import numpy as np
import pytest

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.arrays import number_array


class TestEquality:
    def test_arrays_are_equal_by_type_shape_and_numbers(self):
        message = codec.NDArrayMessage(np.arange(6, dtype="i2").reshape(2, 3))
        assert message == codec.NDArrayMessage(np.arange(6, dtype="i2").reshape(2, 3))
        assert message != codec.NDArrayMessage(np.arange(6, dtype="i4").reshape(2, 3))
        assert message != codec.NDArrayMessage(np.arange(6, dtype="i2").reshape(3, 2))
        assert message != codec.NDArrayMessage(np.ones((2, 3), "i2"))

    def test_an_array_is_not_equal_to_what_is_none(self):
        # numpy would answer for each number, which is neither yes nor no.
        position = codec.PositionMessage((1.0, 2.0, 3.0))
        assert position != codec.PositionMessage(np.array([1.0, 2.0, 3.0]))
        assert codec.PositionMessage(np.array([1.0, 2.0, 3.0])) != position


class TestNumberArray:
    @pytest.mark.parametrize("values", [[], [1, 2], (1.5,), np.arange(3), 7])
    def test_of_numbers_is_one(self, values: object):
        assert np.array_equal(number_array(values, "iuf", "values"), values)

    @pytest.mark.parametrize("values", [None, [1, None], ["1"], [1j], [object()], b"1"])
    def test_of_what_are_no_numbers_is_refused(self, values: object):
        with pytest.raises(codec.EncodeError, match="the values are numbers, not"):
            number_array(values, "iuf", "values")

    def test_of_rows_of_several_lengths_is_refused(self):
        with pytest.raises(codec.EncodeError, match="the values are not an array"):
            number_array([[1], [2, 3]], "iuf", "values")
