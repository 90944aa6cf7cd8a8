"""CRC-64: of an image's bytes beside the C++ library, of a small body beside a plain loop."""

from __future__ import annotations

import timeit
from functools import partial
from pathlib import Path

import numpy as np

from IGTLMetaBrowserLib import codec

from .harness import (
    FASTCRC,
    NUMPY_ONLY,
    Contest,
    Requirement,
    both_ways,
    cpp_seconds,
    seconds,
)

IMAGE_BYTES = 512 * 512 * 300 * 2
BODY_OF_A_TRANSFORM = bytes(range(48))
CALLS = 20_000
CPP = "C++ library, crc64()"
LOOP = "plain loop over a byte table"


def large(program: Path | None) -> Contest:
    """Return the contest over 157 MB."""
    data = np.random.default_rng(0).bytes(IMAGE_BYTES)
    contestants = both_ways(partial(seconds, partial(codec.crc64, data)))
    if program:
        contestants = {CPP: partial(cpp_seconds, program, "crc", len(data), 1), **contestants}
    return Contest(
        f"CRC-64 of {IMAGE_BYTES / 1e6:.0f} MB",
        contestants,
        IMAGE_BYTES / 1e6,
        "MB",
        [
            Requirement(NUMPY_ONLY, CPP, times_as_fast=2.5),
            Requirement(FASTCRC, CPP, times_as_fast=20),
        ],
    )


def small() -> Contest:
    """Return the contest over a body of 48 bytes, in calls."""
    assert crc_by_table(BODY_OF_A_TRANSFORM) == codec.crc64(BODY_OF_A_TRANSFORM)
    contestants = {LOOP: partial(seconds_of_calls, crc_by_table)}
    contestants |= both_ways(partial(seconds_of_calls, codec.crc64))
    return Contest(
        f"CRC-64 of {len(BODY_OF_A_TRANSFORM)} bytes, {CALLS:,} times",
        contestants,
        CALLS,
        "calls",
        [Requirement(NUMPY_ONLY, LOOP, at_most=1)],
    )


def seconds_of_calls(crc64) -> float:
    return timeit.timeit(partial(crc64, BODY_OF_A_TRANSFORM), number=CALLS)


def table_entry(byte: int) -> int:
    crc = byte << 56
    for _ in range(8):
        crc = crc << 1 ^ (0x142F0E1EBA9EA3693 if crc >> 63 else 0)
    return crc


TABLE = [table_entry(byte) for byte in range(256)]


def crc_by_table(data: bytes) -> int:
    """Return the CRC-64 as a textbook takes it."""
    crc = 0
    for byte in data:
        crc = TABLE[crc >> 56 ^ byte] ^ crc << 8 & 0xFFFFFFFFFFFFFFFF
    return crc
