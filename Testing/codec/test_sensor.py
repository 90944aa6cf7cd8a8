"""SENSOR: readings and their unit."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ACCELERATION = codec.Unit(
    codec.SIPrefix.MILLI, ((codec.SIUnit.METER, 1), (codec.SIUnit.SECOND, -2))
)
SENSOR = codec.SensorMessage(np.array([0.1, -9806.65, 0.0]), ACCELERATION, device_name="Probe")


def packed(**fields: object) -> bytes:
    return codec.pack(codec.SensorMessage(**fields))[58:]


def test_layout():
    data = codec.pack(SENSOR)[58:]
    assert data[0:2] == b"\3\0"
    assert data[2:10] == struct.pack(">Q", 0xB044_3E00_0000_0000)
    assert data[10:] == struct.pack(">3d", 0.1, -9806.65, 0.0)


def test_every_field_comes_back():
    message = codec.unpack(codec.pack(SENSOR))
    assert message == SENSOR
    assert message.values.dtype == np.float64
    assert message.values.dtype.isnative
    assert str(message.unit) == "mm/s²"


def test_the_torque_of_the_document():
    # sensordata.md, "Sending 3-axis torque": N·m.
    unit = bytes((0b00000010, 0b11000000, 0b00010000, 0, 0, 0, 0, 0))
    message = codec.unpack(frame("SENSOR", b"\3\0" + unit + bytes(24)))
    assert str(message.unit) == "N·m"
    assert message.values.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("count", [0, 1, 255])
def test_of_any_length(count: int):
    message = codec.SensorMessage(np.arange(count, dtype=float))
    assert codec.unpack(codec.pack(message)) == message


def test_256_values_are_refused():
    with pytest.raises(codec.EncodeError, match=r"at most 255 values.*\(256,\)"):
        packed(values=np.zeros(256))


@pytest.mark.parametrize(
    "values", [[1, 2.5], (1.0, 2.5), np.array([1, 2.5], "f4"), np.array([1, 2.5], ">f8")]
)
def test_values_may_be_any_row_of_numbers(values: object):
    assert packed(values=values)[10:] == struct.pack(">2d", 1.0, 2.5)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"values": None}, "are numbers, not object"),
        ({"values": 1.0}, "row of at most 255 values"),
        ({"values": np.zeros((2, 2))}, "row of at most 255 values"),
        ({"values": [1.0, None]}, "values of SENSOR are numbers, not"),
        ({"values": ["1.0"]}, "values of SENSOR are numbers, not"),
        ({"values": [1j]}, "values of SENSOR are numbers, not"),
        ({"status": 256}, "status of SENSOR 256"),
        ({"status": None}, "status of SENSOR None"),
        ({"unit": None}, "unit of SENSOR"),
        ({"unit": 7}, "unit of SENSOR"),
        ({"unit": codec.Unit(16)}, "prefix"),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict, words: str):
    with pytest.raises(codec.EncodeError, match=words):
        packed(**fields)


def test_what_was_left_in_the_reserved_status_is_kept():
    message = codec.unpack(frame("SENSOR", b"\0\xa5" + bytes(8)))
    assert message.status == 0xA5
    assert codec.pack(message)[58:] == b"\0\xa5" + bytes(8)


@pytest.mark.parametrize("count", [0, 1, 3, 255])
def test_a_length_that_is_not_that_of_the_values_is_an_error(count: int):
    with pytest.raises(codec.DecodeError, match=f"SENSOR tells {count} values.*; 16 are there"):
        codec.unpack(frame("SENSOR", bytes([count]) + bytes(9 + 16)))


def test_of_less_than_10_bytes_is_an_error():
    with pytest.raises(codec.DecodeError, match="10 bytes are needed at offset 0, 9 are there"):
        codec.unpack(frame("SENSOR", bytes(9)))


def test_is_equal_by_values_unit_and_header():
    def message(**fields: object) -> codec.SensorMessage:
        return codec.SensorMessage(**{"values": np.array([1.0]), "unit": ACCELERATION, **fields})

    assert message() == message()
    assert message() != message(values=np.array([2.0]))
    assert message() != message(unit=codec.Unit())
    assert message() != message(device_name="another")
    assert message() != "SENSOR"
