"""What holds for any message and for any bytes, tried by hypothesis."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.stream import feed, feed_pieces, frame, version_2_body
from data import golden
from hostile.strategies import FAMILIES, MESSAGES, read, use
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.messages.base import registered_types

# What numpy warns of is a finding, too.
pytestmark = pytest.mark.filterwarnings("error")

TYPES = st.sampled_from([*registered_types(), "GET_IMAGE", "RTS_IMAGE", "UNHEARD-OF", ""])
CHANGES = st.tuples(st.integers(0, 800), st.integers(0, 255))
few_examples = settings(max_examples=25, deadline=None)
many_examples = settings(max_examples=100, deadline=None)


class TestMessages:
    @pytest.mark.parametrize("family", FAMILIES)
    @few_examples
    @given(st.data())
    def test_any_message_comes_back(self, family: str, data: st.DataObject):
        message = data.draw(st.one_of(FAMILIES[family]))
        data = codec.pack(message)
        received = codec.unpack(data)
        assert received == message
        assert type(received) is type(message)
        assert codec.pack(received) == data
        use(received)

    @few_examples
    @given(st.lists(MESSAGES, max_size=5), st.data())
    def test_any_stream_may_be_cut_anywhere(
        self, messages: list[codec.Message], data: st.DataObject
    ):
        stream = b"".join(map(codec.pack, messages))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
        limits = zip([0, *cuts], [*cuts, len(stream)], strict=True)
        receiver = codec.Receiver()
        assert feed_pieces(receiver, (stream[start:end] for start, end in limits)) == messages
        assert receiver.is_between_messages

    @few_examples
    @given(MESSAGES, MESSAGES, st.data())
    def test_damage_in_a_body_costs_that_message_alone(
        self, damaged: codec.Message, following: codec.Message, data: st.DataObject
    ):
        stream = bytearray(codec.pack(damaged))
        if len(stream) == codec.HEADER_SIZE:
            return  # it has no body
        position = data.draw(st.integers(codec.HEADER_SIZE, len(stream) - 1))
        stream[position] ^= data.draw(st.integers(1, 255))
        rejected, received = feed(codec.Receiver(), bytes(stream) + codec.pack(following))
        assert isinstance(rejected.error, codec.ChecksumError)
        assert received == following


class TestBytes:
    @many_examples
    @given(st.binary(max_size=300), st.booleans())
    def test_any_bytes_are_a_message_or_an_error(self, data: bytes, check_crc: bool):
        read(data, check_crc)

    @many_examples
    @given(TYPES, st.binary(max_size=600), st.integers(0, 3))
    def test_any_body_behind_a_sound_header(self, type_name: str, body: bytes, version: int):
        read(frame(type_name, body, version=version))

    @many_examples
    @given(TYPES, *[st.binary(max_size=300)] * 3, st.integers(12, 40))
    def test_any_content_and_metadata_behind_a_sound_extended_header(
        self,
        type_name: str,
        content: bytes,
        metadata_header: bytes,
        metadata: bytes,
        extended_header_size: int,
    ):
        body = version_2_body(
            content,
            metadata_header=metadata_header,
            metadata=metadata,
            extended_header_size=extended_header_size,
        )
        read(frame(type_name, body, version=2))

    @many_examples
    @given(st.sampled_from(golden.NAMES), st.lists(CHANGES, min_size=2, max_size=8))
    def test_a_golden_message_with_several_bytes_changed(
        self, name: str, changes: list[tuple[int, int]]
    ):
        data = bytearray(golden.golden_bytes(name))
        for position, byte in changes:
            data[position % len(data)] = byte
        read(bytes(data), check_crc=False)

    @many_examples
    @given(st.lists(st.binary(max_size=300), max_size=10))
    def test_a_receiver_of_noise_never_raises(self, pieces: list[bytes]):
        receiver = codec.Receiver(max_body_size=1 << 20)
        for event in feed_pieces(receiver, pieces):
            if isinstance(event, codec.Message):
                use(event)
        assert receiver.bytes_received == sum(map(len, pieces))

    @few_examples
    @given(st.binary(max_size=2000), st.integers(0, 2000), st.integers(0, (1 << 64) - 1))
    def test_the_checksum_does_not_depend_on_the_pieces(self, data: bytes, cut: int, crc: int):
        assert codec.crc64(data[cut:], codec.crc64(data[:cut], crc)) == codec.crc64(data, crc)
