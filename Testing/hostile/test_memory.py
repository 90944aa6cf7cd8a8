"""How much memory the worst messages of each kind take, beside the bytes that they have."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from hostile.worst_messages import (
    array_of_bytes,
    bind_of_many,
    cells_of_one_point,
    long_list,
    many_capabilities,
    metadata_of_many_small_entries,
    text_of_wide_letters,
    text_that_cannot_be_decoded,
)
from IGTLMetaBrowserLib import codec


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
