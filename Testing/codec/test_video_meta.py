"""VIDEOMETA."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

AXES = (0.0, 0.25, 0.0, -0.5, 0.0, 0.0, 0.0, 0.0, 2.0)
ITEM = codec.VideoMetaItem(
    name="Laparoscope, 30 degrees",
    device_name="Laparoscope",
    patient_name="Doe^Jane",
    patient_id="4711",
    zoom_level=-2,
    focal_length=0.1,
    size=(1920, 1080, 1),
    matrix=(*AXES, 10.5, -20.0, 30.0),
    scalar_type=codec.ScalarType.UINT16,
)
TEXTS = ["name", "device_name", "patient_name", "patient_id"]


def packed_item(item: codec.VideoMetaItem) -> bytes:
    return codec.pack(codec.VideoMetaMessage(items=[item]))[58:]


def round_trip(*items: codec.VideoMetaItem) -> list[codec.VideoMetaItem]:
    return list(codec.unpack(codec.pack(codec.VideoMetaMessage(items=items))).items)


class TestLayout:
    def test_an_item_has_322_bytes(self):
        assert len(packed_item(ITEM)) == codec.VideoMetaItem.columns.itemsize == 322

    def test_each_field_is_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:64] == b"Laparoscope, 30 degrees".ljust(64, b"\0")
        assert data[64:128] == b"Laparoscope".ljust(64, b"\0")
        assert data[128:192] == b"Doe^Jane".ljust(64, b"\0")
        assert data[192:256] == b"4711".ljust(64, b"\0")
        assert data[256:266] == struct.pack(">hd", -2, 0.1)
        assert data[266:272] == struct.pack(">3H", 1920, 1080, 1)
        assert data[272:320] == struct.pack(">12f", *AXES, 10.5, -20, 30)
        assert data[320:322] == b"\5\0"

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_the_matrix_has_the_axes_and_the_center_as_columns(self):
        matrix = ITEM.to_matrix()
        assert matrix.tolist() == [[0, -0.5, 0, 10.5], [0.25, 0, 0, -20], [0, 0, 2, 30]]


class TestFields:
    @pytest.mark.parametrize("field", TEXTS)
    def test_texts_of_full_length_come_back(self, field: str):
        item = replace(ITEM, **{field: "x" * 64})
        assert round_trip(item) == [item]

    @pytest.mark.parametrize("field", TEXTS)
    def test_texts_that_are_longer_are_refused(self, field: str):
        with pytest.raises(codec.EncodeError, match=r"the limit is 64$"):
            packed_item(replace(ITEM, **{field: "x" * 65}))

    def test_a_scalar_type_that_nobody_defined_stays_a_number(self):
        assert round_trip(replace(ITEM, scalar_type=99))[0].scalar_type == 99

    @pytest.mark.parametrize(
        "field",
        [
            {"zoom_level": 32768},
            {"zoom_level": -32769},
            {"focal_length": "50"},
            {"size": (65536, 1, 1)},
            {"size": (1, 1)},
            {"matrix": (0.0,) * 11},
            {"matrix": (1e39,) * 12},
            {"matrix": None},
            {"scalar_type": 256},
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict):
        with pytest.raises(codec.EncodeError):
            packed_item(replace(ITEM, **field))


class TestList:
    def test_of_none_and_of_several(self):
        items = [replace(ITEM, name=f"Camera {number}") for number in range(3)]
        assert round_trip() == []
        assert round_trip(*items) == items

    def test_is_asked_for_under_a_shorter_name(self):
        query = codec.GetMessage("VMETA")
        assert codec.unpack(codec.pack(query)).type_name == "GET_VMETA"

    @pytest.mark.parametrize("length", [1, 321, 323])
    def test_of_no_whole_number_of_items_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match="VIDEOMETA has items of 322 bytes"):
            codec.unpack(frame("VIDEOMETA", bytes(length)))
