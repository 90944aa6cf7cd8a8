"""Reads any bytes in all ways in which the codec can: what the fuzzer does with each input."""

from __future__ import annotations

import random
import struct
import sys
from collections.abc import Sequence

from codec.stream import feed_pieces
from hostile.strategies import read
from IGTLMetaBrowserLib import codec

_RECEIVER = sys.modules[codec.Receiver.__module__]
_SHARED_BUFFER_SIZES = (128, _RECEIVER._SHARED_BUFFER_SIZE)


def read_all_ways(data: bytes) -> None:
    """Read a message, whole or not; raise whatever a sound codec does not.

    It is read as it is, with its body size and checksum mended, and by a ``Receiver`` as a stream,
    also one that is cut at random, by which nothing may change. What comes of it is a message
    that can be used and packed again, or a ``DecodeError``.
    """
    read(data, check_crc=False)
    if len(data) < codec.HEADER_SIZE:
        return
    message = mended(data)
    is_read = read(message)
    numbers = random.Random(message)  # the same for the same input
    # Half of the inputs are received as those are that do not fit the buffer of small messages.
    set_shared_buffer_size(numbers.choice(_SHARED_BUFFER_SIZES))
    try:
        (outcome,) = receive([message])
        assert isinstance(outcome, bytes) == is_read
        stream = data + message
        cuts = sorted(numbers.choices(range(len(stream)), k=numbers.randrange(6)))
        limits = zip([0, *cuts], [*cuts, len(stream)], strict=True)
        assert receive([stream]) == receive([stream[start:end] for start, end in limits])
    finally:
        set_shared_buffer_size(_SHARED_BUFFER_SIZES[-1])


def set_shared_buffer_size(size: int) -> None:
    """Let receivers that are made from now on have another buffer for small messages."""
    _RECEIVER._SHARED_BUFFER_SIZE = size
    _RECEIVER._LARGEST_SHARED_BODY = size - codec.HEADER_SIZE


def mended(data: bytes) -> bytes:
    """Return the message with the body size and checksum of the body that it has."""
    body = data[codec.HEADER_SIZE :]
    return data[:42] + struct.pack(">QQ", len(body), codec.crc64(body)) + body


def receive(pieces: Sequence[bytes]) -> list[bytes | str]:
    """Return what a receiver makes of a stream: messages, packed again, and words of errors."""
    receiver = codec.Receiver(max_body_size=1 << 20)
    return [
        codec.pack(event) if isinstance(event, codec.Message) else str(event.error)
        for event in feed_pieces(receiver, pieces)
    ]
