"""One packed content under many headers is what ``pack`` makes of the whole message each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import golden
from helpers.peers import make_image
from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.crc64 import crc64_combine

METADATA = {"Study": "1.2.3", "Körper": "Schädel"}


@given(st.binary(max_size=200), st.binary(max_size=3000))
def test_checksums_of_two_pieces_make_that_of_both(first: bytes, second: bytes):
    combined = crc64_combine(codec.crc64(first), codec.crc64(second), len(second))
    assert combined == codec.crc64(first + second)


@pytest.mark.parametrize("name", golden.NAMES)
def test_golden_messages(name: str):
    data = golden.golden_bytes(name)
    message = codec.unpack(data)
    packed = codec.PackedContent(message)
    parts = packed.parts(
        message.device_name, message.header_version, message.message_id, message.metadata
    )
    assert b"".join(parts) == codec.pack(message)


@pytest.mark.parametrize(
    ("version", "number", "metadata"), [(1, 0, {}), (2, 0, {}), (2, 77, METADATA)]
)
def test_one_content_under_several_headers(version: int, number: int, metadata: dict[str, str]):
    image = make_image(3, (60, 50, 40))
    packed = codec.PackedContent(image)
    fields = {"device_name": "A", "header_version": version, "message_id": number}
    expected = codec.pack(replace(image, metadata=metadata, **fields))
    for _ in range(2):
        assert b"".join(packed.parts(**fields, metadata=metadata)) == expected


def test_the_pixels_are_not_copied():
    image = make_image(1)
    parts = codec.PackedContent(image).parts("A")
    assert any(np.shares_memory(np.frombuffer(part, np.uint8), image.pixels) for part in parts)


def test_a_large_content_is_summed_in_turns():
    image = make_image(1, (256, 256, 100))
    packed = codec.PackedContent(image)
    turns = 1
    while not packed.sum_some():
        turns += 1
    assert turns > 3
    assert b"".join(packed.parts("A")) == codec.pack(replace(image, device_name="A"))


def test_version_1_has_no_place_for_metadata():
    packed = codec.PackedContent(make_image(1))
    with pytest.raises(codec.EncodeError, match="header version 1 cannot hold"):
        packed.parts("A", metadata=METADATA)
