"""STATUS."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

STATUS = codec.StatusMessage(
    device_name="Database",
    code=codec.StatusCode.NOT_FOUND,
    subcode=-2,
    error_name="NoSuchImage",
    message="IMAGE_9 is not in the database",
)
FIELDS = struct.pack(">Hq20s", 4, -2, b"NoSuchImage")


def test_layout():
    assert codec.pack(STATUS)[58:] == FIELDS + b"IMAGE_9 is not in the database\0"


def test_every_field_comes_back():
    status = codec.unpack(codec.pack(STATUS))
    assert status == STATUS
    assert status.code is codec.StatusCode.NOT_FOUND


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0\0", b"\0left over"])
def test_the_message_may_end_with_a_nul_or_without(end: bytes):
    data = frame("STATUS", FIELDS + b"gone" + end)
    assert codec.unpack(data).message == "gone"


def test_without_a_message():
    assert codec.unpack(frame("STATUS", FIELDS)).message == ""


def test_a_long_message_in_any_language():
    message = "Das Bild wurde nicht gefunden: 画像が見つかりません " * 2000
    assert codec.unpack(codec.pack(replace(STATUS, message=message))).message == message


def test_a_code_that_nobody_defined_stays_a_number():
    assert codec.unpack(codec.pack(replace(STATUS, code=999))).code == 999


def test_an_error_name_of_full_length():
    status = replace(STATUS, error_name="E" * 20)
    assert codec.unpack(codec.pack(status)) == status


@pytest.mark.parametrize(
    "field",
    [
        {"code": 65536},
        {"code": -1},
        {"subcode": 1 << 63},
        {"error_name": "E" * 21},
        {"message": "\ud83d"},
    ],
)
def test_what_does_not_fit_is_refused(field: dict):
    with pytest.raises(codec.EncodeError, match=r"status|error name"):
        codec.pack(replace(STATUS, **field))


def test_of_less_than_30_bytes_is_an_error():
    with pytest.raises(codec.DecodeError, match="30 bytes are needed at offset 0, 29 are there"):
        codec.unpack(frame("STATUS", bytes(29)))


def test_a_nul_in_the_message_is_refused_as_it_would_cut_it():
    with pytest.raises(codec.EncodeError, match="NUL"):
        codec.pack(codec.StatusMessage(message="a\0b"))
