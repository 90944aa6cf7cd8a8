"""Messages made by hand, and streams of them fed to a ``Receiver``."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from IGTLMetaBrowserLib import codec

_IMAGE_HEADER = struct.Struct(">HBBBB3H12f3H3H")
_IDENTITY = (1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)

Event = codec.Message | codec.Rejected


def frame(
    type_name: str,
    body: bytes = b"",
    *,
    version: int = 1,
    device_name: bytes = b"",
    body_size: int | None = None,
    crc: int | None = None,
) -> bytes:
    """Return a message with that body; size and CRC are the right ones, if none are given."""
    if body_size is None:
        body_size = len(body)
    if crc is None:
        crc = codec.crc64(body)
    fields = version, type_name.encode(), device_name, 0, body_size, crc
    return struct.pack(">H12s20sQQQ", *fields) + body


def version_2_body(
    content: bytes,
    *,
    extended_header_size: int = 12,
    metadata_header: bytes = b"",
    metadata: bytes = b"",
    message_id: int = 0,
) -> bytes:
    """Return a body of header version 2; an extended header above 12 bytes ends in 0xEE bytes."""
    sizes = extended_header_size, len(metadata_header), len(metadata), message_id
    extended_header = struct.pack(">HHII", *sizes).ljust(extended_header_size, b"\xee")
    return extended_header + content + metadata_header + metadata


def content_of_image(
    pixels: bytes,
    *,
    version: int = 1,
    components: int = 1,
    scalar_type: int = 3,
    endian: int = 2,
    coordinates: int = 1,
    size: tuple[int, int, int] = (2, 2, 2),
    offset: tuple[int, int, int] = (0, 0, 0),
    subvolume: tuple[int, int, int] | None = None,
) -> bytes:
    """Return an image's content made by hand: by default of 2×2×2 voxels, uint8."""
    numbers = version, components, scalar_type, endian, coordinates
    return _IMAGE_HEADER.pack(*numbers, *size, *_IDENTITY, *offset, *(subvolume or size)) + pixels


def feed(receiver: codec.Receiver, data: bytes, piece_size: int = 1 << 30) -> list[Event]:
    """Give ``data`` to the receiver in pieces of ``piece_size``; return all events."""
    starts = range(0, len(data), piece_size)
    view = memoryview(data)
    return feed_pieces(receiver, (view[start : start + piece_size] for start in starts))


def feed_pieces(receiver: codec.Receiver, pieces: Iterable[bytes | memoryview]) -> list[Event]:
    """Give the receiver pieces of any size, as a socket would; return all events."""
    events = []
    for piece in pieces:
        while len(piece):
            place = receiver.get_buffer()
            assert len(place)
            count = min(len(place), len(piece))
            place[:count] = piece[:count]
            events += receiver.buffer_updated(count)
            piece = piece[count:]
    return events
