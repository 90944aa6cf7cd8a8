"""Header and extended header, and whole messages that do not hold together."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.header import Body

QUERY = codec.GetMessage("IMAGE", device_name="IMAGE_0", timestamp=codec.Timestamp(0x0102030405))


class TestHeader:
    def test_layout(self):
        data = codec.pack(codec.StatusMessage(device_name="Device", timestamp=QUERY.timestamp))
        assert data[0:2] == b"\0\x01"
        assert data[2:14] == b"STATUS\0\0\0\0\0\0"
        assert data[14:34] == b"Device".ljust(20, b"\0")
        assert data[34:42] == b"\0\0\0\x01\x02\x03\x04\x05"
        assert int.from_bytes(data[42:50], "big") == len(data) - 58 == 31
        assert int.from_bytes(data[50:58], "big") == codec.crc64(data[58:])

    def test_an_empty_body_has_the_checksum_0(self):
        data = codec.pack(QUERY)
        assert len(data) == codec.HEADER_SIZE == 58
        assert data[42:] == bytes(16)

    def test_unpack_is_the_reverse_of_pack(self):
        header = codec.Header(2, "TRAJ", "Planner", codec.Timestamp(7), 1 << 63, (1 << 64) - 1)
        assert codec.Header.unpack(header.pack()) == header

    def test_reads_the_beginning_of_more(self):
        assert codec.Header.unpack(codec.pack(QUERY) + b"more").type_name == "GET_IMAGE"

    def test_of_57_bytes_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="a header has 58 bytes; 57 are there"):
            codec.Header.unpack(bytes(57))

    def test_names_of_full_length(self):
        data = frame("TWELVELETTER", device_name=b"D" * 20)
        message = codec.unpack(data)
        assert (message.type_name, message.device_name) == ("TWELVELETTER", "D" * 20)
        assert codec.pack(message) == data

    def test_a_device_name_of_21_bytes_is_refused(self):
        with pytest.raises(codec.EncodeError, match=r"device name .* needs 21 bytes; .* 20"):
            codec.pack(replace(QUERY, device_name="D" * 21))

    def test_a_type_name_of_13_bytes_is_refused(self):
        with pytest.raises(codec.EncodeError, match=r"type name .* needs 13 bytes; .* 12"):
            codec.pack(codec.UnknownMessage("T" * 13))

    @pytest.mark.parametrize("timestamp", [-1, 1 << 64, 1_700_000_000.5, None, "now"])
    def test_a_timestamp_that_does_not_fit_is_refused(self, timestamp: object):
        with pytest.raises(codec.EncodeError, match=r"timestamp .* is not a whole number from 0"):
            codec.pack(replace(QUERY, timestamp=timestamp))


class TestHeaderVersion:
    @pytest.mark.parametrize("version", [0, 3, 0xFFFF])
    def test_an_unknown_one_is_an_error(self, version: int):
        with pytest.raises(codec.HeaderVersionError, match=f"header version {version};"):
            codec.unpack(frame("STATUS", bytes(30), version=version))

    def test_an_unknown_one_is_not_packed(self):
        with pytest.raises(
            codec.EncodeError, match="header version 3 is not a whole number from 1 to 2"
        ):
            codec.pack(replace(QUERY, header_version=3))

    @pytest.mark.parametrize("field", [{"metadata": {"key": "value"}}, {"message_id": 5}])
    def test_1_has_no_place_for_metadata_or_message_id(self, field: dict):
        with pytest.raises(codec.EncodeError, match="set header_version=2"):
            codec.pack(replace(QUERY, **field))

    def test_2_has_a_message_id(self):
        message = replace(QUERY, header_version=2, message_id=0xFFFFFFFF)
        assert codec.unpack(codec.pack(message)) == message

    @pytest.mark.parametrize("message_id", [-1, 1 << 32, 0.5, None])
    def test_a_message_id_has_32_bits(self, message_id: object):
        with pytest.raises(
            codec.EncodeError, match=f"message id {message_id} is not a whole number"
        ):
            codec.pack(replace(QUERY, header_version=2, message_id=message_id))


class TestExtendedHeader:
    def test_layout(self):
        metadata = {"key": "value"}
        message = replace(QUERY, header_version=2, message_id=7, metadata=metadata)
        body = codec.pack(message)[58:]
        assert struct.unpack(">HHII", body[:12]) == (12, 2 + 8, len("keyvalue"), 7)

    def test_longer_than_12_bytes_is_passed_over(self):
        body = version_2_body(b"content", extended_header_size=40, message_id=7)
        message = codec.unpack(frame("CUSTOM", body, version=2))
        assert (message.content, message.message_id) == (b"content", 7)

    def test_of_less_than_12_bytes_is_an_error(self):
        body = struct.pack(">HHII", 11, 0, 0, 0)
        with pytest.raises(codec.DecodeError, match="gives its own size as 11 bytes"):
            codec.unpack(frame("CUSTOM", body, version=2))

    def test_longer_than_the_body_is_an_error(self):
        body = struct.pack(">HHII", 13, 0, 0, 0)
        with pytest.raises(codec.DecodeError, match="ends within its extended header"):
            codec.unpack(frame("CUSTOM", body, version=2))

    def test_cut_short_is_an_error(self):
        with pytest.raises(codec.DecodeError, match="ends within its extended header"):
            codec.unpack(frame("CUSTOM", bytes(11), version=2))

    @pytest.mark.parametrize("metadata_size", [91, 0xFFFFFFFF])
    def test_that_claims_more_metadata_than_there_are_bytes_is_an_error(self, metadata_size: int):
        body = struct.pack(">HHII", 12, 10, metadata_size, 0) + bytes(100)
        claim = rf"10 \+ {metadata_size} bytes of metadata; 100 bytes are there"
        with pytest.raises(codec.DecodeError, match=claim):
            codec.unpack(frame("CUSTOM", body, version=2))

    def test_the_parts_are_views_not_copies(self):
        body = memoryview(version_2_body(b"content", metadata_header=b"mh", metadata=b"m"))
        parts = Body.unpack(body)
        assert (parts.content, parts.metadata_header, parts.metadata) == (b"content", b"mh", b"m")
        assert parts.content.obj is body.obj


class TestWholeMessages:
    def test_one_byte_less_or_more_is_an_error(self):
        data = codec.pack(codec.StatusMessage(message="fine"))
        for wrong in (data[:-1], data + b"\0", data[:58]):
            with pytest.raises(
                codec.DecodeError, match=f"has {len(data)} bytes; {len(wrong)} were given"
            ):
                codec.unpack(wrong)

    def test_a_wrong_checksum_is_an_error(self):
        data = frame("STATUS", bytes(30), device_name=b"Device", crc=1)
        with pytest.raises(codec.ChecksumError, match=r"STATUS 'Device' arrived damaged.* 0{15}1$"):
            codec.unpack(data)

    def test_check_crc_false_reads_it_all_the_same(self):
        data = frame("STATUS", bytes(30), crc=1)
        assert codec.unpack(data, check_crc=False).code == codec.StatusCode.INVALID

    def test_errors_are_fit_for_a_screen(self):
        data = frame("STATUS", bytes(30), device_name=b"\x1b[31m\xff", crc=1)
        with pytest.raises(codec.ChecksumError) as error:
            codec.unpack(data)
        assert str(error.value).isprintable()

    def test_all_errors_are_value_errors_of_one_family(self):
        for error in (codec.ChecksumError, codec.BodySizeError, codec.HeaderVersionError):
            assert issubclass(error, codec.DecodeError)
        assert issubclass(codec.DecodeError, codec.CodecError)
        assert issubclass(codec.EncodeError, codec.CodecError)
        assert issubclass(codec.CodecError, ValueError)

    def test_pack_parts_does_not_copy_pixels(self):
        pixels = np.zeros((2, 3, 4), "<u2")
        parts = codec.pack_parts(codec.ImageMessage(pixels))
        assert any(np.shares_memory(np.frombuffer(part, np.uint8), pixels) for part in parts)
        assert b"".join(parts) == codec.pack(codec.ImageMessage(pixels))


def test_a_version_2_query_with_nothing_behind_its_header_is_one_without_fields():
    message = codec.unpack(frame("GET_IMGMETA", version=2, device_name=b"Client"))
    assert message == codec.GetMessage("IMGMETA", device_name="Client", header_version=2)
