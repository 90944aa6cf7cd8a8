"""What a receiver does not read, and what it does not keep."""

from __future__ import annotations

import struct
import tracemalloc

import pytest

from codec.stream import content_of_image, feed, feed_pieces, frame
from IGTLMetaBrowserLib import codec

MIB = 1 << 20
LIMIT = 1000
AFTER = codec.TransformMessage(device_name="after")


@pytest.mark.parametrize(
    "type_name",
    ["STATUS", "STRING", "COMMAND", "RTS_COMMAND", "GET_IMAGE", "STT_X", "POLYDATA", "IMGTHUMB"],
)
def test_what_takes_time_to_read_has_a_limit_of_its_own(type_name: str):
    receiver = codec.Receiver(max_parsed_size=LIMIT)
    stream = frame(type_name, bytes(LIMIT + 1), device_name=b"large") + codec.pack(AFTER)
    rejected, after = feed(receiver, stream)
    assert isinstance(rejected.error, codec.ParsedSizeError)
    assert str(rejected.error) == (
        f"the message {type_name} 'large' claims a body of 1001 bytes; the limit is 1000 for "
        "messages of its type"
    )
    assert after == AFTER


@pytest.mark.parametrize("type_name", ["TRAJ", "IMGMETA", "POINT", "UNKNOWN"])
def test_lists_and_unknown_types_may_be_larger(type_name: str):
    (event,) = feed(codec.Receiver(max_parsed_size=LIMIT), frame(type_name, bytes(0 * LIMIT)))
    assert isinstance(event, codec.Message)
    size = {"TRAJ": 150, "IMGMETA": 260, "POINT": 136}.get(type_name, 1) * LIMIT
    (event,) = feed(codec.Receiver(max_parsed_size=LIMIT), frame(type_name, bytes(size)))
    assert isinstance(event, codec.Message)


def test_the_limit_of_all_messages_comes_first():
    receiver = codec.Receiver(max_body_size=100, max_parsed_size=LIMIT)
    (rejected,) = feed(receiver, frame("STATUS", bytes(200)))
    assert str(rejected.error).endswith("the limit is 100")


def test_a_bundle_of_many_messages_is_not_read():
    (rejected,) = feed(codec.Receiver(max_parsed_size=MIB), frame("BIND", bytes(40_000)))
    assert isinstance(rejected.error, codec.ParsedSizeError)


@pytest.mark.parametrize("type_name", ["NDARRAY", "VIDEO"])
def test_what_is_swapped_or_copied_as_a_whole_has_a_larger_limit(type_name: str):
    receiver = codec.Receiver(max_parsed_size=MIB)
    (event,) = feed(receiver, large_message(type_name, side=4000))  # less than 16 MiB
    assert isinstance(event, codec.Message)
    (event,) = feed(receiver, large_message(type_name, side=4100))
    assert isinstance(event.error, codec.ParsedSizeError)
    (event,) = feed(codec.Receiver(), large_message(type_name, side=4100))
    assert isinstance(event, codec.Message)


def large_message(type_name: str, side: int) -> bytes:
    """Return an array of side × side bytes, or a frame of as many."""
    header = struct.pack(">BB2H", 3, 2, side, side) if type_name == "NDARRAY" else b"\0\1"
    return frame(type_name, header + bytes(side * side))


@pytest.mark.parametrize("metadata_size", [MIB, MIB + 1])
def test_metadata_have_a_limit(metadata_size: int):
    value = "x" * (metadata_size - 1)
    message = codec.StatusMessage(header_version=2, metadata={"k": value})
    if metadata_size <= MIB:
        assert codec.unpack(codec.pack(message)).metadata["k"] == value
    else:
        with pytest.raises(codec.EncodeError, match="the limit is 1048576"):
            codec.pack(message)


def test_a_rejected_image_is_freed_at_once():
    """Its error would keep the frames in which it was read, and these its bytes."""
    body = content_of_image(bytes(4 * MIB), size=(3, 3, 3))
    pieces = [frame("IMAGE", body)]
    receiver = codec.Receiver()
    tracemalloc.start()
    try:
        (rejected,) = feed_pieces(receiver, pieces)
        left, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "3×3×3" in str(rejected.error)
    assert rejected.error.__traceback__ is None
    assert left < MIB


def test_words_of_a_peer_are_cut():
    assert codec.brief("short\x07") == "short\N{REPLACEMENT CHARACTER}"
    assert codec.brief("x" * 5000) == "x" * 1000 + "\N{HORIZONTAL ELLIPSIS}"
