"""The golden messages, damaged at every byte: each is read or refused, and nothing else happens."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pytest

from codec.stream import feed
from data import golden
from hostile.strategies import read, use
from IGTLMetaBrowserLib import codec

STATUS = codec.pack(codec.StatusMessage(message="still here"))


def mutations(data: bytes) -> Iterator[bytes]:
    """Yield ``data`` with each byte changed in each of five ways."""
    for position, byte in enumerate(data):
        for changed in {byte ^ 0x01, byte ^ 0x80, byte ^ 0xFF, 0x00, 0xFF} - {byte}:
            yield data[:position] + bytes([changed]) + data[position + 1 :]


def mended(data: bytes) -> bytes:
    """Return the message with the body size and checksum of the body that it has."""
    body = data[58:]
    return data[:42] + struct.pack(">QQ", len(body), codec.crc64(body)) + body


@pytest.mark.parametrize("name", golden.NAMES)
class TestGolden:
    def test_every_changed_byte_of_the_body_is_noticed(self, name: str):
        data = golden.golden_bytes(name)
        for body in mutations(data[58:]):
            with pytest.raises(codec.ChecksumError):
                codec.unpack(data[:58] + body)

    def test_every_changed_byte_where_checksums_are_not_checked(self, name: str):
        for data in mutations(golden.golden_bytes(name)):
            read(data, check_crc=False)

    def test_every_changed_byte_under_a_right_checksum(self, name: str):
        outcomes = [read(mended(data)) for data in mutations(golden.golden_bytes(name))]
        assert any(outcomes)  # a changed letter in a name harms nothing
        assert not all(outcomes)  # another header version does

    def test_every_length(self, name: str):
        data = golden.golden_bytes(name)
        for length in range(58, len(data)):
            assert not read(data[:length])
            read(mended(data[:length]))

    def test_bytes_that_are_left_over(self, name: str):
        data = golden.golden_bytes(name)
        for count in (1, 2, 7, 8, 150, 260):
            assert not read(data + bytes(count))
            read(mended(data + bytes(count)))

    def test_a_header_of_another_type(self, name: str):
        data = golden.golden_bytes(name)
        for type_name in (b"IMGMETA", b"TRAJ", b"IMAGE", b"STATUS", b"GET_IMAGE", b"UNHEARD-OF"):
            read(data[:2] + type_name.ljust(12, b"\0") + data[14:])

    def test_the_other_header_version(self, name: str):
        data = golden.golden_bytes(name)
        version = 3 - data[1]
        read(bytes([0, version]) + data[2:])

    @pytest.mark.parametrize("check_crc", [True, False])
    def test_a_receiver_never_raises(self, name: str, check_crc: bool):
        for data in mutations(golden.golden_bytes(name)):
            receiver = codec.Receiver(max_body_size=1 << 20, check_crc=check_crc)
            for event in feed(receiver, data + STATUS):
                if isinstance(event, codec.Message):
                    use(event)

    def test_after_a_damaged_body_the_stream_goes_on(self, name: str):
        data = golden.golden_bytes(name)
        for body in mutations(data[58:]):
            rejected, status = feed(codec.Receiver(), data[:58] + body + STATUS)
            assert isinstance(rejected.error, codec.ChecksumError)
            assert status.message == "still here"
