"""The window in any order of events: ``python3 Testing/dev.py hostile window --events 100000``.

A user at random works with the module's real window, in the stand-in for Slicer, by real sockets
with servers that end, come again with other images, push and lie. After each event is checked what
always holds (``real_slicer/invariants.py``), and that no slot has raised; after each sequence that
voxels are those of the server, and that nothing is left. Exit code 0 means that nothing was found.

Each sequence has a number, and dice of its own: ``--sequence 17`` does that one again.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicerhost
from hostile.soak import MODULE, grown, state_of

if TYPE_CHECKING:
    from hostile.window_user import WindowUser

EVENTS_BETWEEN_REPORTS = 500
SEQUENCES_BETWEEN_COLLECTIONS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Do so many events; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="dev.py hostile window", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--events", type=int, default=100_000, help="how many; 100,000")
    parser.add_argument("--seed", type=int, default=1, help="another one: other sequences; 1")
    parser.add_argument("--sequence", type=int, help="do the sequence of this number alone")
    options = parser.parse_args(arguments)
    if options.events < 1:
        parser.error("--events must be at least 1")
    begin = time.monotonic()
    # Garbage is collected between sequences alone: in the thread of a server, a timer that is freed
    # would crash.
    gc.disable()
    with running() as user:
        try:
            if options.sequence is None:
                do_events(user, options.seed, options.events)
            else:
                do_sequence(user, options.seed, options.sequence)
        finally:  # who interrupts it knows what was done
            seconds = time.monotonic() - begin
            print(
                f"{user.done} events in {user.sequences} sequences in {seconds:.0f} s, "
                f"{len(user.step.problems)} problems",
                flush=True,
            )
        return 1 if user.step.problems else 0


@contextlib.contextmanager
def running() -> Iterator[WindowUser]:
    """Open the window in the stand-in, start the servers, and yield who uses them."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["REAL_SLICER_OUTPUT"] = folder
        slicerhost.start(testing=False)
        import qt

        # Qt keeps up to 10 MiB of pixmaps, which would take the whole time to be filled.
        qt.QPixmapCache.setCacheLimit(0)
        module = slicerhost.load_module(MODULE)
        stack.callback(module.cleanup)
        module.show(1100, 960)
        # They need `qt`, and what the module has imported.
        from hostile.window_servers import all_servers
        from hostile.window_user import WindowUser

        user = WindowUser(stack.enter_context(all_servers()))
        stack.callback(user.step.end)
        yield user


def do_events(user: WindowUser, seed: int, count: int) -> None:
    """Do sequences until there were so many events; compare what is kept with the first tenth."""
    import slicer

    first, number, reported = None, 0, 0
    while user.done < count or first is None:
        do_sequence(user, seed, number)
        number += 1
        if number % SEQUENCES_BETWEEN_COLLECTIONS == 0:
            gc.collect()
        if first is None and user.done >= count / 10:
            first = state_of(slicer.mrmlScene)
            print(f"after {user.done} events: {first}", flush=True)
        if user.done >= reported + EVENTS_BETWEEN_REPORTS:
            reported = user.done
            print(f"{reported} events in {number} sequences so far", flush=True)
    last = state_of(slicer.mrmlScene)
    print(f"after {user.done} events: {last}", flush=True)
    user.check(f"grown: {words}" for words in grown(first, last))


def do_sequence(user: WindowUser, seed: int, number: int) -> None:
    """Do one sequence, always the same one, as far as time allows."""
    found = len(user.step.problems)
    user.do(random.Random(f"{seed} {number}"), in_parts=number % 2 == 1)
    if len(user.step.problems) > found:
        print(f"it was --seed {seed} --sequence {number}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
