"""POINT: fiducials."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ITEM = codec.PointItem(
    name="Nasion",
    group="Landmark",
    rgba=(255, 128, 0, 200),
    position=(-41.5, 80.25, 62.0),
    diameter=2.5,
    owner="IMAGE_0",
)
LIMITS = {"name": 64, "group": 32, "owner": 20}


def packed_item(item: codec.PointItem) -> bytes:
    return codec.pack(codec.PointMessage([item]))[58:]


def round_trip(*items: codec.PointItem) -> list[codec.PointItem]:
    return list(codec.unpack(codec.pack(codec.PointMessage(items))).items)


class TestLayout:
    def test_an_item_has_136_bytes(self):
        assert len(packed_item(ITEM)) == 136

    def test_each_field_is_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:64] == b"Nasion".ljust(64, b"\0")
        assert data[64:96] == b"Landmark".ljust(32, b"\0")
        assert data[96:100] == bytes((255, 128, 0, 200))
        assert data[100:112] == struct.pack(">3f", -41.5, 80.25, 62.0)
        assert data[112:116] == struct.pack(">f", 2.5)
        assert data[116:136] == b"IMAGE_0".ljust(20, b"\0")

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_the_columns_are_those_of_the_layout(self):
        records = codec.unpack(codec.pack(codec.PointMessage([ITEM, ITEM]))).items.records
        assert records["position"].tolist() == [[-41.5, 80.25, 62.0]] * 2
        assert records["owner"].tolist() == [b"IMAGE_0"] * 2


class TestTexts:
    @pytest.mark.parametrize(("field", "size"), LIMITS.items())
    def test_of_full_length_come_back(self, field: str, size: int):
        for text in ("x" * size, "ö" * (size // 2), "\udcff" * size):
            item = replace(ITEM, **{field: text})
            assert round_trip(item) == [item]

    @pytest.mark.parametrize(("field", "size"), LIMITS.items())
    def test_that_are_too_long_are_refused_with_the_limit(self, field: str, size: int):
        for text in ("x" * (size + 1), "x" * (size - 1) + "ö"):
            with pytest.raises(codec.EncodeError, match=f"POINT {field} .* the limit is {size}"):
                packed_item(replace(ITEM, **{field: text}))

    @pytest.mark.parametrize("field", LIMITS)
    @pytest.mark.parametrize("value", [None, 5, b"bytes"])
    def test_what_is_none_is_refused(self, field: str, value: object):
        with pytest.raises(codec.EncodeError, match=f"POINT {field} is a text, not"):
            packed_item(replace(ITEM, **{field: value}))


@pytest.mark.parametrize(
    "field",
    [
        {"rgba": (256, 0, 0, 0)},
        {"rgba": (0, 0, 0)},
        {"rgba": None},
        {"position": (0.0, 0.0)},
        {"position": ("a", 0.0, 0.0)},
        {"position": (1e39, 0.0, 0.0)},
        {"diameter": None},
    ],
)
def test_numbers_that_do_not_fit_are_refused(field: dict):
    with pytest.raises(codec.EncodeError, match="does not fit POINT"):
        packed_item(replace(ITEM, **field))


class TestList:
    def test_of_none(self):
        assert round_trip() == []

    def test_of_several_keeps_its_order(self):
        items = [replace(ITEM, name=f"Fiducial {number}") for number in range(4)]
        assert round_trip(*items) == items

    @pytest.mark.parametrize("length", [1, 135, 137])
    def test_of_no_whole_number_of_items_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match="POINT has items of 136 bytes"):
            codec.unpack(frame("POINT", bytes(length)))

    @pytest.mark.parametrize("items", [None, 5, [None], ["text"], [codec.LabelMetaItem()]])
    def test_of_what_is_none_is_refused(self, items: object):
        with pytest.raises(codec.EncodeError, match="the items of POINT are"):
            codec.pack(codec.PointMessage(items))
