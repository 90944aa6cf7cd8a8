"""IMAGE that is sent while its voxels come has the checksum that its header promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from IGTLMetaBrowserLib import codec
from IGTLMetaBrowserLib.codec.growing import filler

CRCS = st.integers(0, 2**64 - 1)


@given(st.binary(max_size=40), CRCS)
def test_a_filler_makes_any_bytes_have_any_checksum(before, wanted):
    letters = filler(codec.crc64(before), wanted)
    assert codec.crc64(before + letters) == wanted
    assert letters.decode("ascii").isprintable()


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 3)])
@pytest.mark.parametrize("most", [7, 1000])
def test_it_is_the_same_message_but_for_the_filler(shape, most):
    pixels = np.zeros(shape, np.uint8)
    image = codec.ImageMessage(pixels, device_name="CT", metadata={"PatientID": "1"})
    content = codec.GrowingContent(image, "CT", message_id=7)
    sent = b""
    for count in range(shape[0]):
        assert content.parts(image, count, most) == []  # of the next slice, nothing is there
        pixels[count] = count + 1
        while parts := content.parts(image, count + 1, most):
            sent += b"".join(parts)
    assert content.is_done
    got = codec.unpack(sent)
    assert len(got.metadata.pop(codec.FILLER)) == 17
    assert (got.header_version, got.message_id, got.device_name) == (2, 7, "CT")
    assert got.metadata == image.metadata
    assert np.array_equal(got.pixels, pixels)
    assert np.array_equal(got.matrix, image.matrix)


def test_a_changed_bit_is_noticed():
    """The checksum protects as any other does."""
    image = codec.ImageMessage(np.ones((2, 2, 2), np.uint8))
    sent = b"".join(codec.GrowingContent(image, "CT", 0).parts(image, 2, 1000))
    for place in range(codec.HEADER_SIZE, len(sent)):
        damaged = bytearray(sent)
        damaged[place] ^= 1
        with pytest.raises(codec.ChecksumError):
            codec.unpack(damaged)
