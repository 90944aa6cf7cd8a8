"""The long form of the fault tests: ``python3 Testing/dev.py hostile``.

Has the whole conversation through a proxy that does each fault at each byte, plain and with TLS,
and prints how many conversations ended as the truth and how many with words. Exit code 0 means that
none ended otherwise: with a wrong voxel, a second node, or not at all. What seems to hang, and what
ended before its fault, is tried again alone: on a busy machine, time limits are met early.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from helpers.patience import Patience
from hostile.conversation import SECONDS
from hostile.fault_proxy import KINDS, Fault
from hostile.lanes import Outcome, try_some
from hostile.rig import WAYS, Rig

FAULTS_AT_ONCE = 200
PIECES_BETWEEN_REPORTS = 5
# A bit of each byte is flipped, another one for each, or all of them.
BITS = 8
TIMES_MEASURED = 5
# Ends for which a busy machine can be the cause. A wrong voxel has no such excuse.
DOUBTFUL = ("HANG", "no fault")


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all faults, or those that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS, help="these alone")
    parser.add_argument("--every", type=int, default=1, help="at every Nth byte; 1 if not given")
    parser.add_argument("--all-bits", action="store_true", help="flip each bit, not one a byte")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="these alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes; 2 if not given")
    parser.add_argument(
        "--at-once",
        type=int,
        default=2,
        help="conversations at the same time in each process, as they wait most of the time; 2",
    )
    options = parser.parse_args(arguments)
    if min(options.every, options.jobs, options.at_once) < 1:
        parser.error("--every, --jobs and --at-once must be at least 1")
    findings = 0
    for way in options.ways:
        begin = time.monotonic()
        faults = list(all_faults(options.kinds, lengths(way), options.every, options.all_bits))
        outcomes = try_twice(way, faults, options.jobs, options.at_once)
        print_table(way, options.kinds, outcomes)
        seconds = time.monotonic() - begin
        print(f"{way}: {len(faults)} conversations in {seconds:.0f} s", flush=True)
        findings += sum(outcome.end in ("WRONG", "HANG") for outcome in outcomes)
    return 1 if findings else 0


def print_table(way: str, kinds: Sequence[str], outcomes: Sequence[Outcome]) -> None:
    """Print how many conversations of each kind ended how."""
    for kind in kinds:
        ends = Counter(outcome.end for outcome in outcomes if outcome.fault.kind == kind)
        print(f"{way:16} {kind:11}", *(f"{n:6} {end}" for end, n in sorted(ends.items())))


def all_faults(
    kinds: Sequence[str], most: Sequence[int], every: int = 1, has_all_bits: bool = False
) -> Iterator[Fault]:
    """Yield each fault at each byte of the two directions, of ``most`` bytes."""
    for kind in kinds:
        if kind == "refuse":
            yield from (Fault(kind, connections=count) for count in (1, 2, 5, 1000))
            continue
        for is_up in (False, True):
            for at in range(0, most[is_up], every):
                is_each = has_all_bits and kind == "flip"
                for bit in range(BITS) if is_each else [random.Random(at).randrange(BITS)]:
                    yield Fault(kind, at, is_up, bit=bit)


def try_twice(way: str, faults: Sequence[Fault], jobs: int, at_once: int) -> list[Outcome]:
    """Try all faults; again, one at a time, what a busy machine can be the cause of."""
    outcomes = try_all(way, faults, jobs, at_once)
    doubtful = [outcome.fault for outcome in outcomes if outcome.end in DOUBTFUL]
    if not doubtful:
        return outcomes
    before = Counter(outcome.end for outcome in outcomes)
    kept = [outcome for outcome in outcomes if outcome.end not in DOUBTFUL]
    again = try_all(way, doubtful, jobs=1, at_once=1)
    after = Counter(outcome.end for outcome in again)
    print(
        f"{way}: tried again alone: {before['HANG']} suspected hangs, {after['HANG']} hang again; "
        f"{before['no fault']} ended before the fault, {after['no fault']} again",
        flush=True,
    )
    return kept + again


def try_all(way: str, faults: Sequence[Fault], jobs: int, at_once: int) -> list[Outcome]:
    """Try faults in so many processes; print what is wrong at once."""
    outcomes: list[Outcome] = []
    starts = range(0, len(faults), FAULTS_AT_ONCE)
    pieces = [faults[start : start + FAULTS_AT_ONCE] for start in starts]
    # No forks: this process may have threads, and what they hold would be held there for ever.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, spawn) as executor:
        pending = [executor.submit(try_some, way, piece, at_once) for piece in pieces]
        for number, future in enumerate(as_completed(pending), start=1):
            found = future.result()
            outcomes += found
            for outcome in found:
                if outcome.problem:
                    print(f"{way}: {outcome.end}: {outcome.fault}\n{outcome.problem}", flush=True)
            if number % PIECES_BETWEEN_REPORTS == 0:
                print(f"{way}: {len(outcomes)} of {len(faults)} so far", flush=True)
    return outcomes


def lengths(way: str) -> list[int]:
    """Return how many bytes go to the client and to the server if nothing is wrong.

    The most of several times, as signatures of TLS have a byte more or less. On a busy machine
    some meet a time limit, and do not count.
    """
    most, complete = [0, 0], 0
    patience = Patience(SECONDS)
    while complete < TIMES_MEASURED:
        with (
            tempfile.TemporaryDirectory() as folder,
            WAYS[way].use(),
            Rig(way, Path(folder)) as rig,
        ):
            words = rig.try_one(None)
            assert not words or not patience.is_over, f"without a fault: {words}"
            if not words:
                complete += 1
                most = [max(pair) for pair in zip(most, rig.passed, strict=True)]
    return most


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
