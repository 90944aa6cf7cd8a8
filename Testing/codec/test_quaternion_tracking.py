"""QTDATA: where tools are, with quaternions; and its queries."""

from __future__ import annotations

import struct
from dataclasses import replace

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


class TestMatrix:
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
