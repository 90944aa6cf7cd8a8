"""TRAJ: planned trajectories."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ITEM = codec.TrajectoryItem(
    name="Biopsy left",
    group="Trajectory",
    type=codec.TrajectoryType.ENTRY_AND_TARGET,
    rgba=(255, 128, 0, 200),
    entry=(-41.5, 80.25, 62.0),
    target=(-12.0, 9.5, 3.125),
    diameter=2.5,
    owner="IMAGE_0",
)
LIMITS = {"name": 64, "group": 32, "owner": 20}


def packed_item(item: codec.TrajectoryItem) -> bytes:
    return codec.pack(codec.TrajectoryMessage(items=[item]))[58:]


def round_trip(*items: codec.TrajectoryItem) -> list[codec.TrajectoryItem]:
    return list(codec.unpack(codec.pack(codec.TrajectoryMessage(items=items))).items)


class TestLayout:
    def test_an_item_has_150_bytes(self):
        assert len(packed_item(ITEM)) == 150

    def test_each_field_is_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:64] == b"Biopsy left".ljust(64, b"\0")
        assert data[64:96] == b"Trajectory".ljust(32, b"\0")
        assert data[96:98] == b"\x03\0"
        assert data[98:102] == bytes((255, 128, 0, 200))
        assert data[102:114] == struct.pack(">3f", -41.5, 80.25, 62.0)
        assert data[114:126] == struct.pack(">3f", -12.0, 9.5, 3.125)
        assert data[126:130] == struct.pack(">f", 2.5)
        assert data[130:150] == b"IMAGE_0".ljust(20, b"\0")

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_the_columns_are_those_of_the_layout(self):
        record = codec.unpack(codec.pack(codec.TrajectoryMessage(items=[ITEM]))).items.records[0]
        assert codec.TrajectoryItem.columns.itemsize == 150
        assert record["rgba"].tolist() == [255, 128, 0, 200]
        assert record["target"].tolist() == [-12.0, 9.5, 3.125]
        assert record["owner"] == b"IMAGE_0"


class TestFields:
    @pytest.mark.parametrize("type_", list(codec.TrajectoryType))
    def test_each_type(self, type_: codec.TrajectoryType):
        assert round_trip(replace(ITEM, type=type_))[0].type is type_

    @pytest.mark.parametrize("number", [0, 4, 127, -128])
    def test_a_type_that_nobody_defined_stays_a_number(self, number: int):
        assert round_trip(replace(ITEM, type=number))[0].type == number

    def test_points_that_the_type_does_not_name_are_kept(self):
        # The reference TrajectoryServer sends type 2 (target only) with an entry point.
        item = replace(ITEM, type=codec.TrajectoryType.TARGET)
        assert round_trip(item) == [item]

    def test_numbers_have_the_precision_of_32_bits(self):
        (item,) = round_trip(replace(ITEM, entry=(0.1, 0.0, 0.0)))
        assert item.entry[0] != 0.1
        assert item.entry[0] == pytest.approx(0.1, rel=1e-7)

    @pytest.mark.parametrize(("field", "limit"), LIMITS.items())
    def test_texts_of_full_length_come_back(self, field: str, limit: int):
        item = replace(ITEM, **{field: "x" * limit})
        assert round_trip(item) == [item]

    @pytest.mark.parametrize(("field", "limit"), LIMITS.items())
    def test_texts_that_are_longer_are_refused(self, field: str, limit: int):
        with pytest.raises(codec.EncodeError, match=f"the limit is {limit}$"):
            packed_item(replace(ITEM, **{field: "x" * (limit + 1)}))

    @pytest.mark.parametrize(
        "field",
        [
            {"type": 128},
            {"rgba": (0, 0, 0, 256)},
            {"rgba": (0, 0, 0, -1)},
            {"rgba": (0, 0, 0)},
            {"entry": (1.0, 2.0)},
            {"target": (1.0, 2.0, 3.0, 4.0)},
            {"entry": (1e39, 0.0, 0.0)},  # more than a 32-bit float holds
            {"diameter": 1e39},
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict):
        with pytest.raises(codec.EncodeError, match="does not fit TRAJ"):
            packed_item(replace(ITEM, **field))


class TestList:
    def test_of_none(self):
        assert round_trip() == []

    def test_of_several_keeps_its_order(self):
        items = [replace(ITEM, name=f"Lead {number}") for number in range(4)]
        assert round_trip(*items) == items

    @pytest.mark.parametrize("length", [1, 149, 151])
    def test_of_no_whole_number_of_items_is_an_error(self, length: int):
        with pytest.raises(codec.DecodeError, match="TRAJ has items of 150 bytes"):
            codec.unpack(frame("TRAJ", bytes(length)))


def test_points_of_other_than_three_numbers_are_refused():
    item = codec.TrajectoryItem(name="T", entry=(1, 2), target=(3, 4, 5, 6))
    with pytest.raises(codec.EncodeError, match="does not fit TRAJ"):
        codec.pack(codec.TrajectoryMessage(items=[item]))
