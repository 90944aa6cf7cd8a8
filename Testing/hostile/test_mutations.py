"""The golden messages, damaged at every byte: each is read or refused, and nothing else happens."""

from __future__ import annotations

import pytest

from codec.stream import feed
from data import golden
from hostile.all_ways import mended
from hostile.mutations import ALL_BITS, ONE_BIT, TYPES, mutations
from hostile.strategies import read
from IGTLMetaBrowserLib import codec

# What numpy warns of is a finding, too.
pytestmark = pytest.mark.filterwarnings("error")

STATUS = codec.pack(codec.StatusMessage(message="still here"))


@pytest.mark.parametrize("name", golden.NAMES)
class TestGolden:
    def test_every_changed_byte_of_the_body_is_noticed(self, name: str):
        data = golden.golden_bytes(name)
        for body in mutations(data[58:], ONE_BIT, ALL_BITS):
            with pytest.raises(codec.ChecksumError):
                codec.unpack(data[:58] + body)

    def test_every_changed_byte_where_checksums_are_not_checked(self, name: str):
        """One bit in header version 1, all bits in version 2, which has the same content."""
        change = ONE_BIT if name.endswith("_v1") else ALL_BITS
        damaged = mutations(golden.golden_bytes(name), change)
        outcomes = [read(data, check_crc=False) for data in damaged]
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
        for type_name in TYPES:
            read(data[:2] + type_name.encode().ljust(12, b"\0") + data[14:])

    def test_the_other_header_version(self, name: str):
        data = golden.golden_bytes(name)
        version = 3 - data[1]
        read(bytes([0, version]) + data[2:])

    def test_a_receiver_that_checks_no_checksums_never_raises(self, name: str):
        for data in mutations(golden.golden_bytes(name), ALL_BITS):
            receiver = codec.Receiver(max_body_size=1 << 20, check_crc=False)
            for event in feed(receiver, data + STATUS):
                if isinstance(event, codec.Message):
                    codec.pack(event)

    def test_after_a_damaged_body_the_stream_goes_on(self, name: str):
        data = golden.golden_bytes(name)
        for body in mutations(data[58:], ONE_BIT):
            rejected, status = feed(codec.Receiver(), data[:58] + body + STATUS)
            assert isinstance(rejected.error, codec.ChecksumError)
            assert status.message == "still here"

    def test_after_a_damaged_header_nothing_is_raised(self, name: str):
        data = golden.golden_bytes(name)
        for header in mutations(data[:58], ONE_BIT, ALL_BITS):
            feed(codec.Receiver(max_body_size=1 << 20), header + data[58:] + STATUS)
