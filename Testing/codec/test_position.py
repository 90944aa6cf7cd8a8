"""POSITION and QTRANS: a position and an orientation, in three forms."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

POSITION = (-41.5, 80.25, 62.0)
QUATERNION = (0.5, -0.5, 0.5, 0.5)


def unpacked(*numbers: float) -> codec.PositionMessage:
    return codec.unpack(frame("POSITION", struct.pack(f">{len(numbers)}f", *numbers)))


class TestForms:
    def test_of_28_bytes_has_the_whole_quaternion(self):
        message = codec.PositionMessage(POSITION, QUATERNION)
        assert codec.pack(message)[58:] == struct.pack(">7f", *POSITION, *QUATERNION)
        assert unpacked(*POSITION, *QUATERNION) == message

    def test_of_24_bytes_has_three_numbers_of_it(self):
        message = codec.PositionMessage(POSITION, QUATERNION[:3])
        assert codec.pack(message)[58:] == struct.pack(">6f", *POSITION, *QUATERNION[:3])
        assert unpacked(*POSITION, *QUATERNION[:3]) == message

    def test_of_12_bytes_has_none(self):
        message = codec.PositionMessage(POSITION, ())
        assert codec.pack(message)[58:] == struct.pack(">3f", *POSITION)
        assert unpacked(*POSITION) == message

    def test_is_packed_in_the_whole_form_if_nothing_else_is_said(self):
        assert codec.pack(codec.PositionMessage())[58:] == struct.pack(">7f", *[0] * 6, 1)

    @pytest.mark.parametrize("size", [0, 11, 13, 16, 27, 29, 32])
    def test_there_are_no_others(self, size: int):
        with pytest.raises(codec.DecodeError, match="POSITION has 12, 24 or 28 bytes"):
            codec.unpack(frame("POSITION", bytes(size)))

    def test_what_pyigtl_calls_position_is_refused(self):
        # A list of points with quaternions, of 152 bytes each.
        with pytest.raises(codec.DecodeError, match="152 are there"):
            codec.unpack(frame("POSITION", bytes(152)))


class TestOrientation:
    def test_is_the_quaternion_where_that_is_whole(self):
        assert codec.PositionMessage(POSITION, QUATERNION).orientation == QUATERNION

    def test_completes_three_numbers_to_the_length_of_1(self):
        assert unpacked(*POSITION, 0.5, -0.5, 0.5).orientation == (0.5, -0.5, 0.5, 0.5)

    def test_is_none_where_only_the_position_is_sent(self):
        assert unpacked(*POSITION).orientation == (0.0, 0.0, 0.0, 1.0)

    def test_is_a_half_turn_where_rounding_made_three_numbers_too_long(self):
        # The library takes this for is not a rotation.
        message = unpacked(*POSITION, 0.8, 0.6, 1e-4)
        assert message.orientation[3] == 0.0
        assert np.allclose(message.to_matrix()[0, :2], [0.28, 0.96], atol=1e-3)


class TestMatrix:
    def test_turns_and_moves(self):
        # A quarter turn about k: what lies along i comes to lie along j.
        message = codec.PositionMessage((10.0, 20.0, 30.0), (0.0, 0.0, 0.5**0.5, 0.5**0.5))
        assert np.allclose(message.to_matrix() @ [5, 0, 0, 1], [10, 25, 30, 1])

    def test_there_and_back(self):
        message = codec.PositionMessage(POSITION, QUATERNION, device_name="Needle")
        again = codec.PositionMessage.from_matrix(message.to_matrix(), device_name="Needle")
        assert again == message

    def test_that_scales_is_refused(self):
        with pytest.raises(codec.EncodeError, match="more than turn and move"):
            codec.PositionMessage.from_matrix(np.diag([2.0, 2.0, 2.0, 1.0]))

    def test_of_a_quaternion_of_no_length_is_an_error(self):
        with pytest.raises(codec.GeometryError, match="is not a rotation"):
            unpacked(*POSITION, 0, 0, 0, 0).to_matrix()


@pytest.mark.parametrize(
    "fields",
    [
        {"position": (1.0, 2.0)},
        {"position": (1.0, 2.0, 3.0, 4.0)},
        {"position": None},
        {"position": (1.0, 2.0, None)},
        {"position": ("1", "2", "3")},
        {"position": (1e39, 0.0, 0.0)},  # more than a 32-bit float holds
        {"quaternion": None},
        {"quaternion": (1.0,)},
        {"quaternion": (0.0, 0.0, 0.0, 0.0, 1.0)},
        {"position": (1.0, 2.0, 3.0, 4.0, 5.0), "quaternion": (1.0, 2.0)},  # seven all the same
    ],
)
def test_what_does_not_fit_is_refused(fields: dict):
    with pytest.raises(codec.EncodeError, match="do not fit POSITION"):
        codec.pack(codec.PositionMessage(**fields))


def test_qtrans_is_the_same_under_its_other_name():
    message = codec.QuaternionTransformMessage(POSITION, QUATERNION)
    data = codec.pack(message)
    assert data[2:14] == b"QTRANS".ljust(12, b"\0")
    assert data[58:] == codec.pack(codec.PositionMessage(POSITION, QUATERNION))[58:]
    assert codec.unpack(data) == message
    assert isinstance(codec.unpack(data), codec.PositionMessage)


def test_infinities_pass_through():
    message = unpacked(*[float("inf"), float("-inf"), 0.0], 0, 0, 0, 1)
    assert message.position == (float("inf"), float("-inf"), 0.0)
    assert codec.unpack(codec.pack(message)) == message
