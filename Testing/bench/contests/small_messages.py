"""Many small messages (TRANSFORM, 106 bytes): through the receiver, and with pyigtl."""

from __future__ import annotations

from functools import partial

import numpy as np
from pyigtl.messages import MessageBase
from rich.console import Console

from IGTLMetaBrowserLib import codec

from .harness import (
    FASTCRC,
    NUMPY_ONLY,
    Contest,
    Requirement,
    both_ways,
    medians,
    print_verdict,
    seconds,
)

COUNT = 20_000
# About a megabit network's worth between two turns of an event loop.
MESSAGES_A_SEGMENT = 100
MESSAGE_SIZE = 106
PYIGTL = "pyigtl, which checks no CRC"
UNCHECKED = "codec, CRC not checked"
LEAST_A_SECOND = {NUMPY_ONLY: 80_000, FASTCRC: 200_000}


def make_messages() -> bytes:
    """Return 20,000 packed positions of a tool."""
    random = np.random.default_rng(0)
    messages = []
    for number in range(COUNT):
        matrix = np.eye(4)
        matrix[:3] = random.normal(size=(3, 4))
        timestamp = codec.Timestamp((1_700_000_000 << 32) + number * 10_000_000)
        messages.append(
            codec.TransformMessage(matrix=matrix, device_name="Needle", timestamp=timestamp)
        )
    return b"".join(map(codec.pack, messages))


def receive(data: bytes, check_crc: bool = True) -> None:
    """Give the messages to a receiver, many a segment."""
    receiver = codec.Receiver(check_crc=check_crc)
    step = MESSAGES_A_SEGMENT * MESSAGE_SIZE
    count = 0
    for start in range(0, len(data), step):
        view = receiver.get_buffer()
        piece = data[start : start + step]
        view[: len(piece)] = piece
        count += len(receiver.buffer_updated(len(piece)))
    assert count == COUNT


def unpack_with_pyigtl(data: bytes) -> None:
    """Unpack header and body of each, as pyigtl's client does with what it has received."""
    for start in range(0, len(data), MESSAGE_SIZE):
        header = MessageBase.parse_header(data[start : start + 58])
        message = MessageBase.create_message(header["message_type"])
        message.unpack(header, data[start + 58 : start + MESSAGE_SIZE])


def receiving() -> Contest:
    """Return the contest."""
    data = make_messages()
    contestants = {PYIGTL: partial(seconds, partial(unpack_with_pyigtl, data))}
    contestants |= both_ways(partial(seconds, partial(receive, data)))
    contestants[UNCHECKED] = partial(seconds, partial(receive, data, False))
    return Contest(
        f"{COUNT:,} TRANSFORM messages, {MESSAGES_A_SEGMENT} a segment",
        contestants,
        COUNT,
        "messages",
        [Requirement(name, PYIGTL, times_as_fast=3) for name in (FASTCRC, UNCHECKED)],
    )


def show_rates(console: Console) -> bool:
    """Print the messages a second beside those that are required; return whether they suffice."""
    run = partial(seconds, partial(receive, make_messages()))
    results = medians(both_ways(run))
    reached = []
    for name, taken in results.items():
        rate, least = COUNT / taken, LEAST_A_SECOND[name]
        print_verdict(console, name, f"≥ {least:,} a second", f"{rate:,.0f}", rate >= least)
        reached.append(rate >= least)
    console.print()
    return all(reached)
