"""TRANSFORM: twelve numbers, column by column."""

from __future__ import annotations

import copy
import pickle
import struct

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

# Axes, then the position, as they follow each other on the wire.
CONTENT = struct.pack(">12f", 0, 1, 0, -1, 0, 0, 0, 0, 1, 10.5, -20, 30)
MATRIX = [[0, -1, 0, 10.5], [1, 0, 0, -20], [0, 0, 1, 30], [0, 0, 0, 1]]


def test_the_columns_follow_each_other():
    message = codec.unpack(frame("TRANSFORM", CONTENT, device_name=b"Needle"))
    assert message.device_name == "Needle"
    assert message.matrix.dtype == np.float64
    assert message.matrix.tolist() == MATRIX


def test_a_list_of_lists_is_packed_too():
    data = codec.pack(codec.TransformMessage(matrix=MATRIX, device_name="Needle"))
    assert data == frame("TRANSFORM", CONTENT, device_name=b"Needle")


def test_without_a_matrix_it_is_the_identity():
    assert codec.TransformMessage().matrix.tolist() == np.eye(4).tolist()
    assert codec.TransformMessage() == codec.unpack(codec.pack(codec.TransformMessage()))


def test_each_message_has_a_matrix_of_its_own():
    first, second = codec.TransformMessage(), codec.TransformMessage()
    first.matrix[0, 3] = 5
    received = codec.unpack(codec.pack(first))
    received.matrix[1, 3] = 6
    assert second.matrix.tolist() == np.eye(4).tolist()
    assert received.matrix[:3, 3].tolist() == [5, 6, 0]
    assert first.matrix[1, 3] == 0


def test_what_was_received_is_packed_printed_and_copied_like_any_other():
    data = frame("TRANSFORM", CONTENT)
    assert codec.pack(codec.unpack(data)) == data
    assert "10.5" in repr(codec.unpack(data))
    for copied in (
        copy.copy(codec.unpack(data)),
        copy.deepcopy(codec.unpack(data)),
        pickle.loads(pickle.dumps(codec.unpack(data))),
    ):
        assert copied == codec.unpack(data)


def test_numbers_that_are_not_finite_come_back():
    matrix = np.eye(4)
    matrix[0] = np.inf, -np.inf, np.nan, 1e-45
    received = codec.unpack(codec.pack(codec.TransformMessage(matrix=matrix)))
    np.testing.assert_array_equal(received.matrix, matrix.astype(np.float32))


def test_a_signalling_nan_is_a_nan_and_no_warning(recwarn: pytest.WarningsRecorder):
    received = codec.unpack(frame("TRANSFORM", bytes.fromhex("7fa00001") + CONTENT[4:]))
    assert np.isnan(received.matrix[0, 0])
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("size", [0, 44, 47, 49, 52, 64])
def test_another_number_of_bytes_is_refused(size: int):
    with pytest.raises(codec.DecodeError, match=f"TRANSFORM has 48 bytes; {size} are there"):
        codec.unpack(frame("TRANSFORM", bytes(size)))


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.eye(3, 4), "shape"),
        (np.diag([1, 1, 1, 2]), "last row"),
        (np.diag([1, 1e39, 1, 1]), "float32"),
        ([["a"] * 4] * 4, "are numbers, not"),
        (None, "are numbers, not"),
        ([[1, 2], [3]], "not an array"),
    ],
)
def test_what_does_not_fit_is_refused(matrix: object, reason: str):
    with pytest.raises(codec.EncodeError, match=reason):
        codec.pack(codec.TransformMessage(matrix=matrix))


def test_it_has_no_other_attributes():
    with pytest.raises(AttributeError, match="no needle"):
        _ = codec.unpack(frame("TRANSFORM", CONTENT)).needle
