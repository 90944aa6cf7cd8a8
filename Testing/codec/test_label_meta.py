"""LBMETA: what label maps a server offers."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec

ITEM = codec.LabelMetaItem(
    name="Liver",
    id="LABEL_0",
    label=7,
    rgba=(255, 128, 0, 200),
    size=(512, 511, 300),
    owner="IMAGE_0",
)
LIMITS = {"name": 64, "id": 20, "owner": 20}


def packed_item(item: codec.LabelMetaItem) -> bytes:
    return codec.pack(codec.LabelMetaMessage([item]))[58:]


def round_trip(*items: codec.LabelMetaItem) -> list[codec.LabelMetaItem]:
    return list(codec.unpack(codec.pack(codec.LabelMetaMessage(items))).items)


class TestLayout:
    def test_an_item_has_116_bytes(self):
        assert len(packed_item(ITEM)) == 116

    def test_each_field_is_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:64] == b"Liver".ljust(64, b"\0")
        assert data[64:84] == b"LABEL_0".ljust(20, b"\0")
        assert data[84:86] == b"\7\0"
        assert data[86:90] == bytes((255, 128, 0, 200))
        assert data[90:96] == struct.pack(">3H", 512, 511, 300)
        assert data[96:116] == b"IMAGE_0".ljust(20, b"\0")

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_the_columns_are_those_of_the_layout(self):
        records = codec.unpack(codec.pack(codec.LabelMetaMessage([ITEM, ITEM]))).items.records
        assert records["label"].tolist() == [7, 7]
        assert records["size"].tolist() == [[512, 511, 300]] * 2

    def test_metadata_is_not_taken_for_items(self):
        body = version_2_body(
            packed_item(ITEM), metadata_header=b"\0\1\0\1\0\3\0\0\0\x73", metadata=b"k" + b"v" * 115
        )
        message = codec.unpack(frame("LBMETA", body, version=2))
        assert message.items == [ITEM]
        assert message.metadata == {"k": "v" * 115}


class TestTexts:
    @pytest.mark.parametrize(("field", "size"), LIMITS.items())
    def test_of_full_length_come_back(self, field: str, size: int):
        for text in ("x" * size, "ö" * (size // 2), "\udcff" * size):
            item = replace(ITEM, **{field: text})
            assert round_trip(item) == [item]

    @pytest.mark.parametrize(("field", "size"), LIMITS.items())
    def test_that_are_too_long_are_refused_with_the_limit(self, field: str, size: int):
        for text in ("x" * (size + 1), "x" * (size - 1) + "ö"):
            with pytest.raises(codec.EncodeError, match=f"LBMETA {field} .* the limit is {size}"):
                packed_item(replace(ITEM, **{field: text}))

    @pytest.mark.parametrize("field", LIMITS)
    def test_what_is_none_is_refused(self, field: str):
        with pytest.raises(codec.EncodeError, match=f"LBMETA {field} is a text, not None"):
            packed_item(replace(ITEM, **{field: None}))


@pytest.mark.parametrize(
    "field",
    [
        {"label": 256},
        {"label": -1},
        {"label": None},
        {"rgba": (0, 0, 0)},
        {"size": (65536, 1, 1)},
        {"size": (1, 1)},
        {"size": 5},
        {"size": (1.5, 1, 1)},
    ],
)
def test_numbers_that_do_not_fit_are_refused(field: dict):
    with pytest.raises(codec.EncodeError, match="does not fit LBMETA"):
        packed_item(replace(ITEM, **field))


class TestList:
    def test_of_none(self):
        assert round_trip() == []

    def test_of_several_keeps_its_order(self):
        items = [replace(ITEM, label=number) for number in range(4)]
        assert round_trip(*items) == items

    @pytest.mark.parametrize("length", [1, 115, 117])
    def test_of_no_whole_number_of_items_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match="LBMETA has items of 116 bytes"):
            codec.unpack(frame("LBMETA", bytes(length)))

    @pytest.mark.parametrize("items", [None, 5, [None], ["text"], [codec.PointItem()]])
    def test_of_what_is_none_is_refused(self, items: object):
        with pytest.raises(codec.EncodeError, match="the items of LBMETA are"):
            codec.pack(codec.LabelMetaMessage(items))
