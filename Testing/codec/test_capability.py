"""CAPABILITY."""

from __future__ import annotations

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

TYPES = ["IMAGE", "GET_IMAGE", "GET_TRANSFOR"]
CONTENT = b"IMAGE\0\0\0\0\0\0\0GET_IMAGE\0\0\0GET_TRANSFOR"


def test_layout():
    assert codec.pack(codec.CapabilityMessage(TYPES))[58:] == CONTENT


def test_every_name_comes_back():
    message = codec.unpack(frame("CAPABILITY", CONTENT, device_name=b"Device"))
    assert message == codec.CapabilityMessage(TYPES, device_name="Device")


def test_of_nothing():
    assert codec.unpack(frame("CAPABILITY")).types == []


def test_a_name_that_is_no_ascii():
    message = codec.CapabilityMessage(["GRÖSSE", "X\udcff"])
    assert codec.unpack(codec.pack(message)) == message


@pytest.mark.parametrize("query", ["GET_CAPABIL", "GET_CAPABILI"])
def test_is_asked_for_under_both_names(query: str):
    message = codec.unpack(frame(query))
    assert isinstance(message, codec.GetMessage)
    assert codec.pack(message) == frame(query)


@pytest.mark.parametrize("length", [1, 11, 13])
def test_of_no_whole_number_of_names_is_an_error(length: int):
    with pytest.raises(
        codec.DecodeError, match=f"names of 12 bytes; {length} bytes are not a multiple"
    ):
        codec.unpack(frame("CAPABILITY", bytes(length)))


def test_of_more_than_65535_names_is_refused_both_ways():
    # Each becomes a text, several times as large as its 12 bytes.
    content = bytes(12 * 65535)
    assert len(codec.unpack(frame("CAPABILITY", content)).types) == 65535
    with pytest.raises(codec.DecodeError, match="65535 names of 12 bytes can be read"):
        codec.unpack(frame("CAPABILITY", content + bytes(12)))
    with pytest.raises(codec.EncodeError, match="65536 type names; a CAPABILITY can hold 65535"):
        codec.pack(codec.CapabilityMessage([""] * 65536))


@pytest.mark.parametrize(
    ("types", "why"),
    [
        (["GET_TRANSFORM"], "type name 'GET_TRANSFORM' needs 13 bytes; the limit is 12"),
        ([None], "type name is a text, not None"),
        (["A\0B"], "NUL"),
        (None, "a list of type names, not None"),
        ("IMAGE", "a list of type names, not 'IMAGE'"),
    ],
)
def test_what_does_not_fit_is_refused(types: object, why: str):
    with pytest.raises(codec.EncodeError, match=why):
        codec.pack(codec.CapabilityMessage(types))
