"""Bytes with each of them changed."""

from __future__ import annotations

from collections.abc import Iterator

from IGTLMetaBrowserLib.codec.messages.base import registered_types

TYPES = [*registered_types(), "GET_IMAGE", "RTS_IMAGE", "UNHEARD-OF"]
ONE_BIT, ALL_BITS = 0x01, 0xFF


def mutations(data: bytes, *changes: int) -> Iterator[bytes]:
    """Yield ``data`` with each byte changed in each of the ways, bits to turn over."""
    for position, byte in enumerate(data):
        for change in changes:
            yield data[:position] + bytes([byte ^ change]) + data[position + 1 :]
