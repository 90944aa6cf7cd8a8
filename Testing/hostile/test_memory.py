"""How much memory the worst messages of each kind take, beside the bytes that they have."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from codec.stream import frame, version_2_body
from IGTLMetaBrowserLib import codec

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


@pytest.mark.parametrize(
    ("make", "most_times_its_bytes"),
    [
        (long_list, 0.01),
        (array_of_bytes, 1.1),
        (text_of_wide_letters, 10),
        (text_that_cannot_be_decoded, 8),
        (metadata_of_many_small_entries, 8),
        (cells_of_one_point, 5),
        (many_capabilities, 3),
        (bind_of_many, 12),
    ],
)
def test_memory_at_its_peak(make: Callable[[], bytes], most_times_its_bytes: float):
    data = make()
    codec.unpack(data)  # what is made once, at the first use, belongs to no message
    tracemalloc.start()
    try:
        message = codec.unpack(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(message, codec.Message)
    assert peak <= most_times_its_bytes * len(data)
