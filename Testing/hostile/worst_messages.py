"""Messages that become much larger when they are read."""

from __future__ import annotations

import struct

import numpy as np

from codec.stream import frame, version_2_body

MANY = 200_000


def text_of_wide_letters() -> bytes:
    """One letter beyond the 16-bit ones makes Python keep all of them in four bytes."""
    text = b"a" * MANY + "\N{SYRINGE}".encode()
    return frame("COMMAND", struct.pack(">I128sHI", 1, b"", 106, len(text)) + text)


def text_that_cannot_be_decoded() -> bytes:
    text = b"\xff" * MANY
    return frame("COMMAND", struct.pack(">I128sHI", 1, b"", 106, len(text)) + text)


def metadata_of_many_small_entries() -> bytes:
    count = 8000
    header = struct.pack(">H", count) + struct.pack(">HHI", 4, 3, 1) * count
    data = b"".join(f"{number:04d}v".encode() for number in range(count))
    return frame(
        "STATUS", version_2_body(bytes(30), metadata_header=header, metadata=data), version=2
    )


def cells_of_one_point() -> bytes:
    cells = np.array([1, 0] * MANY, ">u4").tobytes()
    return frame("POLYDATA", struct.pack(">10I", 0, MANY, len(cells), *[0] * 7) + cells)


def many_capabilities() -> bytes:
    return frame("CAPABILITY", b"A".ljust(12, b"\0") * 65_535)


def bind_of_many() -> bytes:
    count = 65_000
    entries = struct.pack(">12sQ", b"STRING", 4) * count
    return frame(
        "BIND", struct.pack(">H", count) + entries + bytes(2) + bytes([0, 3, 0, 0]) * count
    )


def long_list() -> bytes:
    return frame("IMGMETA", bytes(260 * 20_000))


def array_of_bytes() -> bytes:
    return frame("NDARRAY", struct.pack(">BB2H", 5, 2, 1000, 1000) + bytes(2_000_000))
