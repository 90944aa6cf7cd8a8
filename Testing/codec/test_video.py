"""VIDEO, and the query for a stream of it."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import feed, frame
from IGTLMetaBrowserLib import codec

MATRIX = np.array([[0, -0.5, 0, 10.5], [0.25, 0, 0, -20], [0, 0, 2, 30]])
VIDEO = codec.VideoMessage(
    frame=b"\xde\xad\xbe\xef",
    codec="H264",
    size=(640, 480, 1),
    frame_type=2,
    matrix=MATRIX,
    coordinates=codec.Coordinates.LPS,
    offset=(10, 20, 0),
    part=(100, 200, 1),
    device_name="Laparoscope",
)


class TestFrame:
    def test_each_field_is_at_its_place(self):
        content = codec.pack(VIDEO)[58:]
        assert content[:3] == b"\0\1\2"  # version 1, little-endian
        assert content[3:7] == b"H264"
        assert content[7:10] == b"\0\2\2"  # frame type, LPS
        assert content[10:16] == struct.pack(">3H", 640, 480, 1)
        axes = 0, 0.25, 0, -0.5, 0, 0, 0, 0, 2
        assert content[16:64] == struct.pack(">12f", *axes, 10.5, -20, 30)
        assert content[64:76] == struct.pack(">6H", 10, 20, 0, 100, 200, 1)
        assert content[76:] == b"\xde\xad\xbe\xef"

    def test_every_field_comes_back(self):
        received = codec.unpack(codec.pack(VIDEO))
        assert received == VIDEO
        assert type(received.frame) is bytes
        assert received.coordinates is codec.Coordinates.LPS

    def test_comes_from_a_receiver_as_from_unpack(self):
        (received,) = feed(codec.Receiver(), codec.pack(VIDEO), 10)
        assert received == VIDEO

    def test_of_the_whole_image_has_no_part(self):
        message = replace(VIDEO, offset=(0, 0, 0), part=None)
        data = codec.pack(message)
        assert data[58 + 70 : 58 + 76] == struct.pack(">3H", 640, 480, 1)
        assert codec.unpack(data) == message

    def test_numbers_that_nobody_defined_stay_numbers(self):
        message = replace(VIDEO, endian=0, coordinates=9, frame_type=65535)
        assert codec.unpack(codec.pack(message)) == message

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"codec": "H2645"}, "the limit is 4"),
            ({"codec": None}, "codec is a text"),
            ({"frame": "text"}, "the frame of VIDEO is bytes"),
            ({"frame": None}, "the frame of VIDEO is bytes"),
            ({"frame_type": 65536}, "frame type of VIDEO 65536"),
            ({"endian": 256}, "endian of VIDEO 256"),
            ({"coordinates": -1}, "coordinates of VIDEO -1"),
            ({"size": (65536, 1, 1)}, "size of VIDEO 65536"),
            ({"size": (640, 480)}, "size of VIDEO has 3 numbers"),
            ({"size": None}, "size of VIDEO has 3 numbers"),
            ({"offset": (0, 0, 0, 0)}, "offset of VIDEO has 3 numbers"),
            ({"offset": (-1, 0, 0)}, "offset of VIDEO -1"),
            ({"part": (1, 2, "3")}, "part of VIDEO '3'"),
            ({"matrix": np.eye(4)}, "the shape"),
            ({"matrix": None}, "numbers of the matrix"),
            ({"matrix": MATRIX * 1e39}, "too large for float32"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            codec.pack(replace(VIDEO, **field))

    def test_of_less_than_76_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="76 bytes are needed"):
            codec.unpack(frame("VIDEO", bytes(75)))

    @pytest.mark.parametrize("version", [0, 2])
    def test_of_another_format_version_is_an_error(self, version: int):
        content = struct.pack(">H", version) + bytes(74)
        with pytest.raises(codec.DecodeError, match=f"the format version {version}; 1 is known"):
            codec.unpack(frame("VIDEO", content))


class TestStart:
    def test_has_the_librarys_9_bytes(self):
        message = codec.StartVideoMessage("H264", 40, device_name="Laparoscope")
        data = codec.pack(message)
        assert data[58:] == b"H264" + struct.pack(">I", 40) + b"\0"
        assert codec.unpack(data) == message

    def test_has_the_documents_8_bytes(self):
        received = codec.unpack(frame("STT_VIDEO", b"H264" + struct.pack(">I", 40)))
        assert received == codec.StartVideoMessage("H264", 40)

    def test_without_a_content_means_vp9_every_50_ms(self):
        received = codec.unpack(frame("STT_VIDEO"))
        assert (received.codec, received.time_interval) == ("VP90", 50)

    def test_is_a_start_message(self):
        message = codec.unpack(frame("STT_VIDEO"))
        assert isinstance(message, codec.StartMessage)
        assert (message.data_type, message.content) == ("VIDEO", b"VP90\0\0\0\x32\0")

    @pytest.mark.parametrize("size", [1, 7, 10])
    def test_of_another_size_is_an_error(self, size: int):
        with pytest.raises(codec.DecodeError, match="STT_VIDEO"):
            codec.unpack(frame("STT_VIDEO", bytes(size)))

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"codec": "VP900"}, "the limit is 4"),
            ({"time_interval": -1}, "time interval"),
            ({"time_interval": 2**32}, "time interval"),
            ({"time_interval": 0.5}, "time interval"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            codec.pack(codec.StartVideoMessage(**field))


def test_the_end_of_a_stream_is_a_plain_stop_message():
    assert codec.unpack(frame("STP_VIDEO")) == codec.StopMessage("VIDEO")
