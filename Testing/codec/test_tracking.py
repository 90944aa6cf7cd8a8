"""TDATA: where tools are; and the queries that start and acknowledge a stream of it."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import frame
from IGTLMetaBrowserLib import codec

ITEM = codec.TrackingDataItem(
    name="Needle",
    type=codec.InstrumentType.INSTRUMENT_5D,
    transform=(0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 20.0, 30.0),
)


class TestItem:
    def test_the_matrix_has_the_axes_in_its_columns(self):
        matrix = ITEM.to_matrix()
        assert matrix.tolist() == [[0, -1, 0, 10], [1, 0, 0, 20], [0, 0, 1, 30], [0, 0, 0, 1]]
        # Tool coordinates to RAS: 5 mm along the tool's i axis.
        assert (matrix @ [5, 0, 0, 1]).tolist() == [10, 25, 30, 1]

    def test_is_made_of_a_matrix(self):
        item = codec.TrackingDataItem.from_matrix(ITEM.to_matrix(), name="Needle", type=ITEM.type)
        assert item == ITEM

    def test_of_a_matrix_may_scale(self):
        item = codec.TrackingDataItem.from_matrix(np.diag([2.0, 2.0, 2.0, 1.0]))
        assert item.transform == (2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0)

    def test_of_what_is_no_matrix_is_refused(self):
        with pytest.raises(codec.EncodeError, match=r"the shape \(4, 4\)"):
            codec.TrackingDataItem.from_matrix(np.eye(3))

    def test_is_at_the_origin_if_nothing_else_is_said(self):
        assert np.array_equal(codec.TrackingDataItem().to_matrix(), np.eye(4))

    @pytest.mark.parametrize("type_", list(codec.InstrumentType))
    def test_each_type(self, type_: codec.InstrumentType):
        message = codec.TrackingDataMessage([replace(ITEM, type=type_)])
        assert codec.unpack(codec.pack(message)).items[0].type is type_


class TestStart:
    def test_layout(self):
        message = codec.StartTrackingDataMessage(50, "CAMERA", device_name="Tracker")
        data = codec.pack(message)
        assert data[2:14] == b"STT_TDATA\0\0\0"
        assert data[58:] == struct.pack(">i32s", 50, b"CAMERA")
        assert codec.unpack(data) == message

    def test_is_a_start_message(self):
        message = codec.unpack(codec.pack(codec.StartTrackingDataMessage(50)))
        assert isinstance(message, codec.StartMessage)
        assert (message.data_type, message.content) == ("TDATA", struct.pack(">i32x", 50))

    def test_without_a_body_asks_for_all_there_is(self):
        # Queries of other types have none, and some senders make no difference.
        assert codec.unpack(frame("STT_TDATA")) == codec.StartTrackingDataMessage()

    @pytest.mark.parametrize("size", [1, 4, 35, 37])
    def test_of_another_size_is_an_error(self, size: int):
        with pytest.raises(codec.DecodeError, match="STT_TDATA"):
            codec.unpack(frame("STT_TDATA", bytes(size)))

    def test_a_coordinate_name_of_full_length_comes_back(self):
        message = codec.StartTrackingDataMessage(coordinate_name="C" * 32)
        assert codec.unpack(codec.pack(message)) == message

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"coordinate_name": "C" * 33}, "coordinate name .* the limit is 32"),
            ({"coordinate_name": None}, "coordinate name"),
            ({"resolution": 1 << 31}, "resolution in ms 2147483648"),
            ({"resolution": 0.5}, "resolution in ms 0.5"),
            ({"resolution": None}, "resolution in ms None"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            codec.pack(codec.StartTrackingDataMessage(**field))


class TestReturn:
    def test_is_one_byte(self):
        message = codec.RTSTrackingDataMessage(1)
        assert codec.pack(message)[58:] == b"\1"
        assert codec.unpack(codec.pack(message)) == message

    def test_is_a_return_message(self):
        message = codec.unpack(frame("RTS_TDATA", b"\1"))
        assert isinstance(message, codec.ReturnMessage)
        assert (message.data_type, message.content, message.status) == ("TDATA", b"\1", 1)

    def test_without_a_body_is_success(self):
        assert codec.unpack(frame("RTS_TDATA")).status == 0

    def test_of_two_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="RTS_TDATA has 1 bytes more"):
            codec.unpack(frame("RTS_TDATA", bytes(2)))

    @pytest.mark.parametrize("status", [256, -1, None, "error"])
    def test_what_does_not_fit_is_refused(self, status: object):
        with pytest.raises(codec.EncodeError, match="RTS_TDATA"):
            codec.pack(codec.RTSTrackingDataMessage(status))


def test_the_query_that_ends_the_stream_has_no_content():
    message = codec.unpack(frame("STP_TDATA"))
    assert message == codec.StopMessage("TDATA")
