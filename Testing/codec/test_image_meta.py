"""IMGMETA: the listing of images."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ITEM = codec.ImageMetaItem(
    name="CT of the head",
    id="IMAGE_0",
    modality="CT",
    patient_name="Müller^Jürgen",
    patient_id="4711",
    scan_time=codec.Timestamp(0x0102030405060708),
    size=(512, 511, 300),
    scalar_type=codec.ScalarType.INT16,
)
LIMITS = {"name": 64, "id": 20, "modality": 32, "patient_name": 64, "patient_id": 64}


def packed_item(item: codec.ImageMetaItem) -> bytes:
    return codec.pack(codec.ImageMetaMessage(items=[item]))[58:]


def round_trip(*items: codec.ImageMetaItem) -> list[codec.ImageMetaItem]:
    return list(codec.unpack(codec.pack(codec.ImageMetaMessage(items=items))).items)


class TestLayout:
    def test_an_item_has_260_bytes(self):
        assert len(packed_item(ITEM)) == 260

    def test_each_field_is_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:64] == b"CT of the head".ljust(64, b"\0")
        assert data[64:84] == b"IMAGE_0".ljust(20, b"\0")
        assert data[84:116] == b"CT".ljust(32, b"\0")
        assert data[116:180] == "Müller^Jürgen".encode().ljust(64, b"\0")
        assert data[180:244] == b"4711".ljust(64, b"\0")
        assert data[244:252] == bytes.fromhex("0102030405060708")
        assert data[252:258] == struct.pack(">3H", 512, 511, 300)
        assert data[258:260] == b"\x04\0"

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name


class TestTexts:
    @pytest.mark.parametrize(("field", "limit"), LIMITS.items())
    def test_of_full_length_come_back(self, field: str, limit: int):
        # The reference library reads these as empty, since no NUL ends them.
        item = replace(ITEM, **{field: "x" * limit})
        assert round_trip(item) == [item]

    @pytest.mark.parametrize(("field", "limit"), LIMITS.items())
    def test_that_are_longer_are_refused(self, field: str, limit: int):
        item = replace(ITEM, **{field: "x" * (limit + 1)})
        with pytest.raises(codec.EncodeError, match=f"{limit + 1} bytes; the limit is {limit}"):
            packed_item(item)

    def test_bytes_that_are_not_utf_8_go_back_to_the_server_as_they_came(self):
        data = bytearray(packed_item(ITEM))
        data[64:84] = b"Sch\xe4del".ljust(20, b"\0")  # Latin-1, as an old server may write it
        (item,) = codec.unpack(frame("IMGMETA", bytes(data))).items
        query = codec.pack(codec.GetMessage("IMAGE", device_name=item.id))
        assert query[14:34] == b"Sch\xe4del".ljust(20, b"\0")


class TestNumbers:
    def test_a_scalar_type_that_nobody_defined_stays_a_number(self):
        (item,) = round_trip(replace(ITEM, scalar_type=200))
        assert item.scalar_type == 200

    def test_the_largest_size(self):
        assert round_trip(replace(ITEM, size=(65535, 0, 1)))[0].size == (65535, 0, 1)

    @pytest.mark.parametrize(
        "field",
        [
            {"size": (65536, 1, 1)},
            {"size": (-1, 1, 1)},
            {"size": (1, 1)},
            {"size": (1, 1, 1, 1)},
            {"scalar_type": 256},
            {"scalar_type": -1},
            {"scan_time": -1},
            {"scan_time": 1 << 64},
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict):
        with pytest.raises(codec.EncodeError, match="does not fit IMGMETA"):
            packed_item(replace(ITEM, **field))

    def test_a_scan_time_that_is_not_set(self):
        (item,) = round_trip(replace(ITEM, scan_time=codec.Timestamp(0)))
        assert item.scan_time.to_datetime() is None


class TestList:
    def test_of_none(self):
        assert round_trip() == []

    def test_keeps_its_order(self):
        items = [replace(ITEM, id=f"IMAGE_{number}") for number in range(5)]
        assert round_trip(*items) == items

    def test_behaves_as_a_sequence(self):
        items = [replace(ITEM, id=f"IMAGE_{number}") for number in range(5)]
        table = codec.unpack(codec.pack(codec.ImageMetaMessage(items=items))).items
        assert len(table) == 5
        assert table[1].id == "IMAGE_1"
        assert table[-1].id == "IMAGE_4"
        assert table[1:3] == items[1:3]
        assert table[::-1] == items[::-1]
        assert table == items
        assert table != items[:4]
        assert items[2] in table
        with pytest.raises(IndexError):
            table[5]

    def test_can_be_asked_by_column(self):
        items = [replace(ITEM, id=f"IMAGE_{number}", size=(number, 1, 1)) for number in range(100)]
        table = codec.unpack(codec.pack(codec.ImageMetaMessage(items=items))).items
        assert table.records["size"][:, 0].tolist() == list(range(100))
        assert table.records["id"][99] == b"IMAGE_99"
        assert np.all(table.records["modality"] == b"CT")

    def test_the_columns_are_those_of_the_layout(self):
        record = codec.unpack(codec.pack(codec.ImageMetaMessage(items=[ITEM]))).items.records[0]
        assert codec.ImageMetaItem.columns.itemsize == 260
        assert record["patient_id"] == b"4711"
        assert record["scan_time"] == ITEM.scan_time
        assert record["scalar_type"] == ITEM.scalar_type

    def test_in_version_2_the_metadata_are_no_items(self):
        # The reference library divides the whole body by 260.
        metadata = {"comment": "x" * 300}
        message = codec.ImageMetaMessage(items=[ITEM], header_version=2, metadata=metadata)
        received = codec.unpack(codec.pack(message))
        assert list(received.items) == [ITEM]
        assert received.metadata == metadata

    @pytest.mark.parametrize("length", [1, 259, 261, 519])
    def test_of_no_whole_number_of_items_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match=f"{length} bytes are not a multiple"):
            codec.unpack(frame("IMGMETA", bytes(length)))
