"""GET_, STT_, STP_ and RTS_."""

from __future__ import annotations

import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec

PREFIXES = {
    "GET_": codec.GetMessage,
    "STT_": codec.StartMessage,
    "STP_": codec.StopMessage,
    "RTS_": codec.ReturnMessage,
}


@pytest.mark.parametrize(("prefix", "message_class"), PREFIXES.items())
def test_each_prefix_has_its_class(prefix: str, message_class: type[codec.QueryMessage]):
    message = codec.unpack(frame(f"{prefix}IMAGE", b"\1", device_name=b"IMAGE_0"))
    assert message == message_class("IMAGE", content=b"\1", device_name="IMAGE_0")
    assert message.type_name == f"{prefix}IMAGE"


@pytest.mark.parametrize("message_class", PREFIXES.values())
def test_come_back_with_all_fields(message_class: type[codec.QueryMessage]):
    message = message_class(
        "IMAGE",
        content=b"\0\1",
        device_name="IMAGE_0",
        header_version=2,
        message_id=3,
        metadata={"key": "value"},
    )
    received = codec.unpack(codec.pack(message))
    assert received == message
    assert type(received) is message_class


def test_the_four_are_not_equal_to_each_other():
    assert codec.GetMessage("IMAGE") != codec.StartMessage("IMAGE")


def test_a_query_is_58_bytes_without_a_body():
    # Old servers never read a query's body, and would take it for the next header.
    data = codec.pack(codec.GetMessage("IMGMETA"))
    assert data == b"\0\1GET_IMGMETA\0" + bytes(44)


def test_a_name_that_does_not_fit_12_characters_is_cut():
    data = codec.pack(codec.GetMessage("TRANSFORM"))
    assert data[2:14] == b"GET_TRANSFOR"
    query = codec.unpack(data)
    assert query.data_type == "TRANSFOR"
    assert query.full_data_type == "TRANSFORM"
    assert codec.pack(query) == data


@pytest.mark.parametrize(
    ("type_name", "meant"),
    [
        ("GET_TRANS", "TRANSFORM"),
        ("RTS_TRANSFOR", "TRANSFORM"),
        ("GET_CAPABIL", "CAPABILITY"),
        ("GET_COLORT", "COLORT"),
        ("GET_COLORTAB", "COLORTABLE"),
        ("GET_VIDEO", "VIDEO"),  # not VIDEOMETA
        ("GET_VMETA", "VIDEOMETA"),  # the C++ library's name for it
        ("GET_VIDEOMET", "VIDEOMETA"),
        ("GET_TRA", "TRA"),  # TRAJ or TRANSFORM
        ("GET_NEEDLE", "NEEDLE"),  # no type of OpenIGTLink
        ("GET_", ""),
    ],
)
def test_the_type_that_is_meant_by_a_cut_name(type_name: str, meant: str):
    assert codec.unpack(frame(type_name)).full_data_type == meant


def test_a_body_that_somebody_sent_is_kept():
    body = version_2_body(b"what is in it is the type's business", message_id=9)
    message = codec.unpack(frame("GET_POLYDATA", body, version=2))
    assert message.content == b"what is in it is the type's business"
    assert message.message_id == 9


def test_a_type_of_an_unknown_prefix_is_an_unknown_message():
    assert isinstance(codec.unpack(frame("GOT_IMAGE")), codec.UnknownMessage)
