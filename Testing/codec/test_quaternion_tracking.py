"""QTDATA: where tools are, with quaternions; and its queries."""

from __future__ import annotations

import struct
from dataclasses import fields, replace

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ITEM = codec.QuaternionTrackingDataItem(
    name="Needle",
    type=codec.InstrumentType.INSTRUMENT_6D,
    position=(-41.5, 80.25, 62.0),
    quaternion=(0.5, -0.5, 0.5, 0.5),
)


def packed_item(item: codec.QuaternionTrackingDataItem) -> bytes:
    return codec.pack(codec.QuaternionTrackingDataMessage(items=[item]))[58:]


def round_trip(
    *items: codec.QuaternionTrackingDataItem,
) -> list[codec.QuaternionTrackingDataItem]:
    return list(codec.unpack(codec.pack(codec.QuaternionTrackingDataMessage(items=items))).items)


class TestItem:
    def test_has_50_bytes_and_each_field_at_its_place(self):
        data = packed_item(ITEM)
        assert data[0:20] == b"Needle".ljust(20, b"\0")
        assert data[20:22] == b"\x02\0"
        assert data[22:34] == struct.pack(">3f", -41.5, 80.25, 62.0)
        assert data[34:50] == struct.pack(">4f", 0.5, -0.5, 0.5, 0.5)
        assert len(data) == 50

    def test_every_field_comes_back(self):
        (item,) = round_trip(ITEM)
        for field in fields(ITEM):
            found, given = getattr(item, field.name), getattr(ITEM, field.name)
            assert (found, type(found)) == (given, type(given)), field.name

    def test_is_the_tool_of_tdata_in_fewer_bytes(self):
        tdata = codec.TrackingDataItem.from_matrix(ITEM.to_matrix(), name=ITEM.name)
        again = codec.QuaternionTrackingDataItem.from_matrix(tdata.to_matrix(), name=ITEM.name)
        assert again == replace(ITEM, type=codec.InstrumentType.TRACKER)

    def test_of_a_matrix_that_scales_is_refused(self):
        with pytest.raises(codec.EncodeError, match="more than turn and move"):
            codec.QuaternionTrackingDataItem.from_matrix(np.diag([2.0, 2.0, 2.0, 1.0]))

    def test_without_a_rotation_has_no_matrix(self):
        with pytest.raises(codec.GeometryError, match="is not a rotation"):
            replace(ITEM, quaternion=(0.0, 0.0, 0.0, 0.0)).to_matrix()

    def test_a_type_that_nobody_defined_stays_a_number(self):
        assert round_trip(replace(ITEM, type=200))[0].type == 200

    def test_a_name_of_full_length_comes_back(self):
        item = replace(ITEM, name="N" * 20)
        assert round_trip(item) == [item]

    @pytest.mark.parametrize(
        "field",
        [
            {"name": "N" * 21},
            {"name": None},
            {"type": 256},
            {"position": (1.0, 2.0)},
            {"position": None},
            {"quaternion": (0.0, 0.0, 1.0)},
            {"quaternion": (0.0, 0.0, 0.0, 1e39)},
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict):
        with pytest.raises(codec.EncodeError, match="QTDATA"):
            packed_item(replace(ITEM, **field))


def test_a_list_of_several_keeps_its_order():
    items = [replace(ITEM, name=f"Tool {number}") for number in range(4)]
    assert round_trip(*items) == items


@pytest.mark.parametrize("length", [1, 49, 51])
def test_of_no_whole_number_of_items_is_an_error(length: int):
    with pytest.raises(codec.DecodeError, match="QTDATA has items of 50 bytes"):
        codec.unpack(frame("QTDATA", bytes(length)))


class TestQueries:
    def test_start_has_the_fields_of_tdata(self):
        message = codec.StartQuaternionTrackingDataMessage(50, "CAMERA")
        data = codec.pack(message)
        assert data[2:14] == b"STT_QTDATA\0\0"
        assert data[58:] == struct.pack(">i32s", 50, b"CAMERA")
        assert codec.unpack(data) == message

    def test_start_has_no_status_as_the_document_has(self):
        with pytest.raises(codec.DecodeError, match="STT_QTDATA has 1 bytes more"):
            codec.unpack(frame("STT_QTDATA", bytes(37)))

    def test_start_is_not_that_of_tdata(self):
        assert codec.StartQuaternionTrackingDataMessage() != codec.StartTrackingDataMessage()

    def test_return_is_one_byte(self):
        message = codec.unpack(frame("RTS_QTDATA", b"\1"))
        assert message == codec.RTSQuaternionTrackingDataMessage(1)
        assert isinstance(message, codec.ReturnMessage)
        assert message.data_type == "QTDATA"
