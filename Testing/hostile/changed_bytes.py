"""Millions of changed messages in little time: ``python -m hostile.changed_bytes --inputs N``.

``dev.py fuzz`` looks for new paths and takes 1 ms for each input. This changes what that found, and
the golden messages, at random, and only reads them: 30 µs each. One in twenty is used, too.
"""

from __future__ import annotations

import argparse
import itertools
import random
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from data import golden
from hostile.all_ways import mended
from hostile.strategies import read
from IGTLMetaBrowserLib import codec

CORPUS = Path(__file__).resolve().parent / "corpus"
FINDINGS = Path(__file__).resolve().parent / "findings"
SECONDS_OF_A_HANG = 5.0
USED = 20  # one of so many
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 63)
SIZES = (1, 2, 4, 8)

Change = Callable[[bytearray, random.Random], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try so many inputs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--corpus", type=Path, default=CORPUS)
    options = parser.parse_args(arguments)
    warnings.simplefilter("error")
    seeds = [golden.golden_bytes(name) for name in golden.NAMES]
    if options.corpus.is_dir():
        seeds += [path.read_bytes() for path in options.corpus.iterdir()]
    seeds = [data for data in seeds if len(data) >= codec.HEADER_SIZE]
    findings, was_read = 0, 0
    for number in range(options.inputs):
        # Each has its own seed, so that a finding can be made again.
        chance = random.Random(options.seed << 40 | number)
        data = changed(chance.choice(seeds), seeds, chance)
        try:
            was_read += try_one(data, number % USED == 0)
        except Exception:
            findings += 1
            keep(data, options.seed, number)
    print(f"{options.inputs:,} inputs, of which {was_read:,} were messages; {findings} findings")
    return 1 if findings else 0


def changed(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Return a message with some changes, its body's size and checksum mended."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        change = chance.choice(CHANGES)
        if change is None:
            other = chance.choice(others)
            cut = chance.randrange(len(body) + 1)
            body[cut:] = other[chance.randrange(len(other)) :]
        elif body:
            change(body, chance)
    if len(body) < codec.HEADER_SIZE:
        body += bytes(codec.HEADER_SIZE - len(body))
    return mended(bytes(body))


def flip(data: bytearray, chance: random.Random) -> None:
    """Turn one bit over."""
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def put_number(data: bytearray, chance: random.Random) -> None:
    """Write a number that programs think little of."""
    size = chance.choice(SIZES)
    place = chance.randrange(len(data))
    number = chance.choice(NUMBERS) - chance.randrange(2) & (1 << 8 * size) - 1
    data[place : place + size] = struct.pack(">Q", number)[8 - size :]


def leave_out(data: bytearray, chance: random.Random) -> None:
    """Leave some bytes out."""
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 2, 4, 12, 58, 150, 260))]


def repeat(data: bytearray, chance: random.Random) -> None:
    """Have some bytes twice, or often."""
    place = chance.randrange(len(data))
    part = data[place : place + chance.choice((1, 2, 8, 58, 150, 260))]
    data[place:place] = part * chance.choice((1, 1, 2, 30))


def put_bytes(data: bytearray, chance: random.Random) -> None:
    """Write bytes that nobody expects."""
    place = chance.randrange(len(data))
    data[place : place + chance.randrange(9)] = chance.randbytes(chance.randrange(9))


CHANGES: tuple[Change | None, ...] = (flip, put_number, leave_out, repeat, put_bytes, None)
"""None: the end of another message."""


def try_one(data: bytes, is_used: bool) -> bool:
    """Read a message; return whether it is one. Raises what is a finding."""
    begin = time.process_time()
    if is_used:
        is_message = read(data)
    else:
        try:
            codec.unpack(data)
        except codec.DecodeError:
            is_message = False
        else:
            is_message = True
    assert time.process_time() - begin < SECONDS_OF_A_HANG, "it takes too long"
    return is_message


def keep(data: bytes, seed: int, number: int) -> None:
    """Write a finding down, and say what it was."""
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"changed-{seed}-{number}"
    path.write_bytes(data)
    last = itertools.islice(reversed(traceback.format_exc().splitlines()), 8)
    print(f"{path}:\n", *reversed([*last]), sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
