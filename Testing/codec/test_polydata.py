"""POLYDATA, and the queries for it."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest

from codec.stream import feed, frame
from IGTLMetaBrowserLib import codec

POINTS = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0.5]], np.float32)
MESSAGE = codec.PolyDataMessage(
    points=POINTS,
    vertices=codec.CellArray.from_cells([[0]]),
    lines=codec.CellArray.from_cells([[0, 1], [1, 2]]),
    polygons=codec.CellArray.from_cells([[0, 1, 2]]),
    triangle_strips=codec.CellArray.from_cells([[0, 1, 2], [2, 1]]),
    attributes=[codec.PolyDataAttribute(0, "height", np.array([[0], [0], [0.5]], np.float32))],
    device_name="Skull",
)


def header(*numbers: int) -> bytes:
    """Return the ten numbers of the header; those that are not given are 0."""
    return struct.pack(">10I", *numbers, *[0] * (10 - len(numbers)))


def with_attributes(content: bytes, count: int = 1) -> bytes:
    """Return a content that has nothing but attributes."""
    return header(*[0] * 9, count) + content


class TestMessage:
    def test_each_part_is_at_its_place(self):
        content = codec.pack(MESSAGE)[58:]
        assert content[:40] == struct.pack(">10I", 3, 1, 8, 2, 24, 1, 16, 2, 28, 1)
        assert content[40:76] == POINTS.astype(">f4").tobytes()
        vertices, lines = [1, 0], [2, 0, 1, 2, 1, 2]
        polygons, triangle_strips = [3, 0, 1, 2], [3, 0, 1, 2, 2, 2, 1]
        cells = struct.pack(">19I", *vertices, *lines, *polygons, *triangle_strips)
        assert content[76:152] == cells
        assert content[152:158] == struct.pack(">BBI", 0, 1, 3)
        assert content[158:166] == b"height\0\0"
        assert content[166:] == struct.pack(">3f", 0, 0, 0.5)

    def test_every_field_comes_back(self):
        received = codec.unpack(codec.pack(MESSAGE))
        assert received == MESSAGE
        assert received.points.dtype == np.float32
        assert received.attributes[0].type is codec.PolyDataAttributeType.POINT_SCALAR

    def test_comes_from_a_receiver_as_from_unpack(self):
        (received,) = feed(codec.Receiver(), codec.pack(MESSAGE), 7)
        assert received == MESSAGE

    def test_an_empty_one_has_40_bytes(self):
        data = codec.pack(codec.PolyDataMessage())
        assert data[58:] == bytes(40)
        assert codec.unpack(data) == codec.PolyDataMessage()

    def test_points_may_be_a_list(self):
        message = codec.PolyDataMessage([[1, 2, 3]])
        assert codec.unpack(codec.pack(message)).points.tolist() == [[1, 2, 3]]

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"points": np.zeros((2, 2))}, "have the shape"),
            ({"points": np.zeros(3)}, "have the shape"),
            ({"points": None}, "points of POLYDATA are numbers"),
            ({"points": [["1", "2", "3"]]}, "points of POLYDATA are numbers"),
            ({"points": [[1e39, 0, 0]]}, "too large for float32"),
            ({"lines": [[0, 1]]}, "the lines of POLYDATA are a CellArray"),
            ({"polygons": None}, "the polygons of POLYDATA are a CellArray"),
            ({"vertices": codec.CellArray([0, 1], [])}, "cells"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, field: dict, words: str):
        with pytest.raises(codec.EncodeError, match=words):
            codec.pack(codec.PolyDataMessage(**field))

    def test_infinite_points_are_no_overflow(self):
        message = codec.PolyDataMessage([[np.inf, -np.inf, 0]])
        assert codec.unpack(codec.pack(message)).points.tolist() == [[np.inf, -np.inf, 0]]


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b"", "ends within its header"),
            (bytes(39), "ends within its header"),
            (header(1), "ends within its points"),
            (header(0xFFFFFFFF), "ends within its points"),
            (header(0, 1, 8), "ends within its vertices"),
            (header(0, 0, 0, 1, 6) + bytes(6), "1 lines in 6 bytes"),
            (header(0, 0, 0, 0, 0, 0xFFFFFFFF, 4) + bytes(4), "4294967295 polygons in 4 bytes"),
            (header(0, 0, 0, 0, 0, 1, 0), "1 polygons in 0 bytes"),
            (header(0, 0, 0, 0, 0, 0, 4) + bytes(4), "polygons of POLYDATA: .* not 0"),
            (header(0, 0, 0, 0, 0, 0, 0, 1, 8) + b"\0\0\0\2" * 2, "triangle strips of POLYDATA"),
            (header() + b"\0", "1 bytes more"),
            (with_attributes(b""), "ends within its attribute headers"),
            (with_attributes(b"", 0xFFFFFFFF), "4294967295 attributes; 65535 can be read"),
            (with_attributes(bytes(6)), "attribute 0 of POLYDATA has no end"),
            (with_attributes(bytes(6) + b"x" * 256 + b"\0"), "attribute 0 of POLYDATA has no end"),
            (with_attributes(bytes(6) + b"\0"), "ends within its attribute names"),
            (with_attributes(bytes(6) + b"x\0\0"), "1 bytes more"),
            (with_attributes(b"\0\1\0\0\0\1" + b"x\0" + bytes(3)), "ends within its attribute"),
            (with_attributes(b"\0\xff" + b"\xff" * 4 + b"x\0"), "ends within its attribute values"),
        ],
    )
    def test_content(self, content: bytes, words: str):
        with pytest.raises(codec.DecodeError, match=words):
            codec.unpack(frame("POLYDATA", content))

    def test_no_memory_is_taken_for_what_is_not_there(self):
        counts = 0xFFFFFFFF, *[0xFFFFFFFF, 0xFFFFFFFC] * 4, 0xFFFF
        data = frame("POLYDATA", struct.pack(">10I", *counts))
        tracemalloc.start()
        with pytest.raises(codec.DecodeError):
            codec.unpack(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 100_000


class TestStart:
    def test_the_librarys_has_no_content(self):
        message = codec.StartPolyDataMessage(device_name="Skull")
        data = codec.pack(message)
        assert len(data) == 58
        assert codec.unpack(data) == message

    def test_the_documents_has_a_resolution_in_nanoseconds(self):
        message = codec.StartPolyDataMessage(50_000_000)
        data = codec.pack(message)
        assert data[58:] == struct.pack(">Q", 50_000_000)
        assert codec.unpack(data) == message

    def test_is_a_start_message(self):
        message = codec.unpack(frame("STT_POLYDATA", bytes(8)))
        assert isinstance(message, codec.StartMessage)
        assert (message.data_type, message.content) == ("POLYDATA", bytes(8))
        assert message.resolution == 0

    @pytest.mark.parametrize("resolution", [-1, 2**64, 0.5, "1"])
    def test_what_does_not_fit_is_refused(self, resolution: object):
        with pytest.raises(codec.EncodeError, match="resolution"):
            codec.pack(codec.StartPolyDataMessage(resolution))

    @pytest.mark.parametrize("size", [1, 7, 9])
    def test_of_another_size_is_an_error(self, size: int):
        with pytest.raises(codec.DecodeError, match="STT_POLYDATA"):
            codec.unpack(frame("STT_POLYDATA", bytes(size)))


class TestReturn:
    @pytest.mark.parametrize("status", [0, 1, 255])
    def test_the_status_comes_back(self, status: int):
        message = codec.RTSPolyDataMessage(status)
        data = codec.pack(message)
        assert data[58:] == bytes([status])
        assert codec.unpack(data) == message

    def test_without_a_content_it_is_success(self):
        assert codec.unpack(frame("RTS_POLYDATA")).status == 0

    def test_is_a_return_message(self):
        message = codec.unpack(frame("RTS_POLYDATA", b"\1"))
        assert isinstance(message, codec.ReturnMessage)
        assert (message.data_type, message.content) == ("POLYDATA", b"\1")

    @pytest.mark.parametrize("status", [-1, 256, None])
    def test_what_does_not_fit_is_refused(self, status: object):
        with pytest.raises(codec.EncodeError, match="status"):
            codec.pack(codec.RTSPolyDataMessage(status))

    def test_of_two_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="RTS_POLYDATA has 1 bytes more"):
            codec.unpack(frame("RTS_POLYDATA", bytes(2)))
